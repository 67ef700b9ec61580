# tests/runner/python_suite.py -- runs one Python test file through runner/python_cases.py.
import json
import pathlib
import subprocess
import sys
import time

from . import results
from .watched import Overdue, Watched

CASES = pathlib.Path(__file__).resolve().parent / "python_cases.py"


def holds_cases(file):
    """Whether `file` is a test, not a module that tests share."""
    return any(line.startswith("class ") and "TestCase" in line
               for line in file.read_text(encoding="utf-8").splitlines())


class PythonSuite:
    def __init__(self, area, file):
        self.area = area
        self.file = file
        self.running = ""  # the case that runs now, for the progress line

    def run(self, env, prefix, seconds_a_case, wanted):
        """Runs every case `wanted(name)` says yes to. Returns their results in order."""
        listed = subprocess.run([sys.executable, CASES, self.file, "--list"], env=env, timeout=60,
                                capture_output=True, text=True)
        if listed.returncode != 0:
            return [results.Case(self.area, "the file loads", results.FAILED, text=listed.stderr)]
        names = [name for name in listed.stdout.splitlines() if wanted(name)]
        cases = {}
        waiting = names
        while waiting:
            self._run_once(waiting, env, prefix, seconds_a_case, cases)
            waiting = [name for name in waiting if name not in cases]
        return list(cases.values())

    def _run_once(self, names, env, prefix, seconds_a_case, cases):
        name_file = pathlib.Path(env["TMPDIR"]) / "names"
        name_file.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        command = [sys.executable, str(CASES), str(self.file), "--report", "{report}",
                   "--cases", str(name_file)]
        self.running = ""
        with Watched(command, env, prefix) as process:
            began = time.monotonic()
            rest = b""
            what = None
            try:
                while piece := process.read(seconds_a_case):
                    *lines, rest = (rest + piece).split(b"\n")
                    for event in map(json.loads, lines):
                        began = time.monotonic()
                        if "start" in event:
                            self.running = event["start"]
                            continue
                        self.running = ""
                        text = event["text"]
                        printed = process.printed(*event.get("printed", ()))
                        if event["outcome"] == results.FAILED and printed.strip():
                            text += f"\n--- printed\n{printed.rstrip()}"
                        cases[event["end"]] = results.Case(
                            self.area, event["end"], event["outcome"], event["seconds"], text)
                ending = process.ending()
                if self.running or ending != "it exited with status 0":
                    what = f"the process ended in it: {ending}"
            except Overdue:
                what = f"it was ended after {seconds_a_case} s without a result"
            missing = [name for name in names if name not in cases]
            if not missing:
                return
            if what:
                # In a case, or before one: then it was the fixture of the first that is missing.
                blamed = self.running or missing[0]
                cases[blamed] = results.Case(self.area, blamed, results.FAILED,
                                             time.monotonic() - began,
                                             f"{what}\n{process.printed()}")
                return
            for name in missing:
                cases[name] = results.Case(self.area, name, results.FAILED,
                                           text="it did not run: its fixture failed")
