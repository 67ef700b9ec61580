# tests/integration/cli_check_test.py -- larder check, over policies and configurations, in every format.
import json
import os
import subprocess
import sys
import unittest

from larder_program import BAD, GOOD, Scratch, larder
from larder_server import SOURCE, find


class Check(Scratch, unittest.TestCase):
    def test_check_prints_nothing_for_the_shipped_policies(self):
        ran = self.run_larder("check", *sorted((SOURCE / "policies").glob("*.larder")))
        self.assertEqual((ran.stdout, ran.stderr), ("", ""))

    def test_check_tells_every_finding_on_standard_output_and_the_sum_on_standard_error(self):
        ran = self.run_larder("check", self.write("bad.larder", BAD), status=1)
        self.assertIn("bad.larder:2:22", ran.stdout)
        self.assertIn("did you mean `item`?", ran.stdout)
        self.assertRegex(ran.stderr, r"^2 errors, 0 warnings")
        self.assertNotIn("\x1b", ran.stdout)

    def test_each_file_given_to_check_is_a_policy_of_its_own(self):
        first, second = self.write("a.larder", GOOD), self.write("b.larder", GOOD)
        self.assertEqual(self.run_larder("check", first, second).stdout, "")

    def test_check_of_a_file_that_is_not_there_is_a_finding(self):
        ran = self.run_larder("check", "nowhere.larder", status=1)
        self.assertIn("nowhere.larder", ran.stdout)

    def test_json_is_one_list_over_all_files_and_empty_when_there_is_nothing(self):
        good, bad = self.write("good.larder", GOOD), self.write("bad.larder", BAD)
        self.assertEqual(json.loads(self.run_larder("check", good, "--format", "json").stdout), [])
        found = json.loads(self.run_larder("check", good, bad, self.write("bad2.larder", BAD),
                                           "--format", "json", status=1).stdout)
        self.assertEqual(len(found), 4)

    def test_a_finding_in_a_shared_file_is_told_once(self):
        self.write("shared.larder", 'larder 1\nnamespace shared { ttl 300; key "{id}" }\n')
        using = [self.write(f"{name}.larder", 'larder 1\nuse "shared.larder"\n' + GOOD[9:])
                 for name in ("a", "b")]
        found = json.loads(self.run_larder("check", *using, "--format", "json", status=1).stdout)
        self.assertEqual(len(found), 1, found)

    def test_sarif_has_the_shape_of_the_standard(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        schema = json.loads((SOURCE / "tests/support/sarif-2.1.0.subset.json").read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        validator = jsonschema.Draft7Validator(schema)
        hostile = self.write("odd %20 name ü.larder", BAD)
        for files, findings in (([self.write("good.larder", GOOD)], 0), ([hostile], 2)):
            ran = self.run_larder("check", *files, "--format", "sarif", status=1 if findings else 0)
            report = json.loads(ran.stdout)
            self.assertEqual([error.message for error in validator.iter_errors(report)], [])
            self.assertEqual(len(report["runs"][0]["results"]), findings)
        # The schema itself can say no.
        report["runs"][0]["results"][0]["level"] = "fatal"
        self.assertFalse(validator.is_valid(report))

    def test_eviction_settings_of_other_systems_are_answered_with_larders_own(self):
        # The warehouse's file says: eviction: policy: "allkeys-lru", max_memory: "2gb".
        self.write("p.larder", GOOD)
        conf = 'policy = ["p.larder"]\n[plugins]\ntrust_path = true\n[store.l1]\nplugin = "memory"\n'
        for line, help_text in (('max_memory = "2gb"', 'write `capacity = "2GiB"`'),
                                ('policy = "allkeys-lru"', "finds out by itself"),
                                ('max_memory_policy = "allkeys-lru"', "finds out by itself"),
                                ('"maxmemory-policy" = "allkeys-lru"', "finds out by itself"),
                                ('capacity = "2gb"', "256MiB")):
            ran = self.run_larder("check", "--conf", self.write("l.toml", f"{conf}{line}\n"), status=1)
            self.assertIn("l.toml:6", ran.stdout)
            self.assertIn(help_text, ran.stdout)
        self.run_larder("check", "--conf", self.write("l.toml", f'{conf}capacity = "2GiB"\n'))

    def test_a_folder_is_all_policies_in_it_and_what_they_use_is_checked_with_them(self):
        inside = self.folder / "policies/shared"
        inside.mkdir(parents=True)
        self.write("policies/shared/half.larder", "namespace half { key \"{id}\"; ttl unknown_here }\n")
        self.write("policies/a.larder", 'larder 1\nuse "shared/half.larder"\nlet unknown_here = 5m\n')
        self.write("policies/notes.txt", "no policy")
        self.assertEqual(self.run_larder("check", "policies").stdout, "")
        self.write("policies/b.larder", BAD)
        ran = self.run_larder("check", "policies", status=1)
        self.assertIn("policies/b.larder:2:22", ran.stdout)
        # Named by a person it is checked alone.
        self.assertIn("unknown_here", self.run_larder("check", "policies/shared/half.larder", status=1).stdout)
        (self.folder / "empty").mkdir()
        self.assertIn("no *.larder", self.run_larder("check", "empty", status=1).stderr)

    def test_the_shipped_folder_is_silent(self):
        self.assertEqual(self.run_larder("check", SOURCE / "policies", "--deny", "warnings").stdout, "")

    def test_keys_that_are_there_are_judged_alone_and_beside_a_policy(self):
        keys = self.write("keys.txt", "menuitem123\ndashboard_data_jan\nitem:7\nbasket:9\n")
        ran = self.run_larder("check", "--keys", keys)
        self.assertEqual(ran.stdout.count("L0328"), 2)
        self.assertIn("keys.txt:1:1", ran.stdout)
        self.assertNotIn("L0335", ran.stdout)
        found = json.loads(self.run_larder("check", "--keys", "-", self.write("good.larder", GOOD), "--format",
                                           "json", "--deny", "warnings", status=1,
                                           stdin=keys.read_text()).stdout)
        self.assertEqual([one["code"] for one in found], ["L0328", "L0328", "L0335"])
        self.assertIn("nowhere.txt", self.run_larder("check", "--keys", "nowhere.txt", status=1).stderr)

    def test_keys_that_redis_prints_are_read(self):
        ran = self.run_larder("check", "--keys", "-", stdin='1) "user:1"\r\n2) "users:2"\r\n'
                              '3) "user:3"\r\nlarder:v:{user:4}\r\nlarder:g:user\r\n')
        self.assertIn("`users` and `user` are two prefixes", ran.stdout)
        self.assertEqual(ran.stdout.count("warning["), 1)

    def test_a_write_that_fastapi_tells_of_and_no_rule_mentions_is_found(self):
        try:
            import fastapi  # noqa: F401
        except ImportError:
            self.skipTest("python3-fastapi is not installed")
        told = subprocess.run(
            [sys.executable, "-c", "import json, app; print(json.dumps(app.app.openapi()))"],
            cwd=self.folder, env={**os.environ, "PYTHONPATH": str(SOURCE / "examples/hotel")},
            capture_output=True, text=True, timeout=60)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.write("openapi.json", told.stdout)
        policy = ('larder 1\nnamespace user { key "{id}" }\n'
                  'on GET "/v1.0/user/{id}" { serve user "{id}" }\n')
        covered = self.write("p.larder", policy + 'on POST "/v1.0/user/update/{id}" { drop user "{id}" }\n')
        self.assertEqual(self.run_larder("check", covered, "--routes", "openapi.json").stdout, "")
        lost = self.write("p.larder", policy + 'on event "x" { drop user }\n')
        ran = self.run_larder("check", lost, "--routes", "openapi.json", "--deny", "warnings", status=1)
        self.assertIn("`POST /v1.0/user/update/{user_id}` of openapi.json changes data but no rule", ran.stdout)

    def test_routes_and_keys_belong_to_one_policy(self):
        files = [self.write(f"{name}.larder", GOOD) for name in ("a", "b")]
        for option in ("--routes", "--keys"):
            self.run_larder("check", *files, option, "x", status=2)

    def test_a_description_of_a_hundred_megabytes_and_one_that_is_all_brackets_are_findings(self):
        policy = self.write("p.larder", GOOD)
        with open(self.folder / "large.json", "wb") as large:
            large.write(b'{"openapi": "3.0.0", "x": "')
            for _ in range(100):
                large.write(b"x" * 1_000_000)
            large.write(b'"}')
        self.write("deep.json", "[" * 1_000_000)
        (self.folder / "bytes.json").write_bytes(bytes(range(256)) * 100)
        for name, why in (("large.json", "64 MiB"), ("deep.json", "256 deep"), ("bytes.json", "as JSON")):
            ran = self.run_larder("check", policy, "--routes", name, status=1)
            self.assertIn("L0336", ran.stdout)
            self.assertIn(why, ran.stdout)

    def test_rules_without_a_test_are_told_when_asked(self):
        policy = self.write("p.larder", GOOD)
        self.assertEqual(self.run_larder("check", policy).stdout, "")
        self.assertIn("L0401", self.run_larder("check", policy, "--coverage").stdout)

    def test_a_thousand_lines_in_github_form_are_denied_as_warnings(self):
        lines = "".join(f'namespace n{k} {{ key "item{{id}}"; static }}\n' for k in range(1000))
        ran = self.run_larder("check", self.write("p.larder", "larder 1\n" + lines), "--format", "github",
                              "--deny", "warnings", status=1)
        self.assertEqual(ran.stdout.count("::warning "), 500)

    def test_github_is_one_command_a_finding(self):
        ran = self.run_larder("check", self.write("bad.larder", BAD), "--format", "github", status=1)
        lines = ran.stdout.splitlines()
        self.assertEqual(len(lines), 2)
        for line in lines:
            self.assertRegex(line, r"^::error .*file=.*bad\.larder.*line=\d+")

    def test_warnings_end_in_status_1_only_when_denied(self):
        policy = self.write("warn.larder", GOOD + 'on write "/none" { drop tag "nobody:1" }\n')
        self.assertIn("warning", self.run_larder("check", policy).stdout)
        self.run_larder("check", policy, "--deny", "warnings", status=1)

    def test_usage_is_status_2_and_names_the_way_out(self):
        for words in (["check"], ["check", "a", "--format", "xml"], ["check", "--nonsense", "a"],
                      ["check", "a", "--deny", "everything"], ["chekc"], []):
            with self.subTest(words=words):
                ran = self.run_larder(*words, status=2)
                self.assertTrue(ran.stderr or not words)
        self.assertIn("did you mean `check`?", self.run_larder("chekc", status=2).stderr)


class Configuration(Scratch, unittest.TestCase):
    def conf(self, text):
        plugins = find("larder").resolve().parent / "plugins" if find("larder") else ""
        return self.write("larder.toml", f'policy = ["good.larder"]\n{text}\n'
                                         f'[plugins]\npath = ["{plugins}"]\ntrust_path = true\n')

    def setUp(self):
        super().setUp()
        self.good = self.write("good.larder", GOOD)

    def errors(self, conf, *more):
        ran = self.run_larder("check", "--conf", conf, *more, "--format", "json", status=1)
        return [found for found in json.loads(ran.stdout) if found["severity"] == "error"]

    def test_the_shipped_configurations_check_clean_with_their_policies(self):
        for name in ("larder.toml", "development.toml", "production.toml"):
            with self.subTest(name=name):
                ran = larder("check", "--conf", SOURCE / "conf" / name)
                self.assertEqual(ran.returncode, 0, ran.stdout)
                # Warm items whose source comes in a later release, and a build folder, are warnings.
                self.assertNotIn("error[", ran.stdout)

    def test_a_policy_is_checked_with_the_stores_of_its_host(self):
        policy = self.write("tiers.larder", GOOD.replace("ttl 5m", "ttl 5m; tiers l9"))
        self.run_larder("check", policy)
        found = self.errors(self.conf('[store.l1]\nplugin = "memory"'), policy)
        self.assertEqual([one["code"] for one in found], ["L0207"])

    def test_a_codec_option_is_checked_against_the_manifest_of_the_codec(self):
        conf = self.conf('[store.l1]\nplugin = "memory"\n[codec.br]\nplugin = "brotli"')
        good = self.write("c.larder", GOOD.replace("ttl 5m", "ttl 5m; compress br { quality 9 }"))
        bad = self.write("d.larder", GOOD.replace("ttl 5m", "ttl 5m; compress br { quality 99 }"))
        self.assertEqual(larder("check", "--conf", conf, good).returncode, 0)
        self.assertEqual([one["code"] for one in self.errors(conf, bad)], ["L0208"])
        # What holds for every namespace is not said in one.
        window = self.write("e.larder", GOOD.replace("ttl 5m", "ttl 5m; compress br { window 20 }"))
        self.assertEqual([one["code"] for one in self.errors(conf, window)], ["L0208"])

    def test_unknown_keys_options_and_plugins_are_errors_with_line_and_hint(self):
        conf = self.conf('[limits]\nrecrods = 5\n[store.l1]\nplugin = "memory"\ncapasity = "1GiB"\n'
                         '[store.l2]\nplugin = "memroy"\n[gateway.r]\nplugin = "resp"\nthreads = -1')
        ran = self.run_larder("check", "--conf", conf, status=1)
        for wanted in ("larder.toml:3:1", "`records`", "larder.toml:6:1", "capacity",
                       "larder.toml:8:10", "memory", "larder.toml:11:11"):
            self.assertIn(wanted, ran.stdout)

    def test_a_secret_in_the_file_is_an_error_that_does_not_repeat_it(self):
        conf = self.conf('[store.l1]\nplugin = "memory"\n'
                         '[gateway.r]\nplugin = "resp"\npassword = "hunter2-hunter2"')
        ran = self.run_larder("check", "--conf", conf, status=1)
        self.assertIn("L0504", ran.stdout)
        self.assertNotIn("hunter2", ran.stdout + ran.stderr)

    def test_a_kernel_does_not_start_with_an_invalid_configuration_or_policy(self):
        ran = self.run_larder("serve", "--conf", self.conf('[store.l1]\nplugin = "memroy"'), status=1)
        self.assertIn("larder.toml:3:10", ran.stderr)
        conf = self.conf('[store.l1]\nplugin = "memory"')
        ran = self.run_larder("serve", "--conf", conf, "--policy", self.write("bad.larder", BAD),
                              status=1)
        self.assertIn("bad.larder:2:22", ran.stderr)
        self.assertEqual(ran.stdout, "")

    def test_a_kernel_without_a_policy_says_how_to_name_one(self):
        self.assertIn("--policy", self.run_larder("serve", status=2).stderr)


if __name__ == "__main__":
    unittest.main()
