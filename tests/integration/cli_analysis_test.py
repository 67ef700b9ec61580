# tests/integration/cli_analysis_test.py -- larder routes and larder diff, as people and CI call them.
import json
import os
import subprocess
import unittest

from larder_program import Scratch
from larder_server import SOURCE

OLD = """larder 1
namespace user { key "{id}"; ttl 3m }
on write "/users/{id}" { drop user "{id}" }
"""
NEW = """larder 1

# the same, but for DELETE
namespace user {
  key "{user_id}"
  ttl 3m
}
on POST, PUT, PATCH "/users/{user_id}" { drop user "{user_id}" }
"""
TANGLED = "larder 1\nnamespace a { key \"all\" }\n" + "".join(
    f'on PUT "/**/{c}/**/{c}/**/{c}/**" {{ drop a }}\n' for c in "abcdefghijklmnop")


class Analysis(Scratch, unittest.TestCase):
    def test_routes_lists_the_classes_of_every_shipped_policy(self):
        for policy in sorted((SOURCE / "policies").glob("*.larder")):
            ran = self.run_larder("routes", policy)
            self.assertIn("of requests", ran.stdout)
            table = json.loads(self.run_larder("routes", policy, "--format", "json").stdout)
            self.assertTrue(table["complete"])
            self.assertEqual(table["requests"][0]["witness"]["path"], "/")

    def test_a_diff_shows_the_method_that_was_lost_and_ends_in_status_1(self):
        ran = self.run_larder("diff", self.write("old.larder", OLD), self.write("new.larder", NEW),
                              status=1)
        self.assertEqual(ran.stdout.splitlines()[0], "DELETE /users/y")
        self.assertIn('- drop user "{id}"', ran.stdout)
        self.assertTrue(ran.stdout.endswith("7 classes of requests and events, 1 changes\n"),
                        ran.stdout)

    def test_a_policy_written_otherwise_is_no_difference(self):
        same = OLD.replace("{id}", "{ user }".replace(" ", "")).replace("; ", "\n  ")
        ran = self.run_larder("diff", self.write("old.larder", OLD), self.write("new.larder", same))
        self.assertEqual((ran.stdout, ran.stderr), ("", ""))

    def test_git_gives_the_old_policy_with_the_files_it_uses(self):
        def git(*words):
            subprocess.run(["git", "-C", self.folder, "-c", "user.name=t", "-c", "user.email=t@t",
                            *words], check=True, capture_output=True,
                           env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})
        self.write("shared.larder", "larder 1\nlet short = 1m\n")
        policy = self.write("p.larder", 'larder 1\nuse "shared.larder"\n'
                                        'namespace a { key "all"; ttl short; static }\n')
        git("init", "-q")
        git("add", ".")
        git("commit", "-q", "-m", "first")
        self.assertEqual(self.run_larder("diff", "--git", "HEAD", policy).stdout, "")
        self.write("shared.larder", "larder 1\nlet short = 2m\n")
        ran = self.run_larder("diff", "--git", "HEAD", policy, status=1)
        self.assertIn("~ namespace a: ttl 1m -> 2m", ran.stdout)
        self.assertIn("cannot be read",
                      self.run_larder("diff", "--git", "nowhere", policy, status=2).stderr)
        self.run_larder("diff", "--git", "--output=x", policy, status=2)

    def test_what_cannot_be_worked_out_is_said_and_is_never_called_complete(self):
        policy = self.write("tangled.larder", TANGLED)
        ran = self.run_larder("routes", policy, status=1)
        self.assertIn("not complete", ran.stdout)
        ran = self.run_larder("diff", policy, policy, "--format", "json", status=1)
        self.assertFalse(json.loads(ran.stdout)["complete"])

    def test_a_policy_with_errors_is_shown_its_errors_and_no_table(self):
        bad = self.write("bad.larder", 'larder 1\nnamespace a { ttl 300 }\n')
        ran = self.run_larder("routes", bad, status=1)
        self.assertIn("L0101", ran.stderr)
        self.assertEqual(ran.stdout, "")
        self.assertIn("L0101", self.run_larder("diff", bad, bad, status=2).stderr)


if __name__ == "__main__":
    unittest.main()
