# tests/tidy/docs.py -- the documents are tests: links resolve, policies are checked, commands run.
#
# What the fences mean stands in docs/contributing.md. Commands run against a `larder serve` of their
# own, one for each document, with conf/development.toml on a port the system chose; they see copies
# of policies/ and conf/, so that a document may edit them.
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
BUILD = pathlib.Path(os.environ.get("LARDER_BUILD_DIR", ROOT / "build/release"))
LARDER = BUILD / "bin/larder"
CONF = "conf/development.toml"
PORT = "7380"  # the port that documents write


# ---- Markdown ------------------------------------------------------------------------------------

@dataclasses.dataclass
class Block:
    file: pathlib.Path
    line: int
    words: list[str]  # after the fence: ["larder-rejected", "L0202"]
    text: str

    @property
    def place(self):
        return f"{self.file.name}:{self.line}"


def documents(root):
    skipped = {".git", "build", "out"}
    return sorted(path for path in root.rglob("*.md")
                  if not skipped & set(path.relative_to(root).parts))


def blocks_of(file):
    """The fenced blocks of a document, and its text without them."""
    blocks, prose, block = [], [], None
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            if block is None:
                block = Block(file, number, line.strip().strip("`").split(), "")
            else:
                blocks.append(block)
                block = None
            prose.append("")
        elif block is None:
            prose.append(line)
        else:
            block.text += line + "\n"
            prose.append("")
    return blocks, prose


def anchors_of(file):
    """The #names of a document's headings, as the usual viewers make them."""
    found = set()
    for line in blocks_of(file)[1]:
        if heading := re.match(r"#{1,6}\s+(.*?)\s*#*$", line):
            plain = re.sub(r"[^\w\- ]", "", heading[1].replace("`", "").lower())
            found.add(plain.replace(" ", "-"))
    return found


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def broken_links(root):
    found = []
    for file in documents(root):
        for number, line in enumerate(blocks_of(file)[1], 1):
            for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                goal = (file.parent / path).resolve() if path else file
                where = f"{file.relative_to(root)}:{number}"
                if not goal.exists():
                    found.append(f"{where}: {target} does not exist")
                elif anchor and goal.suffix == ".md" and anchor not in anchors_of(goal):
                    found.append(f"{where}: {target}: there is no such heading")
    return found


# ---- Commands ------------------------------------------------------------------------------------

def commands_of(text):
    """Pairs of command and what it has to print."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found and not found[-1][1] and found[-1][0].endswith("\\"):
            found[-1][0] += "\n" + line
        elif found:
            found[-1][1].append(line)
    return [(command, "\n".join(expected)) for command, expected in found]


def agrees(printed, expected):
    """Whether `printed` is what was expected: blanks loosely, `...` for anything."""
    parts = [r"\s*".join(re.escape(word) for word in re.findall(r"\w+|[^\w\s]", part))
             for part in expected.split("...")]
    return re.fullmatch(r"\s*" + r"\s*(?s:.*?)\s*".join(parts) + r"\s*", printed) is not None


def run_block(block, place, env, port):
    """Runs the commands of `block` in the folder `place`. Returns what did not go as written."""
    wrong = []
    for command, expected in commands_of(block.text.replace(PORT, port)):
        ran = subprocess.run(["bash", "-c", command], cwd=place, env=env, timeout=30,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        silent = not expected.strip()
        if not agrees(ran.stdout, expected) or (silent and ran.returncode):
            wrong.append(f"{block.place}: $ {command}\nexited {ran.returncode}, expected:\n"
                         f"{expected or '(nothing, and 0)'}\nprinted:\n{ran.stdout}")
    return wrong


class Served:
    """A `larder serve` in a folder of its own, as ./quickstart starts it."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.place = pathlib.Path(self._folder.name)
        for name in ("conf", "policies"):
            shutil.copytree(ROOT / name, self.place / name)
        bin_folder = self.place / "bin"
        bin_folder.mkdir()
        # What a person sees at a terminal: (nil), (integer) 1.
        shim = bin_folder / "redis-cli"
        shim.write_text(f'#!/bin/sh\nexec {shutil.which("redis-cli")} --no-raw "$@"\n')
        shim.chmod(0o755)
        self.env = {**os.environ, "PATH": f"{bin_folder}:{LARDER.parent}:{os.environ['PATH']}",
                    "XDG_RUNTIME_DIR": self._folder.name, "LARDER_RESP": "127.0.0.1:0",
                    "LARDER_HTTP": "127.0.0.1:0"}
        self._log = open(self.place / "log", "w+", encoding="utf-8")
        self._process = subprocess.Popen([LARDER, "serve", "--conf", CONF], cwd=self.place,
                                         env=self.env, stdout=self._log, stderr=subprocess.STDOUT)
        try:
            self.port = self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_until_ready(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            log = (self.place / "log").read_text(encoding="utf-8")
            for line in log.splitlines():
                if found := re.search(r" ready: .* resp=127\.0\.0\.1:(\d+)", line):
                    return found[1]
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"larder serve did not become ready:\n{log}")

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        self._folder.cleanup()


# ---- The tests -----------------------------------------------------------------------------------

class Documents(unittest.TestCase):
    def all_blocks(self, kind):
        found = [block for file in documents(ROOT) for block in blocks_of(file)[0]
                 if block.words[:1] == [kind]]
        self.assertTrue(found, f"no document has a block fenced as {kind}")
        return found

    def check(self, block):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "example.larder"
            file.write_text(block.text, encoding="utf-8")
            return subprocess.run([LARDER, "check", file], capture_output=True, text=True,
                                  timeout=30)

    def test_every_link_within_the_tree_resolves(self):
        self.assertEqual("\n".join(broken_links(ROOT)), "")

    def test_every_policy_in_a_document_passes_the_check(self):
        for block in self.all_blocks("larder"):
            with self.subTest(block.place):
                checked = self.check(block)
                self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_every_policy_that_a_document_calls_rejected_is_rejected(self):
        for block in self.all_blocks("larder-rejected"):
            with self.subTest(block.place):
                checked = self.check(block)
                self.assertEqual(checked.returncode, 1, checked.stdout + checked.stderr)
                for code in block.words[1:]:
                    self.assertIn(code, checked.stdout + checked.stderr)

    def test_every_command_that_a_document_runs_prints_what_it_says(self):
        for file in sorted({block.file for block in self.all_blocks("console")}):
            blocks = blocks_of(file)[0]
            if not any(block.words == ["console", "run"] for block in blocks):
                continue
            with Served() as served:
                for block in blocks:
                    if block.words[:1] in (["larder"], ["text"]) and len(block.words) == 2:
                        (served.place / block.words[1]).write_text(block.text, encoding="utf-8")
                    if block.words != ["console", "run"]:
                        continue
                    wrong = run_block(block, served.place, served.env, served.port)
                    self.assertEqual("\n".join(wrong), "")

    def test_planted_links_that_lead_nowhere_are_found(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "a.md").write_text(
                "# A heading, with `code`\n[good](b.md#other-one) [here](#a-heading-with-code)\n"
                "[no file](c.md) [no heading](b.md#none) `[not a](link)`\n"
                "```\n[in a block](nowhere)\n```\n[outside](https://example.org/x)\n")
            (root / "b.md").write_text("## Other one\n")
            self.assertEqual([what.split(": ")[1] for what in broken_links(root)],
                             ["c.md does not exist", "b.md#none"])

    def test_a_command_that_prints_something_else_or_fails_is_found(self):
        def wrong(text):
            return run_block(Block(pathlib.Path("a.md"), 1, [], text), "/", dict(os.environ), "1")

        self.assertEqual(wrong("$ echo one   two\none two\n$ printf 'a\\nb\\nc'\na\n...\nc\n"), [])
        self.assertEqual(wrong("$ true\n$ echo to be \\\n  continued\nto be continued\n"), [])
        self.assertEqual(
            len(wrong("$ echo one\ntwo\n$ false\n$ echo unsaid\n$ echo one two\none\n")), 4)


if __name__ == "__main__":
    unittest.main()
