# tests/tidy/reference.py -- docs/reference.md is what the program itself says: asked of the grammar and the manifests.
#
#     python3 tests/tidy/reference.py --write      makes it anew
#
# The parser knows at each place what could stand there, and says so when something else does. So a `@`
# behind the beginning of a statement is answered with its continuation, and the page is put together
# from such answers: a word that the grammar learns is missing in the page until it is made anew, and
# this test says so. Options come from the manifests, by `larder plugins --json`.
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
BUILD = pathlib.Path(os.environ.get("LARDER_BUILD_DIR", ROOT / "build/release"))
LARDER = BUILD / "bin/larder"
PAGE = ROOT / "docs/reference.md"

# The blocks of the language: title, where its own section stands, the text before a statement of it.
BLOCKS = [
    ("A file", "how-it-is-written", ""),
    ("`namespace NAME { ... }`", "namespace", "namespace n {\n  "),
    ("`defaults { ... }`", "defaults", "defaults {\n  "),
    ("`profile NAME { ... }`", "profile", "profile p {\n  "),
    ("`on ... { ... }`", "on", 'on write "/x" {\n  '),
    ("`session NAME { ... }`", "session", "session s {\n  "),
    ("`warm NAMESPACE { ... }`", "warm", "warm n {\n  "),
    ("`breaker STORE { ... }`", "breaker", "breaker l2 {\n  "),
    ("`guard { ... }`", "guard", "guard {\n  "),
    ("`test TITLE { ... }`", "test", 'test "t" {\n  '),
    ("`guarantee TITLE { ... }`", "guarantee", 'guarantee "g" {\n  '),
]

# What stands for a kind of value when the next place is asked about.
SAMPLES = [("duration", "5m"), ("time of day", "02:00"), ("percentage", "10%"), ("size", "1KiB"),
           ("whole number", "5"), ("number", "5"), ("edition", "1"), ("status", "200"),
           ("HTTP method", "PUT"), ("capture", "{x}"), ("trigger plugin", None), ("plugin", "brotli"),
           ("namespace", "n"), ("name", "x"), ("text", '"x"'), ("quotes", '"x"'), ("value", "5"),
           ("metric", "hit_rate"), ("store", "l2"), ("codec", "brotli"),
           ("word", "x")]
ENDS = ("the end of", "a comment", "`}`", "`;`", "`,`", "`{`", "`(`")


def ask(texts):
    """For each text what could stand at its end, as the parser says it; all in a few runs."""
    answers = []
    for start in range(0, len(texts), 50):
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for number, text in enumerate(texts[start:start + 50]):
                file = pathlib.Path(folder) / f"{number:02}.larder"
                file.write_text(text + " @\n", encoding="utf-8")
                files.append(str(file))
            ran = subprocess.run([LARDER, "check", "--format", "json", *files], capture_output=True,
                                 text=True, timeout=60)
            found = {}
            for one in json.loads(ran.stdout):
                if one["code"] not in ("L0101", "L0102", "L0105", "L0106", "L0107"):
                    continue
                words = " ".join([one["message"].partition(", found")[0], *one.get("notes", [])])
                found.setdefault(pathlib.Path(one["file"]).name, alternatives(words))
            answers += [found.get(pathlib.Path(file).name, []) for file in files]
    return answers


def alternatives(words):
    """`a`, `b` or a duration like `30s` -> ["`a`", "`b`", "a duration"]"""
    expected = re.search(r"\bexpected(?: here:)? (.*)", words)
    if not expected:
        return []
    text = re.sub(r" like `[^`]*`(?: or `[^`]*`)?", "", expected[1])
    return [part.strip() for part in re.split(r", | or ", text) if part.strip()]


def is_word(alternative):
    return re.fullmatch(r"`[a-z]+`", alternative) is not None


def sample_of(alternative):
    if alternative.startswith(ENDS):
        return None
    if alternative.startswith("`"):
        return alternative.strip("`")
    return next((sample for kind, sample in SAMPLES if kind in alternative), None)


def shown(some):
    some = [one for one in some if not one.startswith(ENDS)]
    return ", ".join(some[:-1]) + (" or " if len(some) > 1 else "") + some[-1] if some else ""


def statements(before):
    """Rows of (word, what follows, what may follow then)."""
    words = [word.strip("`") for word in ask([before])[0] if is_word(word)]
    firsts = ask([before + word for word in words])
    tries = [(word, one, before + word + " " + sample) for word, first in zip(words, firsts)
             for one in first if (sample := sample_of(one)) is not None]
    # What follows a word that is not a choice of its own, `depends on` and a namespace, belongs to it.
    takes, seconds = {}, {}
    for (word, one, text), then in zip(tries, ask([text for *_, text in tries])):
        if is_word(one):
            takes[word, one] = shown(then)
            continue
        for next_word in then:
            if is_word(next_word):
                seconds.setdefault(word, {}).setdefault(next_word.strip("`"), text)
    deep = [(word, one, text) for word, some in seconds.items() for one, text in some.items()]
    thirds = {(word, one): then for (word, one, _), then
              in zip(deep, ask([f"{text} {one}" for _, one, text in deep]))}

    def with_more(word, one):
        return f"{one} ({takes[word, one]})" if takes.get((word, one)) else one

    for word, first in zip(words, firsts):
        then = []
        for one in seconds.get(word, {}):
            after = shown(thirds[word, one])
            then.append(f"`{one}`" + (f" ({after})" if after else ""))
        yield word, shown([with_more(word, one) for one in first]), ", ".join(then)


def options_of(plugins):
    for plugin in plugins:
        for component in plugin.get("components", []):
            yield component


def cell(text):
    return " ".join(str(text).replace("|", "\\|").split())


def reference():
    sections = {re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).strip().replace(" ", "-")
                for line in (ROOT / "docs/policy-language.md").read_text(encoding="utf-8").splitlines()
                if line.startswith("#")}
    out = ["# Reference\n",
           "For whoever knows the language and has forgotten a word. This page is made by",
           "[reference.py](../tests/tidy/reference.py) from what the grammar and the plugins' manifests say; it is not",
           "edited. [policy-language.md](policy-language.md) tells what each word means.\n",
           "## Statements\n",
           "What follows a word, and which words may follow then, with what they take.\n"]
    for title, section, before in BLOCKS:
        out += [f"### {title}\n", f"See [{section}](policy-language.md#{section}).\n",
                "| word | takes | and then |", "|---|---|---|"]
        for word, takes, then in statements(before):
            name = f"[`{word}`](policy-language.md#{word})" if word in sections else f"`{word}`"
            out.append(f"| {name} | {cell(takes)} | {cell(then)} |")
        out.append("")
    triggers = ask(["on"])[0]
    out += ["### What a rule waits for\n",
            "`on` and then " + shown(triggers) + ".\n",
            "### What an alert measures\n"]
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "a.larder"
        file.write_text("alert a when zzzzzzzzzz > 1 -> log\n", encoding="utf-8")
        ran = subprocess.run([LARDER, "check", "--format", "json", file], capture_output=True, text=True,
                             timeout=60)
        helps = " ".join(" ".join(one.get("help", [])) for one in json.loads(ran.stdout))
        metrics = re.search(r"metrics are ([\w, ]+)", helps)
        out.append(", ".join(f"`{name}`" for name in metrics[1].split(", ")) + ".\n")
    out += ["## Findings\n", "Each has a section of [diagnostics.md](diagnostics.md), which `larder explain CODE` prints.\n",
            "| code | finding |", "|---|---|"]
    for line in (ROOT / "docs/diagnostics.md").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"## (L\d{4}): (.*)", line):
            out.append(f"| {found[1]} | {cell(found[2])} |")
    ran = subprocess.run([LARDER, "plugins", "--json", "--path", BUILD / "bin/plugins"], capture_output=True,
                         text=True, timeout=60)
    out += ["", "## Plugins and their options\n", "As they stand in `larder.toml`; [configuration.md](configuration.md) tells where.\n"]
    components = sorted(options_of(json.loads(ran.stdout)), key=lambda one: (one["kind"], one["name"]))
    for component in components:
        out += [f"### {component['kind']} `{component['name']}`\n", component["doc"] + "\n"]
        if component["options"]:
            out += ["| option | type | default | |", "|---|---|---|---|"]
        for option in component["options"]:
            default = "required" if option.get("required") else json.dumps(option["default"]) if "default" in option else ""
            out.append(f"| `{option['name']}` | {cell(option['type'])} | {cell(default)} | {cell(option['doc'])} |")
        if component["options"]:
            out.append("")
    return "\n".join(out).rstrip("\n") + "\n"


class Reference(unittest.TestCase):
    def test_the_reference_is_what_the_grammar_and_the_manifests_say(self):
        self.maxDiff = None
        self.assertEqual(PAGE.read_text(encoding="utf-8"), reference(),
                         "make it anew: python3 tests/tidy/reference.py --write")

    def test_answers_of_the_parser_are_taken_apart(self):
        self.assertEqual(alternatives("expected `jitter`, `sliding` or the end of the line"),
                         ["`jitter`", "`sliding`", "the end of the line"])
        self.assertEqual(alternatives("expected a duration like `30s` or `1h30m`"), ["a duration"])
        self.assertEqual(alternatives("unknown word `x` expected here: `drop` or `let`"), ["`drop`", "`let`"])


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(reference(), encoding="utf-8")
    else:
        unittest.main()
