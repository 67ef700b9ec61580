# tests/integration/page_model_test.py -- runs the tests of the page's modules, tests/unit/page, with node.
import shutil
import subprocess
import unittest

from larder_server import SOURCE


class Modules(unittest.TestCase):
    def run_node(self, name):
        if shutil.which("node") is None:
            self.skipTest("node is not here; ./quickstart test installs it (Debian: nodejs)")
        ran = subprocess.run(["node", "--test", SOURCE / "tests/unit/page" / name], capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_counters_become_rates_and_quantiles(self):
        self.run_node("model_test.mjs")

    def test_numbers_are_written_for_people(self):
        self.run_node("format_test.mjs")


if __name__ == "__main__":
    unittest.main()
