# tests/tidy/coverage_table.py -- the table of tests/coverage.py says what gcov counted: a small tree, built, run, and known line by line.
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
sys.path.insert(0, str(ROOT / "tests"))
import coverage  # noqa: E402

# Six lines of code, of which the run takes four; two branches, of which it takes one.
SOURCE = """int half(int n) {
    if (n % 2 == 0)
        return n / 2;
    n += 1;
    return n;
}
"""
MAIN = "int half(int);\nint main() { return half(4) - 2; }\n"


class Coverage(unittest.TestCase):
    @unittest.skipIf(shutil.which("gcovr") is None or shutil.which("g++") is None, "gcovr is not here")
    def test_the_table_of_a_small_tree_is_what_its_run_took(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder).resolve()
            build = root / "build"
            for path, text in (("kernel/core/half.cpp", SOURCE), ("tests/main.cpp", MAIN)):
                (root / path).parent.mkdir(parents=True)
                (root / path).write_text(text)
            build.mkdir()
            subprocess.run(["g++", "-O0", "--coverage", root / "kernel/core/half.cpp", root / "tests/main.cpp", "-o", build / "half"], check=True, cwd=build)
            subprocess.run([build / "half"], check=True, cwd=build)
            ran = subprocess.run([sys.executable, ROOT / "tests/coverage.py", "--root", root, "--build", build, "--html"], capture_output=True, text=True)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            rows = [line.split() for line in ran.stdout.splitlines()]
            self.assertEqual(rows[1], ["kernel/core", "5", "60.0", "%", "2", "50.0", "%"])
            self.assertEqual(rows[2], ["all", "5", "60.0", "%", "2", "50.0", "%"])
            self.assertEqual(rows[4], "2 lines of tests for 6 lines of source, 0.33 to 1".split())
            self.assertEqual((build / "coverage.txt").read_text(), ran.stdout)
            self.assertTrue((build / "coverage/index.html").is_file())

    def test_folders_are_summed_and_what_has_no_branch_has_no_percentage(self):
        files = [{"filename": "dsl/a.cpp", "line_total": 10, "line_covered": 9, "branch_total": 0, "branch_covered": 0},
                 {"filename": "kernel/core/b.cpp", "line_total": 5, "line_covered": 5, "branch_total": 4, "branch_covered": 2},
                 {"filename": "kernel/core/c.cpp", "line_total": 5, "line_covered": 0, "branch_total": 4, "branch_covered": 2}]
        rows = coverage.by_folder(files)
        self.assertEqual(rows, {"dsl": [10, 9, 0, 0], "kernel/core": [10, 5, 8, 4], "all": [20, 14, 8, 4]})
        self.assertIn("90.0 %         0        -", coverage.table(rows))

    def test_without_a_run_it_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            ran = subprocess.run([sys.executable, ROOT / "tests/coverage.py", "--build", folder], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("nothing in", ran.stderr)


if __name__ == "__main__":
    unittest.main()
