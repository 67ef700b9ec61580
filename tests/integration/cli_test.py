# tests/integration/cli_test.py -- the program from outside: what each verb prints, where to, and its status.
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import unittest

from larder_program import BAD, GOOD, HOTEL, Scratch, larder
from larder_server import LarderServer, find

PLUGINS = ("store memory", "compressor brotli", "gateway resp", "invalidator route")


class Explain(Scratch, unittest.TestCase):
    def test_a_request_names_the_rule_by_file_and_line(self):
        ran = self.run_larder("explain", "--policy", HOTEL, "PUT", "/v1.0/user/update/42")
        self.assertRegex(ran.stdout, r"hotel\.larder:\d+")
        self.assertIn('drop user_details "42"', ran.stdout)

    def test_a_status_outside_the_rule_fires_nothing(self):
        ran = self.run_larder("explain", "--policy", HOTEL, "PUT", "/v1.0/user/update/42", "422")
        self.assertNotIn("drop user_details", ran.stdout)

    def test_an_entry_tells_its_lifetime_and_the_seeds_reason(self):
        ran = self.run_larder("explain", "--policy", HOTEL, "entry", "user_details", "42")
        self.assertIn("3m", ran.stdout)
        self.assertIn("Balance between freshness and performance", ran.stdout)

    def test_the_profiles_have_the_lifetimes_of_the_seeds_environments(self):
        expected = {"development": ("1m", "30s", "2m"), "production": ("10m", "5m", "30m")}
        keys = {"user_stats": "all", "user_list": "1:all", "dashboard_stats": "all"}
        for profile, times in expected.items():
            for (space, key), time in zip(keys.items(), times):
                with self.subTest(profile=profile, space=space):
                    ran = self.run_larder("explain", "--policy", HOTEL, "--profile", profile,
                                          "entry", space, key)
                    self.assertRegex(ran.stdout, rf"\b{time}\b")

    def test_a_code_of_a_policy_or_of_a_configuration_has_a_page(self):
        for code in ("L0202", "L0502"):
            self.assertIn(code, self.run_larder("explain", code).stdout)

    def test_what_is_no_question_is_status_2_with_the_questions_there_are(self):
        for words in (["L9999"], ["PUT"], ["FROB", "/x"], ["PUT", "/x", "9999"], ["entry", "user_stats"]):
            with self.subTest(words=words):
                ran = self.run_larder("explain", "--policy", HOTEL, *words, status=2)
                self.assertTrue(ran.stderr)
        ran = self.run_larder("explain", "--policy", HOTEL, "entry", "user_detials", "1", status=2)
        self.assertIn("did you mean `user_details`?", ran.stderr)


class Program(Scratch, unittest.TestCase):
    def test_help_lists_every_verb_and_each_verb_has_help_of_its_own(self):
        text = self.run_larder("help").stdout
        for verb in ("serve", "check", "explain", "get", "put", "drop", "expire", "refresh", "route",
                     "event", "stats", "reload", "plugins", "version", "help"):
            with self.subTest(verb=verb):
                self.assertIn(f"\n  {verb} ", text)
                if verb != "help":
                    self.assertIn(f"larder {verb}", self.run_larder("help", verb).stdout)
                    self.run_larder(verb, "--help")

    def test_version_is_a_line_or_an_object(self):
        self.assertRegex(self.run_larder("version").stdout, r"^larder \d+\.\d+\.\d+ ")
        told = json.loads(self.run_larder("version", "--json").stdout)
        self.assertEqual(set(told), {"version", "plugin_abi", "policy_language", "compiler"})

    def test_plugins_lists_kind_version_capabilities_and_options(self):
        ran = self.run_larder("plugins")
        for plugin in PLUGINS:
            self.assertRegex(ran.stdout, rf"(?m)^{plugin}  \d")
        self.assertIn('capacity (size 64KiB..) = "256MiB", reloadable', ran.stdout)
        self.assertIn("can: ", ran.stdout)
        told = {component["name"]: component
                for plugin in json.loads(self.run_larder("plugins", "--json").stdout)
                for component in plugin["components"]}
        self.assertEqual(told["memory"]["kind"], "store")
        self.assertIn("zero_copy", told["memory"]["capabilities"])
        self.assertIn("capacity", [option["name"] for option in told["memory"]["options"]])

    def test_a_file_that_is_no_plugin_is_listed_with_its_reason(self):
        self.write("store_broken.so", "not a library")
        ran = self.run_larder("plugins", "--path", self.folder, status=1)
        self.assertIn("store_broken.so", ran.stdout)
        self.assertIn("ELF", ran.stdout)

    def test_without_a_kernel_every_verb_that_needs_one_says_so_with_status_3(self):
        for words in (["get", "a", "b"], ["put", "a", "b", "c"], ["drop", "a"], ["expire", "a"],
                      ["refresh", "a"], ["reclaim"], ["route", "PUT", "/x"], ["event", "e"], ["stats"], ["reload"],
                      ["ping"]):
            with self.subTest(words=words):
                ran = self.run_larder(*words, status=3)
                self.assertIn("larder serve", ran.stderr)
                self.assertEqual(ran.stdout, "")

    def test_drop_wants_exactly_one_thing_named(self):
        for words in ([], ["--all", "a"], ["--tag", "t", "a"], ["a", "k", "--matching", "x*"],
                      ["--matching", "x*"]):
            with self.subTest(words=words):
                self.run_larder("drop", *words, status=2)


class Running(unittest.TestCase):
    """Against one kernel with the hotel policy."""

    @classmethod
    def setUpClass(cls):
        # The policy has words about a second tier, l2.
        cls.server = LarderServer(HOTEL.read_text(), conf='[store.l2]\nplugin = "memory"\n')
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.socket = str(cls.server.folder / "admin.sock")

    def ask(self, *words, status=0, **more):
        ran = larder(*words, LARDER_SOCKET=self.socket, **more)
        self.assertEqual(ran.returncode, status, f"larder {words}\n{ran.stdout}\n{ran.stderr}")
        return ran

    def test_the_ready_line_names_policy_gateway_and_socket(self):
        line = next(line for line in self.server.log if " ready: " in line)
        self.assertRegex(line, r"^larder \d+\.\d+\.\d+ ready: policy \S+test\.larder "
                               r"\(6 namespaces, \d+ rules\) resp=127\.0\.0\.1:\d+ admin=\S+admin\.sock$")

    def test_the_socket_is_its_owners_alone(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.socket).st_mode), 0o600)

    def test_an_entry_comes_back_as_it_was_put(self):
        self.ask("put", "user_details", "1", "{\"name\": \"Ann\"}")
        self.assertEqual(self.ask("get", "user_details", "1").stdout, "{\"name\": \"Ann\"}")
        told = json.loads(self.ask("get", "--json", "user_details", "1").stdout)
        self.assertEqual((told["found"], told["value"]), (True, "{\"name\": \"Ann\"}"))
        self.assertTrue(0 < told["ttl_ms"] <= 180_000, told)

    def test_a_value_may_come_from_standard_input_and_be_empty(self):
        self.ask("put", "user_details", "2", "-", stdin="line one\nline two\n")
        self.assertEqual(self.ask("get", "user_details", "2").stdout, "line one\nline two\n")
        self.ask("put", "user_details", "3", "")
        self.assertEqual(self.ask("get", "user_details", "3").stdout, "")

    def test_what_is_not_cached_is_status_1(self):
        self.assertIn("not cached", self.ask("get", "user_details", "nobody", status=1).stderr)

    def test_a_ttl_given_by_hand_holds(self):
        self.ask("put", "user_details", "4", "x", "--ttl", "30s")
        told = json.loads(self.ask("get", "--json", "user_details", "4").stdout)
        self.assertTrue(0 < told["ttl_ms"] <= 30_000, told)
        self.ask("put", "user_details", "4", "x", "--ttl", "soon", status=2)

    def test_a_route_drops_the_user_it_names_and_no_other_and_the_receipt_names_the_rule(self):
        self.ask("put", "user_details", "42", "x")
        self.ask("put", "user_details", "43", "x")
        ran = self.ask("route", "PUT", "/v1.0/user/update/42")
        self.assertRegex(ran.stdout, r"rule \S*test\.larder:\d+  on write \"/v1\.0/user/update/")
        self.assertIn('user_details "42"', ran.stdout)
        gone = self.ask("get", "user_details", "42", status=1)
        self.assertRegex(gone.stderr, r"test\.larder:\d+")
        self.ask("get", "user_details", "43")

    def test_a_route_that_failed_drops_nothing(self):
        self.ask("put", "user_details", "44", "x")
        ran = self.ask("route", "PUT", "/v1.0/user/update/44", "422")
        self.assertIn("0 dropped", ran.stdout)
        self.ask("get", "user_details", "44")

    def test_drop_takes_an_entry_a_pattern_a_namespace_or_everything(self):
        for target in (["user_list", "1:all"], ["user_list", "--matching", "1:*"], ["user_list"],
                       ["--all"]):
            with self.subTest(target=target):
                self.ask("put", "user_list", "1:all", "x")
                self.ask("drop", *target)
                self.ask("get", "user_list", "1:all", status=1)
        receipt = json.loads(self.ask("drop", "--json", "user_list", "1:all").stdout)
        self.assertEqual(receipt["dropped"], 1)

    def test_reclaim_gives_back_the_memory_of_what_was_dropped(self):
        for i in range(50):
            self.ask("put", "superadmin_user_list", f"{i}:all", "x")
        self.ask("drop", "superadmin_user_list", "--matching", "*:all")
        self.assertRegex(self.ask("reclaim", "superadmin_user_list").stdout, r"^\d+ entr(y|ies) removed\n$")
        stats = json.loads(self.ask("stats", "namespaces").stdout)
        self.assertEqual(stats["namespaces"]["superadmin_user_list"]["entries"], 0)
        self.assertEqual(json.loads(self.ask("reclaim", "--json").stdout).keys(), {"removed"})
        self.assertIn("did you mean", self.ask("reclaim", "user_lits", status=1).stderr)

    def test_an_unknown_namespace_and_a_key_that_does_not_fit_are_told_with_what_fits(self):
        ran = self.ask("get", "user_detials", "1", status=1)
        self.assertIn("did you mean `user_details`?", ran.stderr)
        self.assertIn("{page}:{filter}", self.ask("get", "user_list", "1", status=1).stderr)

    def test_stats_are_one_object(self):
        whole = json.loads(self.ask("stats").stdout)
        self.assertIn("kernel", whole)
        self.assertEqual(whole["plugins"]["store.memory"]["health"], "ok")
        self.assertIn("version", json.loads(self.ask("stats", "kernel").stdout)["kernel"])

    def test_explain_asks_the_running_kernel_and_tells_what_is_cached(self):
        ran = self.ask("explain", "PUT", "/v1.0/user/update/42")
        self.assertRegex(ran.stdout, r"test\.larder:\d+")

    def test_garbage_and_greed_at_the_socket_end_that_connection_only(self):
        for bytes_sent in (b"GET / HTTP/1.1\r\n\r\n", struct.pack("<I", 0xFFFFFFFF),
                           struct.pack("<II", 8, 0xFFFF) + b"xxxx", struct.pack("<I", 0)):
            with self.subTest(bytes_sent=bytes_sent), socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(self.socket)
                client.sendall(bytes_sent)
                try:
                    answer = client.recv(4096)
                except ConnectionResetError:  # closed with bytes unread
                    answer = b""
                if bytes_sent == struct.pack("<I", 0):
                    self.assertTrue(answer, "an empty request is answered")
                else:
                    self.assertEqual(answer, b"")
        self.ask("ping")

    def test_a_client_that_sends_half_a_request_holds_up_nobody(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.socket)
            client.sendall(struct.pack("<I", 100) + b"half")
            self.ask("ping")

    def test_a_second_kernel_does_not_take_the_socket(self):
        ran = larder("serve", "--conf", self.server.folder / "larder.toml")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("another larder serves at", ran.stderr)
        self.ask("ping")


class Life(unittest.TestCase):
    """Kernels that are changed and ended."""

    def start(self, policy=GOOD, **more):
        server = LarderServer(policy, **more)
        server.__enter__()
        self.addCleanup(server.__exit__)
        return server, str(server.folder / "admin.sock")

    def test_a_reload_tells_what_changed_and_keeps_what_is_cached(self):
        server, at = self.start()
        larder("put", "item", "1", "x", LARDER_SOCKET=at)
        (server.folder / "test.larder").write_text(
            GOOD.replace("ttl 5m", "ttl 10m") + 'namespace other { ttl 1m; key "{id}" }\n')
        ran = larder("reload", LARDER_SOCKET=at)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("namespace item: ttl 5m -> 10m", ran.stdout)
        self.assertIn("namespace other: added", ran.stdout)
        self.assertEqual(larder("get", "item", "1", LARDER_SOCKET=at).stdout, "x")
        self.assertEqual(larder("put", "other", "1", "y", LARDER_SOCKET=at).returncode, 0)

    def test_an_invalid_reload_changes_nothing_and_says_why(self):
        server, at = self.start()
        larder("put", "item", "1", "x", LARDER_SOCKET=at)
        (server.folder / "test.larder").write_text(BAD)
        ran = larder("reload", LARDER_SOCKET=at)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("test.larder:2:22", ran.stderr)
        self.assertIn("nothing changed", ran.stderr)
        self.assertEqual(larder("get", "item", "1", LARDER_SOCKET=at).stdout, "x")
        dropped = larder("route", "PUT", "/items/1", LARDER_SOCKET=at)
        self.assertIn("1 dropped", dropped.stdout)

    def test_options_that_may_change_do_and_others_are_named(self):
        server, at = self.start()
        conf = server.folder / "larder.toml"
        text = conf.read_text().replace('plugin = "memory"', 'plugin = "memory"\ncapacity = "8MiB"')
        conf.write_text(text + "[limits]\nworkers = 3\n")
        ran = larder("reload", LARDER_SOCKET=at)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("store.memory: `capacity` changed", ran.stdout)
        self.assertIn("[limits] changed; a restart takes it up", ran.stdout)

    def test_a_reload_brings_and_retires_instances(self):
        server, at = self.start()
        conf = server.folder / "larder.toml"
        text = conf.read_text()
        conf.write_text(text + '[store.second]\nplugin = "memory"\n')
        self.assertIn("store.second: added", larder("reload", LARDER_SOCKET=at).stdout)
        told = json.loads(larder("stats", "plugins", LARDER_SOCKET=at).stdout)
        self.assertIn("store.second", told["plugins"])
        conf.write_text(text)
        self.assertIn("store.second: removed", larder("reload", LARDER_SOCKET=at).stdout)
        self.assertEqual(larder("ping", LARDER_SOCKET=at).returncode, 0)

    def test_sighup_reloads(self):
        server, at = self.start()
        (server.folder / "test.larder").write_text(GOOD + 'namespace more { ttl 1m; key "{id}" }\n')
        before = json.loads(larder("stats", "kernel", LARDER_SOCKET=at).stdout)
        server.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            now = json.loads(larder("stats", "kernel", LARDER_SOCKET=at).stdout)["kernel"]
            if now["policy_generation"] > before["kernel"]["policy_generation"]:
                break
        self.assertEqual(now["namespaces"], 2)

    def test_a_signal_to_stop_ends_it_cleanly_and_takes_the_socket_away(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                server, at = self.start()
                server.process.send_signal(number)
                self.assertEqual(server.process.wait(30), 0)
                self.assertFalse(os.path.exists(at))
                self.assertEqual(larder("ping", LARDER_SOCKET=at).returncode, 3)

    def test_a_socket_left_behind_by_a_killed_kernel_is_replaced(self):
        server, at = self.start()
        server.process.kill()
        server.process.wait()
        self.assertTrue(os.path.exists(at))
        again = subprocess.Popen(
            [find("larder").resolve(), "serve", "--conf", server.folder / "larder.toml"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            self.assertTrue(any(" ready: " in line for line in again.stdout))
            self.assertEqual(larder("ping", LARDER_SOCKET=at).returncode, 0)
        finally:
            again.terminate()
            again.communicate(timeout=30)

    def test_a_policy_that_names_a_store_which_is_not_there_starts_only_when_allowed(self):
        policy = GOOD.replace("ttl 5m", "ttl 5m; tiers memory -> l9")
        with self.assertRaisesRegex(AssertionError, "l9"):
            self.start(policy)

    def test_the_log_is_json_where_asked(self):
        server, at = self.start(conf='[log]\nformat = "json"\nfile = "kernel.log"\n')
        larder("reload", LARDER_SOCKET=at)
        server.process.terminate()
        server.process.wait(30)
        lines = (server.folder / "kernel.log").read_text().splitlines()
        self.assertTrue(lines)
        for line in lines:
            self.assertLessEqual({"time", "level", "source", "message"}, set(json.loads(line)))


if __name__ == "__main__":
    unittest.main()
