# tests/integration/cli_policy_test_test.py -- larder test: what it prints, where it writes, how it ends.
import json
import os
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

from larder_program import HOTEL, Scratch
from larder_server import SOURCE, find

GOOD = """larder 1
namespace item { key "{id}"; ttl 5m }
on write "/items/{id}" { drop item "{id}" }
on DELETE "/all" { drop item }
test "changing an item drops it" { put item "1"; PUT "/items/1"; expect dropped item "1" }
test "an item lives five minutes" { put item "1"; after 4m; expect hit item "1"; after 1m; expect miss item "1" }
"""
FAILING = GOOD + 'test "nothing is dropped" { put item "1"; PUT "/items/1"; expect kept item "1" }\n'


class PolicyTests(Scratch, unittest.TestCase):
    def test_the_shipped_policies_pass_and_are_covered_whole(self):
        ran = self.run_larder("test", SOURCE / "policies", "--coverage", "--fail-under", "100")
        self.assertIn("policies/hotel.larder: 20 tests passed\n", ran.stdout)
        self.assertEqual(ran.stdout.count("clauses are exercised: 100 %"), 5)
        self.assertNotIn("no test sets off", ran.stdout)

    def test_a_failing_test_is_told_with_its_place_and_ends_in_status_1(self):
        ran = self.run_larder("test", self.write("a.larder", FAILING), status=1)
        self.assertIn("error[L0451]: `item \"1\"` should be kept, but was dropped\n", ran.stdout)
        self.assertIn("a.larder:7:", ran.stdout)
        self.assertTrue(ran.stdout.endswith("a.larder: 3 tests, 1 failed\n"), ran.stdout)

    def test_without_a_file_the_folder_is_searched_and_hidden_folders_are_not(self):
        (self.folder / "deep").mkdir()
        (self.folder / ".hidden").mkdir()
        self.write("deep/a.larder", GOOD)
        self.write(".hidden/b.larder", FAILING)
        self.assertEqual(self.run_larder("test").stdout, "deep/a.larder: 2 tests passed\n")

    def test_no_test_at_all_is_not_success(self):
        self.write("a.larder", "larder 1\n")
        self.assertIn("there is no test here", self.run_larder("test", status=1).stderr)
        self.write("a.larder", GOOD)
        self.assertIn("no test is called like that", self.run_larder("test", "--filter", "x y", status=1).stderr)
        ran = self.run_larder("test", "--filter", "five")
        self.assertEqual(ran.stdout, "a.larder: 1 test passed\n")

    def test_a_policy_that_is_wrong_is_told_as_check_tells_it(self):
        ran = self.run_larder("test", self.write("a.larder", "larder 1\nnamespace n { ttl 5 }\n"), status=1)
        self.assertIn("error[L0101]", ran.stdout)
        self.assertIn("the policy is wrong, so nothing ran", ran.stdout)

    def test_less_coverage_than_asked_for_ends_in_status_1_and_is_not_rounded(self):
        path = self.write("a.larder", GOOD)
        ran = self.run_larder("test", path, "--fail-under", "51", status=1)
        self.assertIn("a.larder:4: no test sets off `on DELETE \"/all\"`", ran.stdout)
        self.assertIn("50.0 %", ran.stdout)
        self.run_larder("test", path, "--fail-under", "50")
        self.run_larder("test", path, "--fail-under", "50.01", status=1)
        self.assertIn("takes a percentage", self.run_larder("test", path, "--fail-under", "many", status=2).stderr)

    def test_tap_goes_to_standard_output_alone(self):
        ran = self.run_larder("test", self.write("a.larder", FAILING), "--format", "tap", "--coverage", status=1)
        lines = ran.stdout.splitlines()
        self.assertEqual(lines[:2], ["TAP version 14", "1..3"])
        self.assertEqual([line.split(" - ")[0] for line in lines if line.startswith(("ok", "not ok"))],
                         ["ok 1", "ok 2", "not ok 3"])
        self.assertIn("clauses are exercised", ran.stderr)

    def test_junit_is_xml_with_a_case_for_each_test(self):
        ran = self.run_larder("test", self.write("a.larder", FAILING), HOTEL, "--format", "junit", status=1)
        suites = ElementTree.fromstring(ran.stdout).findall("testsuite")
        self.assertEqual([suite.get("tests") for suite in suites], ["3", "20"])
        self.assertEqual(len(suites[0].findall("testcase/failure")), 1)

    def test_coverage_is_written_for_lcov_and_as_json(self):
        path = self.write("a.larder", GOOD)
        self.run_larder("test", path, "--lcov", "a.info", "--coverage-json", "a.json")
        self.assertIn(f"SF:{path}\n", (self.folder / "a.info").read_text())
        report = json.loads((self.folder / "a.json").read_text())
        self.assertEqual(report["policies"][0]["rules"], {"covered": 1, "all": 2, "percent": "50.0 %"})
        self.run_larder("test", path, "--lcov", "nowhere/a.info", status=1)

    def test_mutants_that_no_test_notices_are_listed(self):
        path = self.write("a.larder", GOOD)
        ran = self.run_larder("test", path, "--mutate")
        self.assertIn("warning[L0453]: no test would notice this policy without `drop item`", ran.stdout)
        self.assertTrue(ran.stdout.endswith("a.larder: 3 of 4 mutants are noticed: 75.0 %\n"), ran.stdout)
        self.run_larder("test", path, "--mutate", "--fail-under", "75")
        self.run_larder("test", path, "--mutate", "--fail-under", "76", status=1)

    def test_a_file_that_an_editor_renames_over_the_old_one_is_played_again(self):
        path = self.write("a.larder", GOOD)
        program = find("larder").resolve()
        with subprocess.Popen([program, "test", path, "--watch"], cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as running:
            def until_it_waits():
                out = ""
                while "waiting for a policy" not in out:
                    line = running.stdout.readline()
                    self.assertTrue(line, out)
                    out += line
                return out
            try:
                self.assertIn("2 tests passed", until_it_waits())
                os.replace(self.write("draft", FAILING), path)
                self.assertIn("3 tests, 1 failed", until_it_waits())
                self.write("a.larder", GOOD)
                self.assertIn("2 tests passed", until_it_waits())
            finally:
                running.terminate()


if __name__ == "__main__":
    unittest.main()
