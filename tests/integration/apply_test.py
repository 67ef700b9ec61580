# tests/integration/apply_test.py -- larder plan, apply, rollback, policy and guards against a real `larder serve`.
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import redis

from larder_program import larder
from larder_server import LarderServer, find

POLICY = """larder 1
namespace item { key "{id}"; ttl 5m }
namespace list { key "{page}"; ttl 1m; static }
on write "/items/{id}" { drop item "{id}" }
guard {
  refuse drop above 20% of item
  refuse change above 50%
  watch hit_rate(item) < 60% and requests(item) > 20 for 2s
}
"""
LONGER = POLICY.replace("ttl 5m", "ttl 9m")
COLDER = POLICY.replace('item { key "{id}"', 'item { key "i{id}"').replace('drop item "{id}"', 'drop item "i{id}"')


class Applied(unittest.TestCase):
    conf = ""

    def setUp(self):
        self.server = self.enterContext(LarderServer(POLICY, conf=self.conf))
        self.client = redis.Redis(port=self.server.port)
        self.addCleanup(self.client.close)
        self.socket = str(self.server.folder / "admin.sock")
        self.mine = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for n in range(4):
            self.client.set(f"item:{n}", "x")
        self.client.set("list:1", "x")

    def write(self, text, name="next.larder"):
        path = self.mine / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def ask(self, *words, status=0):
        ran = larder(*words, "--socket", self.socket)
        self.assertEqual(ran.returncode, status, f"{words}\n{ran.stdout}\n{ran.stderr}")
        return ran

    def running(self):
        return json.loads(self.ask("policy", "--json").stdout)

    def misses(self, stop):
        """Reads that find nothing, until `stop`."""
        client = redis.Redis(port=self.server.port)
        while not stop.is_set():
            client.get("item:none")
            time.sleep(0.002)
        client.close()

    def wait(self, what, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what():
                return
            time.sleep(0.05)
        self.fail(f"not in {seconds} s:\n" + "".join(self.server.log))


class Plan(Applied):
    def test_a_plan_has_live_counts_and_changes_nothing(self):
        before = self.running()["id"]
        ran = self.ask("plan", "--policy", self.write(COLDER), status=1)
        self.assertIn("what is kept now: 5 entries", ran.stdout)
        self.assertIn("item: 4 entries become unreadable", ran.stdout)
        self.assertIn("refused without --confirm: takes 4 of 5 entries of what is kept (80%)", ran.stdout)
        self.assertEqual(self.running()["id"], before)
        self.assertEqual(self.client.get("item:1"), b"x")

    def test_the_exit_status_says_whether_anything_would_change(self):
        self.assertIn("nothing differs", self.ask("plan", status=0).stdout)
        self.ask("plan", "--policy", self.write("namespace {"), status=2)
        ran = larder("plan", "--socket", str(self.mine / "nobody.sock"))
        self.assertEqual(ran.returncode, 3)
        found = json.loads(self.ask("plan", "--policy", self.write(LONGER), "--format", "json", status=1).stdout)
        self.assertTrue(found["changes"])
        self.assertEqual(found["unreadable"], 0)

    def test_files_that_are_used_are_sent_with_those_that_use_them(self):
        self.write("let long = 9m\n", "times.larder")
        ran = self.ask("plan", "--policy", self.write('larder 1\nuse "times.larder"\n' + LONGER[9:].replace("9m", "long")), status=1)
        self.assertIn("ttl 5m -> 9m", ran.stdout)

    def test_a_file_that_is_not_there_is_said_before_the_kernel_is_asked(self):
        ran = self.ask("plan", "--policy", str(self.mine / "none.larder"), status=2)
        self.assertIn("none.larder", ran.stderr)


class Apply(Applied):
    def test_a_policy_that_keeps_its_guards_stays_and_the_files_do_not_change(self):
        ran = self.ask("apply", "--policy", self.write(LONGER), "--watch", "1s")
        self.assertIn("it is watched for 1s", ran.stdout)
        self.assertIn("stays", ran.stdout)
        self.client.set("item:9", "x")
        self.assertGreater(self.client.ttl("item:9"), 500)
        self.assertEqual(self.client.get("item:1"), b"x")
        now = self.running()
        self.assertEqual(now["origin"], "apply")
        self.assertEqual((self.server.folder / "test.larder").read_text(), POLICY)
        self.assertEqual(self.ask("policy", "--text").stdout, LONGER)

    def test_a_planted_breach_takes_the_policy_back_by_itself(self):
        before = self.running()["id"]
        stop = threading.Event()
        reader = threading.Thread(target=self.misses, args=(stop,))
        reader.start()
        try:
            ran = self.ask("apply", "--policy", self.write(LONGER), "--watch", "30s", status=1)
        finally:
            stop.set()
            reader.join()
        self.assertRegex(ran.stderr, r"taken back: hit_rate\(item\) \d+\.\d%, \d+\.\d% below 60\.0%")
        self.assertIn("watch hit_rate(item) < 60%", ran.stderr)
        now = self.running()
        self.assertEqual(now["id"], before)
        self.assertEqual(now["origin"], "return")
        self.client.set("item:9", "x")
        self.assertLess(self.client.ttl("item:9"), 301)

    def test_the_watch_goes_on_when_who_applied_is_killed(self):
        before = self.running()["id"]
        stop = threading.Event()
        program = find("larder").resolve()
        process = subprocess.Popen([program, "apply", "--policy", self.write(LONGER), "--watch", "60s", "--socket", self.socket],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.wait(lambda: self.running()["watched"])
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        reader = threading.Thread(target=self.misses, args=(stop,))
        reader.start()
        try:
            self.wait(lambda: self.running()["id"] == before, 30)
        finally:
            stop.set()
            reader.join()
        self.assertTrue(self.running()["last_returned"])

    def test_a_guarded_change_is_refused_until_it_is_confirmed(self):
        ran = self.ask("apply", "--policy", self.write(COLDER), "--no-watch", status=1)
        self.assertIn("takes 4 of 5 entries", ran.stderr)
        self.assertEqual(self.client.get("item:1"), b"x")
        self.ask("apply", "--policy", self.write(COLDER), "--no-watch", "--confirm")
        self.assertEqual(self.running()["origin"], "apply")

    def test_who_comes_second_is_told(self):
        first = threading.Thread(target=self.ask, args=("apply", "--policy", self.write(LONGER), "--watch", "4s"))
        first.start()
        self.wait(lambda: self.running()["watched"])
        ran = self.ask("apply", "--policy", self.write(POLICY.replace("5m", "7m"), "other.larder"), status=1)
        self.assertIn("is being watched for another", ran.stderr)
        self.assertIn("is being watched", self.ask("reload", status=1).stderr)
        first.join()
        self.assertIn("gives way to that of the files", self.ask("reload").stdout)

    def test_no_request_fails_while_policies_change(self):
        stop = threading.Event()
        failures, reads = [], [0]

        def read():
            client = redis.Redis(port=self.server.port)
            while not stop.is_set():
                try:
                    if client.get("item:1") != b"x":
                        failures.append("a miss")
                except redis.RedisError as error:
                    failures.append(str(error))
                reads[0] += 1
            client.close()

        readers = [threading.Thread(target=read) for _ in range(2)]
        for one in readers:
            one.start()
        try:
            for minutes in range(6, 12):
                self.ask("apply", "--no-watch", "--policy", self.write(POLICY.replace("5m", f"{minutes}m")))
        finally:
            stop.set()
            for one in readers:
                one.join()
        self.assertEqual(failures, [])
        self.assertGreater(reads[0], 100)

    def test_rollback_goes_back_and_says_before_what_it_would_do(self):
        before = self.running()["id"]
        self.ask("rollback", status=1)
        self.ask("apply", "--no-watch", "--policy", self.write(LONGER))
        self.assertIn("ttl 9m -> 5m", self.ask("plan", "--rollback", status=1).stdout)
        self.ask("rollback")
        self.assertEqual(self.running()["id"], before)

    def test_a_drop_by_hand_above_the_share_needs_a_confirmation(self):
        ran = self.ask("drop", "item", status=1)
        self.assertIn("takes 4 of 4 entries of item (100%)", ran.stderr)
        self.assertIn("--confirm", ran.stderr)
        with self.assertRaisesRegex(redis.ResponseError, "REFUSED|guard of the policy"):
            self.client.execute_command("LARDER", "DROP", "item")
        self.assertEqual(self.client.get("item:1"), b"x")
        self.ask("drop", "item", "1")
        self.assertIsNone(self.client.get("item:1"))
        self.ask("route", "PUT", "/items/2")
        self.assertIsNone(self.client.get("item:2"))
        self.ask("drop", "item", "--confirm")
        self.assertIsNone(self.client.get("item:3"))


class Killed(unittest.TestCase):
    def serve(self, folder):
        program = find("larder").resolve()
        process = subprocess.Popen([program, "serve", "--conf", str(folder / "larder.toml")], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        said = []
        for line in process.stdout:
            said.append(line)
            if " ready: " in line:
                return process, "".join(said)
        self.fail("larder serve did not become ready:\n" + "".join(said))

    def test_a_kernel_that_was_killed_in_a_watch_comes_up_with_its_files_and_says_what_was_pending(self):
        if find("larder") is None:
            self.skipTest("larder is not built (set LARDER_BIN)")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-test-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        plugins = find("larder").resolve().parent / "plugins"
        (folder / "test.larder").write_text(POLICY, encoding="utf-8")
        (folder / "next.larder").write_text(LONGER, encoding="utf-8")
        (folder / "larder.toml").write_text(
            f'policy = ["test.larder"]\n[plugins]\npath = ["{plugins}"]\ntrust_path = true\n[state]\nfolder = "state"\n'
            f'[admin]\nsocket = "{folder}/admin.sock"\n[store.memory]\nplugin = "memory"\n', encoding="utf-8")
        socket = str(folder / "admin.sock")
        process, _ = self.serve(folder)
        client = subprocess.Popen([find("larder").resolve(), "apply", "--policy", str(folder / "next.larder"), "--socket", socket],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 20
        pending = {}
        while time.monotonic() < end and not pending.get("watched"):
            pending = json.loads(larder("policy", "--json", "--socket", socket).stdout)
        self.assertTrue(pending["watched"])
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        _, complaint = client.communicate(timeout=30)
        self.assertEqual(client.returncode, 3, complaint)

        process, said = self.serve(folder)
        try:
            self.assertIn(f"the policy {pending['id']} ran (apply by", said)
            self.assertIn("still being watched", said)
            now = json.loads(larder("policy", "--json", "--socket", socket).stdout)
            self.assertEqual(now["origin"], "files")
            self.assertNotEqual(now["id"], pending["id"])
            self.assertEqual(larder("rollback", "--socket", socket).returncode, 0)
            self.assertEqual(json.loads(larder("policy", "--json", "--socket", socket).stdout)["id"], pending["id"])
        finally:
            process.terminate()
            process.wait(20)
            process.stdout.close()


if __name__ == "__main__":
    unittest.main()
