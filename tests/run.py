#!/usr/bin/python3
# tests/run.py -- runs every test there is, counts test cases, tells what failed and why.
#
#   tests/run.py [--preset release] [--only AREA[/TEST]]... [--list] [--jobs N] [--timeout S]
#
# Areas: each C++ binary test_AREA under build/PRESET/bin/tests, then integration.FILE, outside.FILE
# and tidy.FILE for each Python file, and "ctest" for programs that only ctest knows. A test is "area/test name";
# --only takes shell patterns for both parts. The areas run side by side; tidy.acceptance runs last,
# because it judges what the others did.
# What came of each case stays in build/PRESET/results/AREA.xml (JUnit).
#
# The last line is always "N passed, M failed", and the exit status says the same.
import argparse
import concurrent.futures
import fnmatch
import os
import pathlib
import platform
import shutil
import sys
import tempfile
import threading
import time

from runner import results
from runner.catch_suite import CatchSuite, list_cases
from runner.ctest_suite import CtestSuite, list_tests
from runner.python_suite import PythonSuite, holds_cases

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAST = "tidy.acceptance"


def suites_of(build):
    found = [CatchSuite(binary.name.removeprefix("test_"), binary)
             for binary in sorted((build / "bin/tests").glob("test_*"))
             if os.access(binary, os.X_OK) and binary.is_file()]
    for kind in ("integration", "outside", "tidy"):
        found += [PythonSuite(f"{kind}.{file.stem}", file)
                  for file in sorted((ROOT / "tests" / kind).glob("*.py")) if holds_cases(file)]
    # ctest knows the above as one test each; what it knows besides must not be forgotten.
    known = {suite.area for suite in found}
    others = [name for name in list_tests(build) if name not in known]
    if others:
        found.append(CtestSuite("ctest", build, others))
    return sorted(found, key=lambda suite: suite.area == LAST)


class Selection:
    """What --only asks for; nothing asked for is everything."""

    def __init__(self, patterns):
        self._patterns = [pattern.partition("/")[::2] for pattern in patterns]

    def everything(self):
        return not self._patterns

    def has_area(self, area):
        return self.everything() or any(_fits(area, wanted) for wanted, _ in self._patterns)

    def has_case(self, area, name):
        return self.everything() or any(
            _fits(area, wanted) and (not case or fnmatch.fnmatchcase(name, case) or name == case)
            for wanted, case in self._patterns)


def _fits(area, pattern):
    return fnmatch.fnmatchcase(area, pattern) or area.startswith(f"{pattern}.")


def environment(build, preset):
    env = dict(os.environ)
    env.update(LARDER_SOURCE_DIR=str(ROOT), LARDER_BUILD_DIR=str(build), LARDER_PRESET=preset,
               LARDER_BIN_DIR=str(build / "bin"), LARDER_RESULTS_DIR=str(build / "results"),
               PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8", NO_COLOR="1")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    return env


class Run:
    def __init__(self, build, preset, selection, seconds_a_case):
        self._results = build / "results"
        self._env = environment(build, preset)
        self._selection = selection
        self._seconds = seconds_a_case
        # ThreadSanitizer wants its addresses where they always are.
        self._prefix = ("setarch", platform.machine(), "-R") if preset == "tsan" else ()
        self._lock = threading.Lock()
        self._at_work = {}
        self._done = 0
        self.cases = []

    def run_all(self, suites, jobs):
        self._total = len(suites)
        first = [suite for suite in suites if suite.area != LAST]
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            pending = {pool.submit(self._run_one, suite) for suite in first}
            while pending:
                done, pending = concurrent.futures.wait(
                    pending, timeout=15, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    future.result()
                if not done:
                    self._tell_what_runs()
        for suite in suites:
            if suite.area == LAST:
                self._run_one(suite)

    def _run_one(self, suite):
        began = time.monotonic()
        with self._lock:
            self._at_work[suite] = began
        # Short, because a unix socket's path must fit in 108 bytes.
        with tempfile.TemporaryDirectory(prefix="larder-", dir="/tmp") as scratch:
            cases = suite.run({**self._env, "TMPDIR": scratch}, self._prefix, self._seconds,
                              lambda name: self._selection.has_case(suite.area, name))
        if not cases and self._selection.everything():
            cases = [results.Case(suite.area, "the area has test cases", results.FAILED,
                                  text="none was found")]
        if cases:
            results.write_junit(self._results, suite.area, cases)
        with self._lock:
            del self._at_work[suite]
            self._done += 1
            self.cases += cases
            self._tell(suite.area, cases, time.monotonic() - began)

    def _tell(self, area, cases, seconds):
        count = {outcome: sum(case.outcome == outcome for case in cases)
                 for outcome in (results.PASSED, results.FAILED, results.SKIPPED)}
        said = ", ".join(f"{number} {outcome}" for outcome, number in count.items() if number)
        print(f"[{self._done:>2}/{self._total}] {area:<28} {said}   ({seconds:.1f} s)")
        for case in cases:
            if case.outcome == results.FAILED:
                print(f"\nFAILED  {case.full_name}\n{_indented(case.text)}\n")
            elif case.outcome == results.SKIPPED:
                print(f"        skipped: {case.name}: {case.text}")
        sys.stdout.flush()

    def _tell_what_runs(self):
        with self._lock:
            now = time.monotonic()
            said = [f"{suite.area} ({now - began:.0f} s{': ' if suite.running else ''}"
                    f"{suite.running})" for suite, began in self._at_work.items()]
        print(f"        running: {', '.join(said)}", flush=True)


def _indented(text):
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines())


def main():
    parser = argparse.ArgumentParser(description="Runs the tests of a preset that was built.")
    parser.add_argument("--preset", default="release")
    parser.add_argument("--build", type=pathlib.Path, help="build folder, if not build/PRESET")
    parser.add_argument("--only", action="append", default=[], metavar="AREA[/TEST]")
    parser.add_argument("--list", action="store_true", help="name the tests, run none")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--timeout", type=int, help="seconds a test case may take")
    arguments = parser.parse_args()

    build = (arguments.build or ROOT / "build" / arguments.preset).resolve()
    selection = Selection(arguments.only)
    suites = [suite for suite in suites_of(build) if selection.has_area(suite.area)]
    if arguments.list:
        env = environment(build, arguments.preset)
        for suite in suites:
            print(suite.area)
            if isinstance(suite, CatchSuite):
                print("".join(f"    {name}\n" for name in list_cases(suite.binary, env)), end="")
        return 0
    if not suites:
        print(f"no test matches; is {build} built? cmake --build --preset {arguments.preset}",
              file=sys.stderr)
    slow = arguments.preset in ("asan", "tsan")
    run = Run(build, arguments.preset, selection, arguments.timeout or (900 if slow else 180))
    if selection.everything():
        shutil.rmtree(build / "results", ignore_errors=True)
    run.run_all(suites, max(1, arguments.jobs))

    failed = [case for case in run.cases if case.outcome == results.FAILED]
    skipped = [case for case in run.cases if case.outcome == results.SKIPPED]
    if failed:
        print("\nFailed:")
        print("".join(f"    {case.full_name}\n" for case in failed), end="")
        print(f"Again: tests/run.py --preset {arguments.preset} --only '{failed[0].full_name}'")
    if skipped:
        print(f"{len(skipped)} skipped, each told above with its reason")
    if any(case.area == LAST for case in run.cases) and (build / "acceptance.txt").exists():
        print((build / "acceptance.txt").read_text(encoding="utf-8").rstrip())
    passed = len(run.cases) - len(failed) - len(skipped)
    print(f"{passed} passed, {len(failed)} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
