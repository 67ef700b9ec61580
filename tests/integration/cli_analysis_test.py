# tests/integration/cli_analysis_test.py -- larder routes, diff, graph and why, as people and CI call them.
import json
import os
import subprocess
import unittest
import xml.etree.ElementTree

from larder_program import Scratch, larder
from larder_server import SOURCE, LarderServer

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
    f'on PUT "/**/{c}/**/{c}/**/{c}/**" {{ drop a }}\n' for c in "abcdefgh")


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


class Graph(Scratch, unittest.TestCase):
    def test_the_picture_of_every_shipped_policy_is_well_formed_and_says_its_words_as_text(self):
        for policy in sorted((SOURCE / "policies").glob("*.larder")):
            with self.subTest(policy=policy.name):
                svg = self.run_larder("graph", policy).stdout
                root = xml.etree.ElementTree.fromstring(svg)
                words = "".join(text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text"))
                graph = json.loads(self.run_larder("graph", policy, "--format", "json").stdout)
                self.assertTrue(graph["complete"])
                for node in graph["nodes"]:
                    self.assertIn(node["label"], words)
                titles = [t.text for t in root.iter("{http://www.w3.org/2000/svg}title")]
                self.assertGreaterEqual(len(titles), len(graph["nodes"]) + len(graph["edges"]))

    def test_dot_is_what_graphviz_reads(self):
        dot = self.run_larder("graph", SOURCE / "policies/hotel.larder", "--format", "dot").stdout
        self.assertTrue(dot.startswith("digraph policy {"))
        self.assertEqual(dot.count("{"), dot.count("}"))


class Why(unittest.TestCase):
    def test_why_tells_how_an_entry_came_and_which_request_took_it(self):
        policy = 'namespace user { key "{id}"; ttl 5m }\non PUT "/users/{id}" { drop user "{id}" }\n'
        with LarderServer(policy, admin='listen = "127.0.0.1:0"\n') as server:
            def ask(*words):
                return larder(*words, "--socket", server.folder / "admin.sock")
            before = ask("why", "user", "7")
            self.assertEqual(before.returncode, 1)
            self.assertIn("never seen", before.stdout)
            ask("put", "user", "7", "value")
            there = ask("why", "user", "7")
            self.assertEqual(there.returncode, 0, there.stdout)
            self.assertRegex(there.stdout, r"memory: live, 5 bytes, put .* ago \(.*Z\), (5m|4m59s) left")
            self.assertIn("none of the last 4096 removals", there.stdout)
            ask("route", "PUT", "/users/7", "200")
            gone = json.loads(ask("why", "user", "7", "--json").stdout)
            self.assertFalse(gone["present"])
            self.assertIn("test.larder:2 PUT /users/7", gone["removal"]["by"])
            self.assertEqual(ask("why", "nobody", "7").returncode, 1)


if __name__ == "__main__":
    unittest.main()
