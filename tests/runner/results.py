# tests/runner/results.py -- what came of one test case, and the JUnit files that keep it.
#
# A test is named "area/test name" everywhere: in what the runner prints, in tests/acceptance.toml
# and here, where the area is a file and the test name an element in it. One file an area, because
# areas run side by side and are run alone while one works on them.
import dataclasses
import pathlib
import re
import xml.etree.ElementTree as ElementTree

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

# What XML 1.0 cannot carry: tests of hostile input print such characters.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclasses.dataclass
class Case:
    area: str
    name: str
    outcome: str
    seconds: float = 0.0
    text: str = ""  # why it failed or was skipped, and what it printed

    @property
    def full_name(self):
        return f"{self.area}/{self.name}"


def write_junit(folder: pathlib.Path, area: str, cases: list[Case]):
    """Replaces the file of `area` under `folder`."""
    suite = ElementTree.Element("testsuite", name=area, tests=str(len(cases)))
    for outcome, attribute in ((FAILED, "failures"), (SKIPPED, "skipped")):
        suite.set(attribute, str(sum(case.outcome == outcome for case in cases)))
    for case in cases:
        element = ElementTree.SubElement(
            suite, "testcase", classname=area, name=_plain(case.name), time=f"{case.seconds:.3f}")
        if case.outcome == FAILED:
            ElementTree.SubElement(element, "failure").text = _plain(case.text)
        elif case.outcome == SKIPPED:
            ElementTree.SubElement(element, "skipped", message=_plain(case.text))
    folder.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(folder / f"{area}.xml", "utf-8", xml_declaration=True)


def read_junit(folder: pathlib.Path) -> dict[str, str]:
    """The outcome of every test under `folder`, by full name."""
    outcomes = {}
    for file in sorted(folder.glob("*.xml")):
        for element in ElementTree.parse(file).getroot().iter("testcase"):
            outcome = PASSED
            if element.find("failure") is not None or element.find("error") is not None:
                outcome = FAILED
            elif element.find("skipped") is not None:
                outcome = SKIPPED
            outcomes[f'{element.get("classname")}/{element.get("name")}'] = outcome
    return outcomes


def _plain(text):
    return _NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
