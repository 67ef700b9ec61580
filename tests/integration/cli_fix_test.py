# tests/integration/cli_fix_test.py -- larder fix: remedies applied to files, never to their harm.
import json
import subprocess
import unittest

from larder_program import GOOD, Scratch

SLIPS = """larder 1

namespace item { key "{id}"; ttl 5mins }

on PSOT "/items/{id}" { drop itme "{id}" }
"""
SURE = SLIPS.replace("5mins", "5m").replace("PSOT", "POST")
GUESSED = SURE.replace("itme", "item")


class Fix(Scratch, unittest.TestCase):
    def test_sure_remedies_are_applied_and_told_and_guesses_are_counted(self):
        path = self.write("a.larder", SLIPS)
        ran = self.run_larder("fix", path, status=1)
        self.assertEqual(path.read_text(), SURE)
        self.assertIn("a.larder:3:35: L0107: `mins` -> `m`", ran.stdout)
        self.assertIn("1 error and 0 warnings left, 1 of them with a likely remedy: `--guesses`", ran.stderr)

    def test_guesses_are_taken_when_asked_for(self):
        path = self.write("a.larder", SLIPS)
        ran = self.run_larder("fix", path, "--guesses")
        self.assertEqual(path.read_text(), GUESSED)
        self.assertEqual(ran.stderr, "")
        self.assertEqual(self.run_larder("check", path).stdout, "")

    def test_check_and_diff_change_nothing(self):
        path = self.write("a.larder", SLIPS)
        self.assertIn("`PSOT` -> `POST`", self.run_larder("fix", "--check", path, status=1).stdout)
        diff = self.run_larder("fix", "--diff", path, status=1).stdout
        self.assertEqual(path.read_text(), SLIPS)
        try:
            subprocess.run(["patch", "-s", path], input=diff, text=True, check=True)
        except FileNotFoundError:
            self.skipTest("patch is not installed")
        self.assertEqual(path.read_text(), SURE)

    def test_a_good_policy_is_not_touched_and_nothing_is_said(self):
        path = self.write("a.larder", GOOD)
        before = path.stat().st_mtime_ns
        ran = self.run_larder("fix", path)
        self.assertEqual((ran.stdout, ran.stderr, path.stat().st_mtime_ns), ("", "", before))

    def test_files_that_are_used_are_read_and_not_changed(self):
        shared = self.write("shared.larder", "larder 1\n\nlet short = 5mins\n")
        path = self.write("a.larder", 'larder 1\n\nuse "shared.larder"\n\n'
                          'namespace item { key "{id}"; ttl short; static; encript }\n')
        self.run_larder("fix", path, status=1)
        self.assertIn("encrypt", path.read_text())
        self.assertIn("5mins", shared.read_text())

    def test_the_same_remedies_are_in_sarif_and_json(self):
        path = self.write("a.larder", SLIPS)
        found = json.loads(self.run_larder("check", path, "--format", "json", status=1).stdout)
        fixes = {one["code"]: one["fix"] for one in found if "fix" in one}
        self.assertTrue(fixes["L0107"]["safe"])
        self.assertNotIn("safe", fixes["L0202"])
        self.assertEqual(fixes["L0202"]["replacement"], "item")
        sarif = json.loads(self.run_larder("check", path, "--format", "sarif", status=1).stdout)
        self.assertEqual(sum("fixes" in result for result in sarif["runs"][0]["results"]), 3)

    def test_what_cannot_be_read_is_said(self):
        self.assertIn("No such file", self.run_larder("fix", "nowhere.larder", status=1).stderr)


if __name__ == "__main__":
    unittest.main()
