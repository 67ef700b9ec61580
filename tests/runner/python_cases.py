# tests/runner/python_cases.py -- runs the unittest cases of one file and reports each as it ends.
#
#   python_cases.py FILE [--report PATH] [--cases PATH] [--list]
#
# Without --report it prints like any unittest program; with it, one JSON object a line goes to PATH.
# A case is named by what it claims: the first line of its docstring, or its method's name in words.
import argparse
import collections
import importlib.util
import json
import os
import pathlib
import sys
import time
import traceback
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent


def load(file):
    """The test cases of `file`, by name, in the order they are written."""
    for folder in (file.parent, TESTS / "support", TESTS):
        sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location(f"cases_of_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    loader = unittest.TestLoader()
    loader.sortTestMethodsUsing = None
    classes = [item for item in vars(module).values()
               if isinstance(item, type) and issubclass(item, unittest.TestCase)
               and item.__module__ == module.__name__]
    found = []
    for owner in classes:
        methods = [name for name in vars(owner) if name.startswith("test")]
        methods += [name for name in loader.getTestCaseNames(owner) if name not in methods]
        found += [owner(name) for name in methods if callable(getattr(owner, name))]
    times = collections.Counter(claim(case) for case in found)
    return {claim(case) if times[claim(case)] == 1 else f"{type(case).__name__}: {claim(case)}":
            case for case in found}


def claim(case):
    method = getattr(case, case._testMethodName)
    first_line = (method.__doc__ or "").strip().partition("\n")[0].strip()
    words = case._testMethodName.removeprefix("test").strip("_").replace("_", " ")
    return first_line.rstrip(".") or words


class Reporter(unittest.TestResult):
    def __init__(self, names, write):
        super().__init__()
        self._names = names
        self._write = write
        self._began = time.monotonic()
        self._bad = []

    def startTest(self, test):
        super().startTest(test)
        self._began = time.monotonic()
        self._bad = []
        self._outcome = "passed"
        self._print_began = _printed_so_far()
        self._write(start=self._names[test])

    def stopTest(self, test):
        super().stopTest(test)
        if self._bad:
            self._outcome = "failed"
        self._write(end=self._names[test], outcome=self._outcome,
                    seconds=time.monotonic() - self._began,
                    printed=(self._print_began, _printed_so_far()),
                    text="\n".join(self._bad) if self._bad else getattr(self, "_reason", ""))
        self._reason = ""

    def addFailure(self, test, err):
        self._bad.append(_told(err))

    def addError(self, test, err):
        # A class or module fixture has no case of its own to blame.
        if test not in self._names:
            self._write(end=_fixture(test), outcome="failed", seconds=0.0, text=_told(err))
        self._bad.append(_told(err))

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._bad.append(f"{subtest._subDescription()}\n{_told(err)}")

    def addSkip(self, test, reason):
        self._outcome, self._reason = "skipped", reason
        # A skipped class starts none of its cases.
        if test not in self._names:
            self._write(end=_fixture(test), outcome="skipped", seconds=0.0, text=reason)

    def addUnexpectedSuccess(self, test):
        self._bad.append("it was expected to fail and passed")


def _printed_so_far():
    sys.stdout.flush()
    return os.fstat(sys.stdout.fileno()).st_size


def _fixture(test):
    return str(test).replace("cases_of_", "")


def _told(err):
    kind, value, trace = err
    lines = traceback.format_exception(kind, value, trace)
    return "".join(line for line in lines if "/unittest/" not in line.partition("\n")[0]).rstrip()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--report")
    parser.add_argument("--cases", help="a file of names, one a line: run these")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    # Failures in full: what is cut is what was needed.
    unittest.TestCase.maxDiff = None
    unittest.util._MAX_LENGTH = 20000

    cases = load(arguments.file.resolve())
    if arguments.list:
        print("\n".join(cases))
        return 0
    if arguments.cases:
        wanted = pathlib.Path(arguments.cases).read_text(encoding="utf-8").splitlines()
        cases = {name: case for name, case in cases.items() if name in wanted}
    suite = unittest.TestLoader().suiteClass(cases.values())
    if not arguments.report:
        return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1
    with open(arguments.report, "w", encoding="utf-8", buffering=1) as report:
        def write(**event):
            report.write(json.dumps(event) + "\n")
        suite.run(Reporter({case: name for name, case in cases.items()}, write))
    return 0


if __name__ == "__main__":
    sys.exit(main())
