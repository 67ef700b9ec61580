# tests/integration/redis_source_test.py -- values come from an older Redis and go to it: read through, warmed, written, with the
# time that is left there; the old server is killed, frozen and lied about in the middle.
import json
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest

from certificates import Certificates
from larder_server import LarderServer, find
from redis_server import RedisServer, until
from resp_talk import Refused, Talk

POLICY = """larder 1
namespace user { key "{id...}"; ttl 10m; source old "user:{id}:details"; absent 2s }
namespace list { key "{page}"; ttl 10m }
namespace kept { key "{id}"; ttl 10m; source old "kept:{id}"; write through "kept:{id}" remove }
namespace later { key "{id}"; ttl 10m; source old "later:{id}"; write behind 20ms "later:{id}" remove }
namespace item { key "{id}"; ttl 10m sliding; source old "item:{id}" }
warm list "{page}" { from old "user_list:{page}"; for page in "1", "2", "3" }
warm item "{id}" { for id in "a", "b" }
"""
SECRET = "a-password-of-a-test"


class Source(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-old-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def start(self, *options, conf="", url=None, **server):
        self.old = self.enterContext(RedisServer(*options, **server))
        self.server = self.enterContext(LarderServer(
            POLICY, environment={"OLD_PASSWORD": SECRET},
            conf=f'[journal]\nfile = "{self.folder}/journal"\n[source.old]\nplugin = "redis"\n'
                 f'url = "{url or f"redis://127.0.0.1:{self.old.port}"}"\ntimeout = "2s"\n{conf}'))
        self.talk = self.enterContext(Talk(("127.0.0.1", self.server.port)))

    def refused(self, *words):
        with self.assertRaises(Refused) as caught:
            self.talk(*words)
        return str(caught.exception)

    def larder(self, *words):
        return subprocess.run([find("larder"), *words, "--socket", str(self.server.folder / "admin.sock")],
                              capture_output=True, text=True, timeout=60)

    def calls(self, command):
        """How often the old server was asked so, by its own count."""
        for line in self.old("INFO", "commandstats").decode().splitlines():
            if line.startswith(f"cmdstat_{command}:"):
                return int(line.split("calls=")[1].split(",")[0])
        return 0

    def logged(self, text):
        until(lambda: any(text in line for line in self.server.log), f"{text} in the log")


class MovingOver(Source):
    def test_a_miss_is_one_get_of_the_old_key_and_a_hit_is_none(self):
        self.start()
        keys = ["7", "a b", "x:y", "*", "\r\n*1\r\n$8\r\nFLUSHALL\r\n", "ünï", "{id}"]
        for number, key in enumerate(keys):
            self.old("SET", f"user:{key}:details", bytes([number, 0, 255, 13, 10]))
        for _ in range(3):
            for number, key in enumerate(keys):
                self.assertEqual(self.talk("GET", f"user:{key}"), bytes([number, 0, 255, 13, 10]), key)
        self.assertEqual(self.calls("get"), len(keys))
        self.assertEqual(self.old("DBSIZE"), len(keys))
        self.assertEqual(self.talk("MGET", "user:7", "user:none"), [b"\x00\x00\xff\r\n", None])

    def test_an_entry_ends_when_its_old_key_would_have_and_never_later_than_the_policy_says(self):
        self.start()
        self.old("SET", "user:short:details", "x", "PX", 40_000)
        self.old("SET", "user:long:details", "x", "PX", 86_400_000)
        self.old("SET", "user:ever:details", "x")
        self.old("SET", "item:sliding", "x", "PX", 40_000)
        for key, most in (("user:short", 40_000), ("user:long", 600_000), ("user:ever", 600_000), ("item:sliding", 40_000)):
            self.assertEqual(self.talk("GET", key), b"x")
            left = self.talk("PTTL", key)
            self.assertLessEqual(left, most, key)
            self.assertGreater(left, most - 10_000, key)
        self.assertEqual(self.talk("GET", "item:sliding"), b"x")
        self.assertLessEqual(self.talk("PTTL", "item:sliding"), 40_000, "a hit does not prolong what ends there")

    def test_what_the_old_server_does_not_have_is_known_to_be_absent(self):
        self.start()
        self.assertIsNone(self.talk("GET", "user:none"))
        self.assertIsNone(self.talk("GET", "user:none"))
        self.assertEqual(self.calls("get"), 1)

    def test_while_larder_fills_the_old_server_is_asked_less_and_less_and_can_go(self):
        self.start()
        for number in range(50):
            self.old("SET", f"user:{number}:details", f"v{number}")
        for _ in range(4):
            for number in range(50):
                self.assertEqual(self.talk("GET", f"user:{number}"), b"v%d" % number)
        self.assertEqual(self.calls("get"), 50)
        self.old.kill()
        for number in range(50):
            self.assertEqual(self.talk("GET", f"user:{number}"), b"v%d" % number)

    def test_many_clients_that_miss_at_once_share_the_connection(self):
        self.start()
        for number in range(200):
            self.old("SET", f"user:{number}:details", f"v{number}")
        wrong = []

        def ask(first):
            with Talk(("127.0.0.1", self.server.port)) as talk:
                for number in range(first, 200, 8):
                    if talk("GET", f"user:{number}") != b"v%d" % number:
                        wrong.append(number)
        threads = [threading.Thread(target=ask, args=(first,)) for first in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        clients = [line for line in self.old("CLIENT", "LIST").decode().splitlines() if "cmd=client" not in line]
        self.assertEqual(len(clients), 1, clients)


class Warmed(Source):
    def test_items_are_warmed_from_the_old_server_with_the_time_that_is_left(self):
        self.start()
        for page in "123":
            self.old("SET", f"user_list:{page}", f"list {page}", "PX", 50_000)
        self.old("SET", "item:a", "A")
        ran = self.larder("warm", "list")
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertIn("done, 100% of 3: 3 loaded", ran.stdout)
        self.assertEqual(self.larder("warm", "item").returncode, 0)
        self.assertEqual(self.calls("get"), 5)
        for page in "123":
            self.assertEqual(self.talk("GET", f"list:{page}"), f"list {page}".encode())
            self.assertLessEqual(self.talk("PTTL", f"list:{page}"), 50_000)
        self.assertEqual(self.talk("GET", "item:a"), b"A")
        self.assertEqual(self.calls("get"), 5)

    def test_warming_from_a_server_that_is_killed_in_the_middle_goes_on_when_it_is_back(self):
        self.start("--appendonly", "yes", "--appendfsync", "always")
        for page in "123":
            self.old("SET", f"user_list:{page}", f"list {page}")
        self.old.kill()
        running = subprocess.Popen([find("larder"), "warm", "list", "--socket", str(self.server.folder / "admin.sock")],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(running.stdout.close)
        self.logged("source old")
        self.old.start()
        said = running.communicate(timeout=60)[0]
        self.assertEqual(running.returncode, 0, said)
        for page in "123":
            self.assertEqual(self.talk("GET", f"list:{page}"), f"list {page}".encode(), said)


class Writing(Source):
    def test_write_through_is_a_set_and_a_del_there_before_the_answer(self):
        self.start(conf='write_ttl = "100s"\n')
        value = bytes(range(256))
        self.assertEqual(self.talk("SET", "kept:1", value), b"OK")
        self.assertEqual(self.old("GET", "kept:1"), value)
        self.assertLessEqual(self.old("PTTL", "kept:1"), 100_000)
        self.assertGreater(self.old("PTTL", "kept:1"), 90_000)
        self.assertEqual(self.talk("DEL", "kept:1"), 1)
        self.assertEqual(self.old("EXISTS", "kept:1"), 0)
        self.assertEqual(self.talk("DEL", "kept:1"), 0)

    def test_what_the_old_server_refuses_changes_nothing(self):
        self.start()
        self.talk("SET", "kept:1", "one")
        self.old("CONFIG", "SET", "maxmemory", "1")
        self.old("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self.refused("SET", "kept:1", "two")
        self.assertEqual(self.talk("GET", "kept:1"), b"one")
        self.assertEqual(self.old("GET", "kept:1"), b"one")
        self.logged("OOM: its memory is full")

    def test_write_behind_waits_for_a_server_that_was_killed_and_brings_the_last_of_each(self):
        self.start()
        for number in range(300):
            if number == 100:
                self.old.kill()
            if number == 200:
                self.old.start()
            self.assertEqual(self.talk("SET", f"later:{number % 30}", str(number)), b"OK")
        until(lambda: all(self.old("GET", f"later:{n}") == str(270 + n).encode() for n in range(30)), "the last of each", 30)


class WhenItFails(Source):
    def test_a_server_that_is_killed_is_an_error_in_time_and_is_found_again(self):
        self.start()
        self.old("SET", "user:1:details", "one")
        self.assertEqual(self.talk("GET", "user:1"), b"one")
        self.old.kill()
        self.refused("GET", "user:2")
        self.assertEqual(self.talk("GET", "user:1"), b"one", "what is cached is served")
        self.old.start()
        self.old("SET", "user:2:details", "two")

        def answers():
            return self.talk("GET", "user:2") == b"two"
        until(answers, "it is asked again", 20)

    def test_a_server_that_is_restarted_between_two_loads_costs_none_of_them(self):
        self.start()
        for turn in range(5):
            self.old("SET", f"user:{turn}:details", "x")
            self.assertEqual(self.talk("GET", f"user:{turn}"), b"x")
            self.old("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def test_a_server_that_hangs_is_an_error_within_its_timeout(self):
        self.start()
        self.old.freeze()
        self.addCleanup(self.old.thaw)
        self.refused("GET", "user:1")
        self.logged("no answer in time")
        self.old.thaw()
        self.old("SET", "user:1:details", "one")
        until(lambda: self.talk("GET", "user:1") == b"one", "it is asked again", 20)

    def test_planted_errors_are_refusals_with_a_line_of_the_log_that_names_no_key_and_nothing_is_kept(self):
        self.start()
        self.old("LPUSH", "user:planted-key:details", "x")
        self.refused("GET", "user:planted-key")
        self.logged("source old: GET user:{id}:details at 127.0.0.1:")
        self.logged("WRONGTYPE: what stands there is no string")
        self.refused("SET", "user:" + "x" * 70_000, "v")
        self.old("DEL", "user:planted-key:details")
        self.old("SET", "user:planted-key:details", "now")
        self.assertEqual(self.talk("GET", "user:planted-key"), b"now")
        self.assertFalse(any("planted-key" in line for line in self.server.log))

    def test_a_value_larger_than_max_value_is_refused_and_the_others_are_served(self):
        self.start(conf='max_value = "64KiB"\n')
        self.old("SET", "user:large:details", "x" * 100_000)
        self.old("SET", "user:small:details", "x" * 60_000)
        for _ in range(8):  # more often than failures open a breaker
            self.refused("GET", "user:large")
        self.assertEqual(self.talk("GET", "user:small"), b"x" * 60_000)

    def test_a_wrong_password_and_a_right_one(self):
        self.start(password=SECRET, conf='password = { env = "OLD_PASSWORD" }\n')
        self.old("SET", "user:1:details", "one")
        self.assertEqual(self.talk("GET", "user:1"), b"one")
        wrong = self.enterContext(LarderServer(
            POLICY, environment={"OLD_PASSWORD": "another-password"},
            conf=f'[journal]\nfile = "{self.folder}/journal2"\n[source.old]\nplugin = "redis"\n'
                 f'url = "redis://127.0.0.1:{self.old.port}"\npassword = {{ env = "OLD_PASSWORD" }}\n'))
        with Talk(("127.0.0.1", wrong.port)) as talk, self.assertRaises(Refused):
            talk("GET", "user:1")
        until(lambda: any("WRONGPASS" in line for line in wrong.log), "it is told")
        self.assertFalse(any("another-password" in line for line in wrong.log))

    def test_a_user_who_may_read_some_keys_reads_them_and_no_others(self):
        self.start()
        self.old("ACL", "SETUSER", "reader", "on", f">{SECRET}", "+ping", "+get", "+pttl", "~user:*")
        self.old("SET", "user:1:details", "one")
        self.old("SET", "item:a", "A")
        server = self.enterContext(LarderServer(
            POLICY, environment={"OLD_PASSWORD": SECRET},
            conf=f'[journal]\nfile = "{self.folder}/journal2"\n[source.old]\nplugin = "redis"\n'
                 f'url = "redis://127.0.0.1:{self.old.port}"\nusername = "reader"\npassword = {{ env = "OLD_PASSWORD" }}\n'))
        with Talk(("127.0.0.1", server.port)) as talk:
            self.assertEqual(talk("GET", "user:1"), b"one")
            with self.assertRaises(Refused):
                talk("GET", "item:a")
        until(lambda: any("NOPERM" in line for line in server.log), "it is told")

    def test_over_tls_the_server_has_to_be_who_it_says(self):
        certificates = Certificates(self.folder)
        old = self.enterContext(RedisServer(tls=certificates))
        old("SET", "user:1:details", "one")
        for ca, answer in ((certificates.certificate("server"), b"one"), (certificates.certificate("client"), None)):
            server = self.enterContext(LarderServer(
                POLICY, conf=f'[journal]\nfile = "{self.folder}/journal-{answer is None}"\n[source.old]\nplugin = "redis"\n'
                             f'url = "rediss://127.0.0.1:{old.port}"\ntls_ca = "{ca}"\n'))
            with Talk(("127.0.0.1", server.port)) as talk:
                if answer is not None:
                    self.assertEqual(talk("GET", "user:1"), answer)
                    continue
                with self.assertRaises(Refused):
                    talk("GET", "user:1")
            until(lambda server=server: any("TLS" in line for line in server.log), "it is told")

    def test_health_says_whether_the_old_server_is_there(self):
        self.start()
        until(lambda: self.health() == "ok", "it is there")
        self.old.kill()
        until(lambda: self.health() == "degraded", "it is told")
        self.old.start()
        until(lambda: self.health() == "ok", "it is there again")

    def health(self):
        told = json.loads(self.talk("LARDER", "STATS"))["plugins"]
        return next(one["health"] for name, one in told.items() if name.endswith(".old"))


if __name__ == "__main__":
    unittest.main()
