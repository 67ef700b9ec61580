# tests/runner/ctest_suite.py -- what only ctest knows: programs that are one test each, as the fuzzers.
import json
import subprocess
import time

from . import results


def list_tests(build):
    """Every test of the build by name, with its properties."""
    if not (build / "CTestTestfile.cmake").exists():
        return {}
    told = subprocess.run(["ctest", "--test-dir", str(build), "--show-only=json-v1"],
                          capture_output=True, text=True, timeout=60, check=True)
    return {test["name"]: test for test in json.loads(told.stdout)["tests"]}


class CtestSuite:
    def __init__(self, area, build, names):
        self.area = area
        self.running = ""
        self._build = build
        self._names = names

    def run(self, env, prefix, seconds_a_case, wanted):
        """Runs every test `wanted(name)` says yes to. Returns their results in order."""
        cases = []
        for name in filter(wanted, self._names):
            self.running = name
            began = time.monotonic()
            # Names have no characters that a regular expression reads, but dots.
            ran = subprocess.run(
                [*prefix, "ctest", "--test-dir", str(self._build), "-R",
                 f"^{name.replace('.', '[.]')}$", "--output-on-failure", "--no-tests=error",
                 "--timeout", str(seconds_a_case)], env=env, capture_output=True, text=True)
            failed = ran.returncode != 0
            skipped = not failed and "***Skipped" in ran.stdout
            cases.append(results.Case(
                self.area, name,
                results.FAILED if failed else results.SKIPPED if skipped else results.PASSED,
                time.monotonic() - began, ran.stdout[-8000:] if failed or skipped else ""))
        self.running = ""
        return cases
