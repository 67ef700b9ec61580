# tests/integration/cli_fmt_test.py -- larder fmt: policies written in the one style, by file, folder and pipe.
import os
import stat
import subprocess
import unittest

from larder_program import Scratch

UGLY = 'larder 1\nnamespace item {ttl 5m;key "{id}"} # kept\n'
NEAT = 'larder 1\n\nnamespace item { ttl 5m; key "{id}" }  # kept\n'
WRONG = 'larder 1\nnamespace item { ttl 300 }\n'


class Fmt(Scratch, unittest.TestCase):
    def test_a_file_is_written_in_the_one_style_and_says_nothing(self):
        path = self.write("a.larder", UGLY)
        ran = self.run_larder("fmt", path)
        self.assertEqual((ran.stdout, ran.stderr), ("", ""))
        self.assertEqual(path.read_text(), NEAT)

    def test_a_formatted_file_is_not_written_again(self):
        path = self.write("a.larder", NEAT)
        before = path.stat()
        self.run_larder("fmt", path)
        self.assertEqual((path.stat().st_ino, path.stat().st_mtime_ns), (before.st_ino, before.st_mtime_ns))

    def test_a_file_keeps_its_mode_and_a_link_stays_a_link(self):
        path = self.write("a.larder", UGLY)
        path.chmod(0o640)
        link = self.folder / "link.larder"
        link.symlink_to(path)
        self.run_larder("fmt", link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(path.read_text(), NEAT)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a.larder", "link.larder"])

    def test_check_names_what_would_change_and_changes_nothing(self):
        ugly, neat = self.write("ugly.larder", UGLY), self.write("neat.larder", NEAT)
        ran = self.run_larder("fmt", "--check", ugly, neat, status=1)
        self.assertEqual(ran.stdout, f"{ugly}\n")
        self.assertEqual(ugly.read_text(), UGLY)
        self.assertEqual(self.run_larder("fmt", "--check", neat).stdout, "")

    def test_the_diff_makes_the_formatted_file_when_it_is_given_to_patch(self):
        path = self.write("a.larder", UGLY)
        diff = self.run_larder("fmt", "--diff", path, status=1).stdout
        self.assertEqual(path.read_text(), UGLY)
        try:
            subprocess.run(["patch", "-s", path], input=diff, text=True, check=True)
        except FileNotFoundError:
            self.skipTest("patch is not installed")
        self.assertEqual(path.read_text(), NEAT)

    def test_a_file_with_errors_of_syntax_is_not_touched_and_they_are_shown(self):
        wrong, ugly = self.write("wrong.larder", WRONG), self.write("ugly.larder", UGLY)
        ran = self.run_larder("fmt", wrong, ugly, status=1)
        self.assertIn("wrong.larder:2:22", ran.stderr)
        self.assertEqual(wrong.read_text(), WRONG)
        self.assertEqual(ugly.read_text(), NEAT)

    def test_a_folder_is_every_policy_below_it(self):
        (self.folder / "deep/er").mkdir(parents=True)
        paths = [self.write("deep/er/a.larder", UGLY), self.write("deep/b.larder", UGLY)]
        other = self.write("deep/c.txt", UGLY)
        self.run_larder("fmt", self.folder / "deep")
        self.assertEqual([path.read_text() for path in paths], [NEAT, NEAT])
        self.assertEqual(other.read_text(), UGLY)

    def test_standard_input_goes_to_standard_output(self):
        self.assertEqual(self.run_larder("fmt", "-", stdin=UGLY).stdout, NEAT)
        ran = self.run_larder("fmt", "-", stdin=WRONG, status=1)
        self.assertEqual(ran.stdout, "")
        self.assertIn("standard input:2:22", ran.stderr)

    def test_what_cannot_be_read_or_written_is_said(self):
        self.assertIn("nowhere.larder: No such file", self.run_larder("fmt", "nowhere.larder", status=1).stderr)
        self.run_larder("fmt", status=2)
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        path = self.write("a.larder", UGLY)
        self.folder.chmod(0o500)
        self.addCleanup(self.folder.chmod, 0o700)
        self.assertIn("Permission denied", self.run_larder("fmt", path, status=1).stderr)
        self.assertEqual(path.read_text(), UGLY)


if __name__ == "__main__":
    unittest.main()
