# tests/integration/hosting_doc_test.py -- every program of docs/hosting.md is built, run, and prints what the page says.
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
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMPILERS = {"c": ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror"], "cpp": ["c++", "-std=c++20", "-Wall", "-Wextra", "-Werror"]}


class Programs(unittest.TestCase):
    def setUp(self):
        blocks = BLOCK.findall((ROOT / "docs/hosting.md").read_text(encoding="utf-8"))
        self.programs = [(language, text, blocks[i + 1]) for i, (language, text) in enumerate(blocks[:-1]) if language != "text"]

    def run_one(self, language, text, folder):
        environment = {**os.environ, "PYTHONPATH": str(BUILD / "bin/python")}
        source = pathlib.Path(folder) / f"program.{ {'python': 'py'}.get(language, language) }"
        source.write_text(text, encoding="utf-8")
        command = [sys.executable, source]
        if language in COMPILERS:
            program = source.with_suffix("")
            subprocess.run([*COMPILERS[language], "-I", ROOT / "sdk/include", source, "-o", program, "-L", BUILD / "bin/lib",
                            "-llarder", f"-Wl,-rpath,{BUILD / 'bin/lib'}", *sanitizers()], check=True, timeout=120)
            command = [program]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)

    def check(self, wanted):
        found = [one for one in self.programs if one[0] == wanted]
        self.assertTrue(found, f"docs/hosting.md has no program in {wanted}")
        for language, text, (kind, printed) in found:
            with tempfile.TemporaryDirectory() as folder:
                ran = self.run_one(language, text, folder)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertEqual(kind, "text", "what a program prints stands below it")
            self.assertEqual(ran.stdout, printed)

    def test_the_programs_in_c_print_what_the_page_says(self):
        self.check("c")

    def test_the_programs_in_cxx_print_what_the_page_says(self):
        self.check("cpp")

    def test_the_programs_in_python_print_what_the_page_says(self):
        if not (BUILD / "bin/python/larder").exists():
            self.skipTest("python3-dev is not installed: the package was left out")
        self.check("python")


def sanitizers():
    """Of the build under test: its library wants their runtime in the program."""
    cache = (BUILD / "CMakeCache.txt").read_text()
    found = re.search(r"^LARDER_SANITIZE:\w+=(\S+)$", cache, re.MULTILINE)
    return [f"-fsanitize={found.group(1)}"] if found else []


if __name__ == "__main__":
    unittest.main()
