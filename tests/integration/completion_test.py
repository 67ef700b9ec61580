# tests/integration/completion_test.py -- what a shell offers behind `larder VERB` is what `larder VERB --help` has: asked of bash, zsh and
# fish themselves.
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from larder_server import find

LARDER = find("larder")

BASH = """source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_larder
printf '%s\\n' "${COMPREPLY[@]}"
"""
# zsh completes in a line editor only: its builtins stand in for it.
ZSH = """script=$1
shift
words=("$@")
CURRENT=$#
compadd() { shift; print -l -- "$@" }
_describe() { print -l -- ${${(P)2}%%:*} }
_files() { }
source "$script"
"""


@unittest.skipIf(LARDER is None, "larder is not built")
class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="larder-completion-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.verbs = re.findall(r"(?m)^  ([a-z]+) {2,}\w", cls.said("help"))
        cls.within = re.findall(r"(?m)^  ([a-z]+) {2,}\w", cls.said("plugin", "--help"))
        for shell in ("bash", "zsh", "fish"):
            (cls.folder / f"larder.{shell}").write_text(cls.said("completion", shell))

    @classmethod
    def said(cls, *words):
        return subprocess.run([LARDER, *words], capture_output=True, text=True, timeout=60).stdout

    def lines(self):
        """Each verb, and each of `larder plugin`: (words, its long options by its own help)"""
        for words in [[verb] for verb in self.verbs if verb not in ("help", "plugin")] + [["plugin", sub] for sub in self.within]:
            options = set(re.findall(r"(?m)^ {1,4}(?:-\w,)?(--[a-z][a-z0-9-]*)", self.said(*words, "--help")))
            self.assertIn("--help", options, words)
            yield words, options

    def judge(self, offered):
        self.assertGreater(len(self.verbs), 30)
        self.assertGreater(len(self.within), 3)
        self.assertEqual(set(self.verbs) - offered("larder", ""), set(), "verbs")
        self.assertEqual(set(self.within) - offered("larder", "plugin", ""), set(), "larder plugin")
        for words, options in self.lines():
            with self.subTest(" ".join(words)):
                self.assertEqual({word for word in offered("larder", *words, "--") if word.startswith("--")}, options)

    def shell(self, *command):
        return set(subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, cwd=self.folder).stdout.split())

    def test_bash_offers_every_verb_and_every_option_of_each(self):
        self.judge(lambda *words: self.shell("bash", "--norc", "-c", BASH, "bash", self.folder / "larder.bash", *words))

    @unittest.skipIf(shutil.which("zsh") is None, "zsh is not here")
    def test_zsh_offers_every_verb_and_every_option_of_each(self):
        self.judge(lambda *words: self.shell("zsh", "-f", "-c", ZSH, "zsh", self.folder / "larder.zsh", *words))

    @unittest.skipIf(shutil.which("fish") is None, "fish is not here")
    def test_fish_offers_every_verb_and_every_option_of_each(self):
        def offered(*words):
            line = " ".join(words)
            said = subprocess.run(["fish", "--no-config", "-c", f"source {self.folder}/larder.fish; complete -C '{line}'"], capture_output=True, text=True,
                                  timeout=60, env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}).stdout
            return {row.split("\t")[0] for row in said.splitlines()}

        self.judge(offered)


if __name__ == "__main__":
    unittest.main()
