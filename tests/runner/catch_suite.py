# tests/runner/catch_suite.py -- runs the cases of one Catch2 binary.
#
# The XML report is read while the binary writes it: a case that hangs or takes the process down is
# known by name, the cases after it are run in a new process, and none is silently lost. Versions 2
# and 3 write the same elements.
import re
import subprocess
import time
import xml.etree.ElementTree as ElementTree

from . import results
from .watched import Overdue, Watched


def list_cases(binary, env, prefix=()):
    """The names of the cases that are not hidden."""
    for arguments in (["--list-tests", "--verbosity", "quiet"], ["--list-test-names-only"]):
        # Version 2 knows the second form only and returns the number of cases from it.
        found = subprocess.run([*prefix, str(binary), *arguments], env=env, timeout=60,
                               capture_output=True, text=True)
        if not found.stdout.startswith(("All available test cases:", "Matching test cases:")):
            return [line for line in found.stdout.splitlines() if line]
    return []


class CatchSuite:
    def __init__(self, area, binary):
        self.area = area
        self.binary = binary
        self.running = ""  # the case that runs now, for the progress line

    def run(self, env, prefix, seconds_a_case, wanted):
        """Runs every case `wanted(name)` says yes to. Returns their results in order."""
        try:
            names = [name for name in list_cases(self.binary, env, prefix) if wanted(name)]
        except (OSError, subprocess.SubprocessError) as error:
            return [results.Case(self.area, "the binary lists its cases", results.FAILED,
                                 text=str(error))]
        cases = {}
        waiting = names
        while waiting:
            before = len(cases)
            self._run_once(waiting, env, prefix, seconds_a_case, cases)
            waiting = [name for name in names if name not in cases]
            if waiting and len(cases) == before:
                for name in waiting:
                    cases[name] = results.Case(self.area, name, results.FAILED,
                                               text="it did not run: the binary skipped it")
                break
        return [cases[name] for name in names]

    def _run_once(self, names, env, prefix, seconds_a_case, cases):
        name_file = f'{env["TMPDIR"]}/names'
        with open(name_file, "w", encoding="utf-8") as out:
            out.writelines(f'"{_escaped(name)}"\n' for name in names)
        command = [str(self.binary), "-r", "xml", "-d", "no", "--out", "{report}", "-f", name_file]
        parser = ElementTree.XMLPullParser(events=("start", "end"))
        with Watched(command, env, prefix) as process:
            began = time.monotonic()
            self.running = ""
            try:
                while piece := process.read(seconds_a_case):
                    parser.feed(piece)
                    for event, element in parser.read_events():
                        if element.tag != "TestCase":
                            continue
                        if event == "start":
                            self.running = element.get("name")
                            began = time.monotonic()
                        else:
                            name = element.get("name")
                            cases[name] = _case(self.area, element, process.printed(),
                                                time.monotonic() - began)
                            self.running = ""
                what = None if not self.running else f"the process ended in it: {process.ending()}"
            except Overdue:
                what = f"it was ended after {seconds_a_case} s without a result"
            except ElementTree.ParseError as error:
                what = f"its report is not XML: {error}"
            if what and self.running:
                cases[self.running] = results.Case(
                    self.area, self.running, results.FAILED, time.monotonic() - began,
                    f"{what}\n{process.printed()}")
            elif not cases:
                first = names[0]
                cases[first] = results.Case(self.area, first, results.FAILED, text=(
                    f"the binary reported nothing; {process.ending()}\n{process.printed()}"))


def _escaped(name):
    return re.sub(r'([\\",])', r"\\\1", name)


def _case(area, element, printed, seconds):
    name = element.get("name")
    overall = element.find("OverallResult")
    skips = [warning.text.strip() for warning in element.iter("Warning")
             if warning.text.strip().startswith("skipped: ")]
    skips += [(skip.text or "").strip() for skip in element.iter("Skip")]
    if overall is None or overall.get("success") != "true":
        said = "\n".join(_failures(element))
        for stream in ("StdOut", "StdErr"):
            said += "".join(f"\n--- {stream}\n{found.text.strip()}"
                            for found in element.iter(stream))
        if printed.strip():
            said += f"\n--- printed\n{printed.rstrip()}"
        return results.Case(area, name, results.FAILED, seconds, said)
    if skips:
        return results.Case(area, name, results.SKIPPED, seconds,
                            skips[0].removeprefix("skipped: "))
    return results.Case(area, name, results.PASSED, seconds)


def _failures(element, section=""):
    """What went wrong in a TestCase or Section element, as lines of text."""
    notes = []
    for part in element:
        where = f'{part.get("filename")}:{part.get("line")}'
        if part.tag == "Section":
            yield from _failures(part, f'{section} / {part.get("name")}' if section
                                 else part.get("name"))
        elif part.tag in ("Info", "Warning"):
            notes.append(f"    {part.text.strip()}")
        elif part.tag == "Expression" and part.get("success") == "false":
            original = (part.findtext("Original") or "").strip()
            expanded = (part.findtext("Expanded") or "").strip()
            yield f'{where}: {part.get("type")}( {original} )' + (
                f"   in: {section}" if section else "")
            if expanded != original:
                yield f"    with: {expanded}"
            for thrown in part.findall("Exception") + part.findall("FatalErrorCondition"):
                yield f"    threw: {(thrown.text or '').strip()}"
            yield from notes
            notes = []
        elif part.tag in ("Exception", "FatalErrorCondition", "Failure"):
            words = {"Exception": "threw", "FatalErrorCondition": "fatal", "Failure": "failed"}
            yield f"{where}: {words[part.tag]}: {(part.text or '').strip()}" + (
                f"   in: {section}" if section else "")
            yield from notes
            notes = []
