# tests/integration/editors_test.py -- what dsl/editors brings to VS Code and Vim, judged by their own tools.
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import zipfile

import npm_clients
from larder_server import SOURCE

VSCODE = SOURCE / "dsl/editors/vscode"
VIM = SOURCE / "dsl/editors/vim"
TOOLS = SOURCE / "tests/editors"
GRAMMAR = VSCODE / "syntaxes/larder.tmLanguage.json"

# What the tokens of dsl/grammar*.cpp are made with.
TOKEN = re.compile(r'\b(?:kw|word|flag_word)\("([a-z_-]+)"\)|\{"([a-zA-Z0-9_-]+)",\s*[\w:]+::\w+\}')
# Words that are tokens of their own, in dsl/tokens.hpp and dsl/scan.cpp; `none` is a codec.
OTHERS = {"everything", "env", "true", "false", "none"}


def words_of_the_language():
    found = set(OTHERS)
    for file in (SOURCE / "dsl").glob("grammar*.[ch]pp"):
        for match in TOKEN.finditer(file.read_text()):
            found.add(match[1] or match[2])
    methods = re.search(r"method_words\(\) \{.*?\{(.*?)\}", (SOURCE / "dsl/check_rules.cpp").read_text(), re.DOTALL)
    return found | set(re.findall(r'"(\w+)"', methods[1]))


def words_of_the_grammar():
    found = set()

    def walk(node):
        if isinstance(node, list):
            for one in node:
                walk(one)
        elif isinstance(node, dict):
            for alternatives in re.findall(r"\((?:\?:)?([a-zA-Z0-9|-]+)\)", node.get("match", "").replace(r"(?<![\w.-])", "")):
                found.update(alternatives.split("|"))
            for one in node.values():
                walk(one)

    walk(json.loads(GRAMMAR.read_text()))
    return found


def words_of_vim():
    found = set()
    for line in (VIM / "syntax/larder.vim").read_text().splitlines():
        if line.startswith("syn keyword"):
            words = line.split()[3:]
            found.update(word for word in words if not re.match(r"nextgroup=|skipwhite", word))
    return found


class Words(unittest.TestCase):
    def test_the_grammar_of_vs_code_knows_the_words_of_the_language_and_no_others(self):
        # Of its other alternatives only units and places have letters.
        extra = {"allow", "before|on|after"} | {"ms", "s", "m", "h", "d", "w"}
        wanted = words_of_the_language()
        self.assertGreater(len(wanted), 100)
        self.assertEqual(wanted - words_of_the_grammar(), set())
        self.assertEqual(words_of_the_grammar() - wanted - extra, set())

    def test_vim_knows_the_words_of_the_language_and_no_others(self):
        self.assertEqual(words_of_vim(), words_of_the_language())


class VsCode(unittest.TestCase):
    def tools(self):
        modules, why = npm_clients.attempt(TOOLS)
        if modules is None:
            self.skipTest(why)
        return modules

    def test_the_grammar_gives_every_word_its_scope(self):
        program = self.tools() / ".bin/vscode-tmgrammar-test"
        files = sorted((TOOLS / "grammar").glob("*.larder"))
        self.assertGreaterEqual(len(files), 2)
        ran = subprocess.run([program, "--grammar", GRAMMAR, *files], capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_a_wrong_scope_is_found(self):
        program = self.tools() / ".bin/vscode-tmgrammar-test"
        with tempfile.TemporaryDirectory() as folder:
            wrong = pathlib.Path(folder, "wrong.larder")
            wrong.write_text('# SYNTAX TEST "source.larder" "wrong"\nlarder 1\n# <------ comment.line\n')
            ran = subprocess.run([program, "--grammar", GRAMMAR, wrong], capture_output=True, text=True, timeout=120)
        self.assertNotEqual(ran.returncode, 0)

    def test_the_extension_is_packaged_with_all_it_needs(self):
        vsce = self.tools() / ".bin/vsce"
        modules, why = npm_clients.attempt(VSCODE)
        if modules is None:
            self.skipTest(why)
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder, "vscode")
            shutil.copytree(VSCODE, place, ignore=shutil.ignore_patterns("node_modules"))
            shutil.copytree(modules, place / "node_modules")
            ran = subprocess.run([vsce, "package", "--skip-license", "--out", "larder.vsix"], cwd=place,
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200)
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
            with zipfile.ZipFile(place / "larder.vsix") as package:
                names = set(package.namelist())
        for name in ("extension.js", "package.json", "language-configuration.json", "syntaxes/larder.tmLanguage.json",
                     "node_modules/vscode-languageclient/node.js"):
            self.assertIn(f"extension/{name}", names)
        self.assertFalse([name for name in names if name.endswith("package-lock.json") and "node_modules" not in name])

    def test_the_extension_is_javascript_that_node_reads(self):
        if shutil.which("node") is None:
            self.skipTest("node is not here")
        subprocess.run(["node", "--check", VSCODE / "extension.js"], check=True, timeout=60)


class Vim(unittest.TestCase):
    def setUp(self):
        self.vim = shutil.which("vim.basic") or shutil.which("vim")
        if self.vim is None:
            self.skipTest("vim is not here (Debian: vim)")
        folder = tempfile.TemporaryDirectory(prefix="larder-vim-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_vim(self, text, *commands):
        """What the commands `echo`ed to the file `out`, of a policy that holds `text`."""
        policy = self.folder / "p.larder"
        policy.write_text(text)
        ran = subprocess.run(
            [self.vim, "-u", "NONE", "-i", "NONE", "-N", "-es", "--not-a-term",
             "--cmd", f"set runtimepath^={VIM}", "--cmd", "syntax on", "--cmd", "filetype plugin indent on",
             policy, *[part for command in commands for part in ("-c", command)], "-c", "qa!"],
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
            env={"PATH": "/usr/bin:/bin", "HOME": self.folder.as_posix(), "LC_ALL": "C.UTF-8", "TERM": "dumb"})
        out = self.folder / "out"
        return out.read_text() if out.exists() else self.fail(ran.stdout + ran.stderr)

    def groups(self, text):
        """The syntax group of each non-blank character, by line."""
        script = self.folder / "groups.vim"
        script.write_text("""
let lines = ['filetype ' .. &filetype]
for line in range(1, line('$'))
  let groups = []
  for column in range(1, len(getline(line)))
    if getline(line)[column - 1] !~# '\\s'
      call add(groups, synIDattr(synID(line, column, 1), 'name'))
    else
      call add(groups, '')
    endif
  endfor
  call add(lines, join(groups, ','))
endfor
call writefile(lines, 'out')
""")
        lines = self.run_vim(text, f"source {script}").splitlines()
        self.assertEqual(lines[0], "filetype larder")
        return [line.split(",") for line in lines[1:]]

    def test_vim_colours_words_texts_captures_numbers_and_comments(self):
        text = ('namespace item { key "a{id}*"; ttl 5m }  # why\n'
                'on POST "/x/**" status 2xx { drop item }\n'
                'let short = env TTL or 1h30m\n'
                '## What it is\n'
                'namespace session.key { ttl 1h when {end} before today }\n'
                '# allow L0303: so\n')
        groups = self.groups(text)

        def group(line, of, at=0):
            return groups[line][text.splitlines()[line].index(of) + at]

        for line, of, at, wanted in ((0, "namespace", 0, "larderItem"), (0, "item", 1, "larderName"), (0, "key", 0, "larderClause"),
                                     (0, '"a', 0, "larderText"), (0, "{id}", 1, "larderTextCapture"), (0, "*", 0, "larderStar"),
                                     (0, "5m", 0, "larderNumber"), (0, "# why", 3, "larderComment"), (1, "on", 0, "larderItem"),
                                     (1, "POST", 0, "larderMethod"), (1, "2xx", 0, "larderNumber"), (1, "drop", 0, "larderAction"),
                                     (2, "env", 0, "larderEnv"), (2, "TTL", 0, "larderVariable"), (2, "1h30m", 3, "larderNumber"),
                                     (3, "What", 0, "larderDoc"), (4, "session.key", 3, "larderName"), (4, "{end}", 2, "larderCapture"),
                                     (4, "before", 0, "larderWord"), (5, "allow", 0, "larderAllow")):
            with self.subTest(of):
                self.assertEqual(group(line, of, at), wanted)
        # A name that holds a word is no word.
        self.assertNotIn("larderItem", groups[4][10:21])

    def test_vim_indents_as_larder_fmt_does(self):
        for file in ("hotel", "auraconnect", "warehouse", "panic", "enhanced"):
            text = (SOURCE / f"policies/{file}.larder").read_text()
            flat = "\n".join(line if line.lstrip().startswith("#") else line.lstrip() for line in text.split("\n"))
            made = self.run_vim(flat, "normal! gg=G", "call writefile(getline(1, '$'), 'out')")
            with self.subTest(file):
                self.assertEqual([line for line in made.splitlines() if not line.lstrip().startswith("#")],
                                 [line for line in text.splitlines() if not line.lstrip().startswith("#")])


if __name__ == "__main__":
    unittest.main()
