# tests/integration/larder_program.py -- runs the program `larder` for a test, in a folder of the test's own.
import os
import pathlib
import subprocess
import tempfile
import unittest

from larder_server import SOURCE, find

HOTEL = SOURCE / "policies/hotel.larder"

GOOD = """larder 1
namespace item { ttl 5m; key "{id}" }
on write "/items/{id}" { drop item "{id}" }
"""
BAD = """larder 1
namespace item { ttl 300; key "{id}" }
on write "/items/{id}" { drop itme "{id}" }
"""


def larder(*words, stdin=None, cwd=None, **environment):
    """Runs the program; output as text. No larder.toml and no socket but those a test names."""
    program = find("larder")
    if program is None:
        raise unittest.SkipTest("larder is not built (set LARDER_BIN)")
    env = {key: value for key, value in os.environ.items() if not key.startswith("LARDER_")}
    env.update({"LARDER_SOCKET": "/nowhere/larder.sock", "NO_COLOR": "1", **environment})
    return subprocess.run([program.resolve(), *map(str, words)], input=stdin, cwd=cwd, env=env,
                          capture_output=True, text=True, timeout=60)


class Scratch:
    """For a test case: a folder, and the program run in it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="larder-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def run_larder(self, *words, status=0, **more):
        ran = larder(*words, cwd=self.folder, **more)
        self.assertEqual(ran.returncode, status, f"larder {words}\n{ran.stdout}\n{ran.stderr}")
        return ran
