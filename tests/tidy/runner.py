# tests/tidy/runner.py -- the runner itself: that nothing which fails, hangs, dies or is left out
# can come out as a pass.
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))
from runner import results  # noqa: E402
from runner.catch_suite import CatchSuite  # noqa: E402
from runner.ctest_suite import CtestSuite, list_tests  # noqa: E402
from runner.python_suite import PythonSuite  # noqa: E402

PYTHON_FILE = """
    import os, subprocess, time, unittest
    class Behaviour(unittest.TestCase):
        def test_passes(self):
            pass
        def test_fails(self):
            print("printed on the way")
            self.assertEqual(1, 2, "one is not two")
        def test_fails_in_a_subtest(self):
            for number in (1, 2):
                with self.subTest(number=number):
                    self.assertEqual(number, 1)
        def test_is_skipped(self):
            self.skipTest("no such machine")
        def test_hangs(self):
            while True:
                time.sleep(0.1)
        def test_takes_the_process_down(self):
            os._exit(0)
        def test_leaves_a_child_that_holds_everything_open(self):
            subprocess.Popen(["sleep", "60"], close_fds=False)
        def test_has_a_docstring(self):
            '''A name with: punctuation, and more.'''
    class Fixture(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            raise RuntimeError("no server")
        def test_needs_the_fixture(self):
            pass
"""

# Stands for a Catch2 binary: lists three cases, and dies in the second when it meets it.
CATCH_SCRIPT = """\
    #!{python}
    import os, sys
    names = ["first, [with] marks", "dies", "last"]
    if "--list-tests" in sys.argv:
        print("\\n".join(names)); sys.exit(0)
    wanted = open(sys.argv[sys.argv.index("-f") + 1]).read()
    out = open(sys.argv[sys.argv.index("--out") + 1], "w", buffering=1)
    out.write("<?xml version='1.0'?><Catch>")
    for name in names:
        if name.replace(",", "\\\\,") not in wanted:
            continue
        out.write(f'<TestCase name="{{name}}">')
        out.flush()
        if name == "dies":
            print("last words", flush=True); os._exit(0)
        out.write('<OverallResult success="true"/></TestCase>')
    out.write("</Catch>")
"""


class Runner(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = pathlib.Path(self._folder.name)
        self.env = {"TMPDIR": str(self.folder), "PATH": "/usr/bin:/bin"}

    def run_suite(self, suite, seconds=3):
        cases = suite.run(self.env, (), seconds, lambda name: True)
        self.assertEqual(len({case.name for case in cases}), len(cases), "a case came out twice")
        return {case.name: case for case in cases}

    def test_every_way_a_python_case_can_end_is_told_from_the_others(self):
        file = self.folder / "behaviour.py"
        file.write_text(textwrap.dedent(PYTHON_FILE))
        cases = self.run_suite(PythonSuite("area", file))
        outcomes = {name: case.outcome for name, case in cases.items()}
        self.assertEqual(outcomes.pop("setUpClass (behaviour.Fixture)"), results.FAILED)
        self.assertEqual(outcomes, {
            "passes": results.PASSED,
            "fails": results.FAILED,
            "fails in a subtest": results.FAILED,
            "is skipped": results.SKIPPED,
            "hangs": results.FAILED,
            "takes the process down": results.FAILED,
            "leaves a child that holds everything open": results.PASSED,
            "A name with: punctuation, and more": results.PASSED,
            "needs the fixture": results.FAILED,
        })
        self.assertIn("one is not two", cases["fails"].text)
        self.assertIn("printed on the way", cases["fails"].text)
        self.assertIn("number=2", cases["fails in a subtest"].text)
        self.assertIn("after 3 s", cases["hangs"].text)
        self.assertIn("no server", cases["setUpClass (behaviour.Fixture)"].text)

    def test_a_catch_case_that_ends_its_process_fails_and_those_after_it_still_run(self):
        binary = self.folder / "test_planted"
        binary.write_text(textwrap.dedent(CATCH_SCRIPT.format(python=sys.executable)))
        binary.chmod(0o755)
        cases = self.run_suite(CatchSuite("planted", binary))
        self.assertEqual([case.outcome for case in cases.values()],
                         [results.PASSED, results.FAILED, results.PASSED])
        self.assertIn("last words", cases["dies"].text)

    def test_a_binary_that_cannot_start_is_a_failure(self):
        binary = self.folder / "test_broken"
        binary.write_text("#!/no/such/interpreter\n")
        binary.chmod(0o755)
        cases = self.run_suite(CatchSuite("broken", binary))
        self.assertEqual([case.outcome for case in cases.values()], [results.FAILED])

    def test_what_only_ctest_knows_is_run_and_what_was_not_built_fails(self):
        (self.folder / "CTestTestfile.cmake").write_text(
            'add_test(fuzz.good "/bin/true")\nadd_test(fuzz.goodbye "/bin/false")\n'
            'add_test(fuzz.missing "/no/such/program")\n')
        names = list(list_tests(self.folder))
        cases = self.run_suite(CtestSuite("ctest", self.folder, names))
        self.assertEqual({name: case.outcome for name, case in cases.items()}, {
            "fuzz.good": results.PASSED, "fuzz.goodbye": results.FAILED,
            "fuzz.missing": results.FAILED})

    def test_results_survive_the_way_through_junit_with_hostile_text(self):
        cases = [results.Case("a", "good <name> & \"marks\"", results.PASSED),
                 results.Case("a", "bad", results.FAILED, text="NUL \x00 and \x1b[31m"),
                 results.Case("a", "left out", results.SKIPPED, text="no <reason>")]
        results.write_junit(self.folder, "a", cases)
        self.assertEqual(results.read_junit(self.folder),
                         {case.full_name: case.outcome for case in cases})

    def test_the_last_line_and_the_status_say_that_something_failed(self):
        (self.folder / "bin/tests").mkdir(parents=True)
        binary = self.folder / "bin/tests/test_planted"
        binary.write_text(textwrap.dedent(CATCH_SCRIPT.format(python=sys.executable)))
        binary.chmod(0o755)
        for only, last_line, status in (("planted", "2 passed, 1 failed", 1),
                                        ("planted/last", "1 passed, 0 failed", 0),
                                        ("nothing", "0 passed, 0 failed", 1)):
            with self.subTest(only=only):
                ran = subprocess.run(
                    [sys.executable, TESTS / "run.py", "--build", self.folder, "--only", only],
                    capture_output=True, text=True, timeout=60)
                self.assertEqual(ran.stdout.splitlines()[-1], last_line)
                self.assertEqual(ran.returncode, status)


if __name__ == "__main__":
    unittest.main()
