# tests/integration/replay_test.py -- larder record and replay: what a running kernel is asked, and the same again.
import json
import random
import signal
import subprocess
import unittest

import redis

from http_gateway import HttpGateway
from http_upstream import Answer, Upstream
from larder_program import Scratch, larder
from larder_server import LarderServer, find

SHOP = """larder 1
namespace item { key "{id}"; ttl 2s }
namespace list { key "{page}"; ttl 5m }
on write "/items/{id}" { drop item "{id}"; drop list }
on event "closed" { drop list }
"""


class Recorder:
    """`larder record` beside a running kernel."""

    def __init__(self, server, path, *words):
        self.process = subprocess.Popen(
            [find("larder").resolve(), "record", "--socket", server.folder / "admin.sock", "--out", path, *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = self.process.stderr.readline()  # "recording to ...": it has begun

    def end(self):
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=60)
        return out, self.said + err, self.process.returncode


def numbers_of(server):
    told = larder("stats", "--socket", server.folder / "admin.sock")
    return json.loads(told.stdout)["namespaces"]


class Replay(Scratch, unittest.TestCase):
    def busy(self, server, rounds):
        """An application that GETs, loads and SETs, and tells of its writes."""
        dice = random.Random(5)
        with redis.Redis(port=server.port) as client:
            for _ in range(rounds):
                key = f"item:{dice.randrange(50)}" if dice.random() < 0.8 else f"list:{dice.randrange(5)}"
                if client.get(key) is None:
                    client.set(key, b"v" * dice.randrange(1, 2000))
                if dice.random() < 0.05:
                    client.execute_command("LARDER", "ROUTE", "PUT", f"/items/{dice.randrange(50)}", "200")
                if dice.random() < 0.02:
                    client.execute_command("LARDER", "EVENT", "closed")
                if dice.random() < 0.02:
                    client.delete(f"item:{dice.randrange(50)}")

    def test_a_recorded_run_replayed_has_the_hits_misses_and_drops_that_the_kernel_counted(self):
        policy = self.write("shop.larder", SHOP)
        trace = self.folder / "run.trace"
        with LarderServer(SHOP) as server:
            recorder = Recorder(server, trace)
            self.busy(server, 3000)
            _, said, status = recorder.end()
            self.assertEqual(status, 0, said)
            self.assertIn(" 0 lost", said)
            live = numbers_of(server)
        told = json.loads(self.run_larder("replay", trace, "--policy", policy, "--format", "json").stdout)
        for name in ("item", "list"):
            played, counted, recorded = told["tried"]["namespaces"][name], live[name], told["recorded"]["namespaces"][name]
            for number in ("hits", "misses", "puts", "removes"):
                with self.subTest(namespace=name, number=number):
                    self.assertEqual(played[number], counted[number])
                    self.assertEqual(recorded[number], counted[number])
            self.assertGreater(counted["hits"], 100)
            self.assertGreater(counted["misses"], 50)
            self.assertGreater(played["misses_by_reason"]["dropped"], 10)
        fired = [rule["fired"] for rule in told["tried"]["rules"]]
        self.assertGreater(fired[0], 50)
        self.assertGreater(fired[1], 10)
        self.assertEqual(told["tried"]["requests"], fired[0])
        self.assertEqual(told["tried"]["events"], fired[1])
        self.assertEqual(told["tried"]["lost"], 0)

    def test_nothing_of_keys_leaves_the_kernel(self):
        trace = self.folder / "run.trace"
        with LarderServer(SHOP) as server:
            recorder = Recorder(server, trace)
            with redis.Redis(port=server.port) as client:
                client.set("item:customer-number", b"hidden-value")
                client.execute_command("LARDER", "ROUTE", "PUT", "/items/customer-number", "200")
            recorder.end()
        bytes_of_trace = trace.read_bytes()
        for word in (b"customer", b"number", b"hidden"):
            self.assertNotIn(word, bytes_of_trace)
        self.assertIn(b"items", bytes_of_trace)
        self.assertEqual(trace.stat().st_mode & 0o777, 0o600)

    def test_one_recording_at_a_time_and_a_time_limit_ends_it(self):
        with LarderServer(SHOP) as server:
            recorder = Recorder(server, self.folder / "one.trace")
            second = larder("record", "--socket", server.folder / "admin.sock", "--out", self.folder / "two.trace")
            self.assertEqual(second.returncode, 1)
            self.assertIn("goes on already", second.stderr)
            recorder.end()
            third = larder("record", "--socket", server.folder / "admin.sock", "--out", self.folder / "three.trace", "--for", "200ms")
            self.assertEqual(third.returncode, 0, third.stderr)

    def test_requests_through_the_http_gateway_are_recorded_with_their_routes(self):
        policy = """larder 1
namespace item { key "{id}"; ttl 5m }
on GET "/items/{id}" { serve item "{id}" }
on write "/items/{id}" { drop item "{id}" }
"""
        other = self.write("other.larder", policy.replace("ttl 5m", "ttl 5m; refuse above 1B"))
        same = self.write("same.larder", policy)
        trace = self.folder / "http.trace"

        application = Upstream(lambda request: Answer(200, b"0123456789", {"Cache-Control": "max-age=60"}))
        with application, HttpGateway(policy, application) as server:
            recorder = Recorder(server, trace)
            for _ in range(3):
                for path in ("/items/1", "/items/2", "/other"):
                    server.get(path)
            server.ask("PUT", "/items/1", b"new")
            server.get("/items/1")
            recorder.end()
            live = numbers_of(server)["item"]
        told = json.loads(self.run_larder("replay", trace, "--policy", same, "--against", other, "--format", "json").stdout)
        self.assertEqual(told["tried"]["hits"], 4)
        for number in ("hits", "misses", "puts"):
            self.assertEqual(told["tried"][number], live[number], number)
        self.assertEqual(told["tried"]["misses_by_reason"]["dropped"] > 0, True)
        self.assertEqual(told["tried"]["passed"], 3)
        self.assertEqual(told["against"]["hits"], 0)


class Advise(Scratch, unittest.TestCase):
    POLICY = """larder 1
namespace item { key "{id}"; ttl 5s }
namespace list { key "{id}"; ttl 10m }
on GET "/items/{id}" { serve item "{id}" }
on GET "/lists/{id}" { serve list "{id}" }
on write "/items/{id}" { drop item "{id}"; drop list }
"""

    def log(self):
        dice = random.Random(2)
        lines = []
        for i in range(8000):
            request = (f"PUT /items/{dice.randrange(300)}" if i % 50 == 49 else f"GET /lists/{dice.randrange(9)}"
                       if i % 4 == 0 else f"GET /items/{dice.randrange(300)}")
            lines.append(f'1.1.1.1 - - [10/Oct/2026:12:{i // 20 // 60:02}:{i // 20 % 60:02} +0000] '
                         f'"{request} HTTP/1.1" 200 {dice.randrange(900)}')
        return self.write("access.log", "\n".join(lines) + "\n")

    def test_a_patch_that_is_offered_applies_and_the_patched_policy_misses_less(self):
        log, policy = self.log(), self.write("shop.larder", self.POLICY)
        told = json.loads(self.run_larder("advise", log, "--policy", policy, "--format", "json").stdout)
        self.assertGreaterEqual(len(told["suggestions"]), 2)
        for one in told["suggestions"]:
            with self.subTest(title=one["title"]):
                patched = self.write("patched.larder", self.POLICY)
                ran = subprocess.run(["patch", "-s", str(patched)], input=one["diff"], text=True, capture_output=True)
                self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
                self.run_larder("check", patched)
                after = json.loads(self.run_larder("replay", log, "--policy", patched, "--format", "json").stdout)["tried"]
                self.assertEqual(after["misses"], one["after"]["misses"])
                self.assertLess(after["misses"], told["before"]["misses"])

    def test_text_and_bad_input(self):
        log, policy = self.log(), self.write("shop.larder", self.POLICY)
        ran = self.run_larder("advise", log, "--policy", policy, "--most", "4000")
        self.assertIn("only the first 4,000 operations were looked at", ran.stdout)
        self.assertIn("instead of", ran.stdout)
        self.run_larder("advise", policy, "--policy", policy, status=1)
        self.run_larder("advise", self.folder / "none", "--policy", policy, status=2)
        self.run_larder("advise", log, "--policy", self.write("bad.larder", "larder 1\nnamespace {"), status=1)


class BadInput(Scratch, unittest.TestCase):
    def test_any_file_ends_in_a_sentence(self):
        policy = self.write("shop.larder", SHOP)
        dice = random.Random(1)
        for number, content in enumerate((b"", b"larder trace\n\x1a", b"larder trace\n\x1a\0\0\0\0", dice.randbytes(5000),
                                          b"larder trace\n\x1a" + dice.randbytes(5000))):
            path = self.folder / f"bad{number}"
            path.write_bytes(content)
            ran = larder("replay", path, "--policy", policy, cwd=self.folder)
            with self.subTest(number=number):
                self.assertEqual(ran.returncode, 1)
                self.assertRegex(ran.stderr, r"at byte \d+|neither a trace nor a log")
        self.assertEqual(larder("replay", self.folder / "none", "--policy", policy).returncode, 2)
        self.assertEqual(larder("replay", self.folder, "--policy", policy).returncode, 2)

    def test_lines_that_are_none_are_counted_and_shown(self):
        policy = self.write("shop.larder", SHOP)
        log = self.write("access.log", 'rubbish\n1.1.1.1 - - [10/Oct/2026:13:55:36 +0000] "GET /items/1 HTTP/1.1" 200 5\n')
        ran = self.run_larder("replay", log, "--policy", policy)
        self.assertIn("1 of 2 lines are none of such a log", ran.stdout)
        self.assertIn("1: rubbish", ran.stdout)
        self.assertIn("passed by, no serve rule", ran.stdout)

    def test_without_a_kernel_record_says_where_it_asked(self):
        ran = self.run_larder("record", status=3)
        self.assertIn("/nowhere/larder.sock", ran.stderr)
        self.run_larder("record", "--sample", "0", status=2)
        self.run_larder("record", "--for", "soon", status=2)


if __name__ == "__main__":
    unittest.main()
