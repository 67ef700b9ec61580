# tests/tidy/named_tests.py -- a test that a document names is there.
import os
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
sys.path.insert(0, str(ROOT / "tests"))

from runner import python_cases  # noqa: E402

DOCUMENTS = ("docs/reliability.md", "docs/sessions.md")
AREA = re.compile(r"`((?:integration\.|outside\.)?[a-z_]+)/([^`/]+)`")


def named(text):
    """What a document calls area/name; names of files are none, having a dot or no space."""
    return [(area, name) for area, name in AREA.findall(text) if " " in name]


def cases(root):
    """The names of all C++ cases, and those of each Python file by its area."""
    claims = set()
    for file in (root / "tests").rglob("*_test.cpp"):
        claims.update(re.findall(r'TEST_CASE\("((?:[^"\\]|\\.)*)"', file.read_text(encoding="utf-8")))
    return claims


def missing(text, root):
    claims, found, python = cases(root), [], {}
    for area, name in named(text):
        kind, _, stem = area.partition(".")
        if stem:
            if area not in python:
                file = root / "tests" / kind / f"{stem}.py"
                python[area] = set(python_cases.load(file)) if file.exists() else set()
            there = name in python[area]
        else:
            there = name in claims
        if not there:
            found.append(f"{area}/{name}")
    return found


class NamedTests(unittest.TestCase):
    def test_every_test_that_a_document_names_is_there(self):
        for path in DOCUMENTS:
            text = (ROOT / path).read_text(encoding="utf-8")
            self.assertGreater(len(named(text)), 10, path)
            self.assertFalse(missing(text, ROOT), path)

    def test_a_name_that_is_wrong_is_found(self):
        text = "`cache/no such claim is made` and `integration.redis_tier_test/nor such` and `a/b.cpp`"
        self.assertEqual(missing(text, ROOT),
                         ["cache/no such claim is made", "integration.redis_tier_test/nor such"])


if __name__ == "__main__":
    unittest.main()
