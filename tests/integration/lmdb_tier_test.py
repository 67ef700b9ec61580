# tests/integration/lmdb_tier_test.py -- a kernel above a file: what it cached is there after a restart, and what was
# dropped is not, however the kernel ended.
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import tempfile
import threading
import unittest

from larder_server import LarderServer, find
from redis_nodes import Node, times
from redis_server import until

POLICY = """larder 1
namespace item { ttl 5m; key "{id}"; tag "all"; tag "item:{id}"
  stale 5m while revalidating }
namespace other { ttl 5m; key "{id}"; tag "others" }
on write "/item/{id}" { drop item "{id}" }
"""


class Kernel:
    """`larder serve` above the folder; begins and ends as often as one likes."""

    def __init__(self, folder, policy=POLICY, more="", fence="false"):
        self.gateway = f'fence = {fence}\nrole = "admin"\n'
        self.store = f'[store.l2]\nplugin = "lmdb"\npath = "{folder}/l2"\n{more}'
        self.policy = policy

    def start(self):
        self.server = LarderServer(self.policy, store=self.store, gateway=self.gateway)
        self.node = Node(self.server.__enter__())
        return self.node

    def stop(self):
        self.node.talk.close()
        return self.server.stop()

    def kill(self):
        self.server.process.kill()
        self.server.process.wait()
        self.stop()


class Restarts(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="larder-lmdb-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.kernel = Kernel(self.folder)

    def restart(self, how):
        self.kernel.kill() if how == "kill -9" else self.kernel.stop()
        return self.kernel.start()

    def test_entries_are_there_after_a_stop_and_after_kill_9(self):
        node = self.kernel.start()
        for i in range(200):
            self.assertEqual(node.set(f"item:{i}", f"v{i}"), b"OK")
        for how in ("stop", "kill -9", "stop"):
            node = self.restart(how)
            for i in range(200):
                self.assertEqual(node.get(f"item:{i}"), f"v{i}".encode(), f"{how} item:{i}")
        self.assertLessEqual(node.talk("TTL", "item:1"), 300)
        self.assertGreater(node.talk("TTL", "item:1"), 200)
        self.kernel.stop()

    def test_what_was_dropped_before_kill_9_is_not_served_after_it(self):
        """drop a tag, a key, a pattern, a namespace, by a rule, kill -9, restart: not served; the rest is"""
        drops = {
            "a tag": ("LARDER", "DROP", "TAG", "item:1"),
            "a key": ("LARDER", "DROP", "item", "1"),
            "a pattern": ("LARDER", "DROP", "item", "MATCHING", "1"),
            "a rule": ("LARDER", "ROUTE", "PUT", "/item/1", "200"),
            "DEL": ("DEL", "item:1"),
            "a namespace": ("LARDER", "DROP", "item"),
            "everything": ("LARDER", "DROP", "ALL"),
        }
        node = self.kernel.start()
        for what, words in drops.items():
            node.set("item:1", "old")
            node.set("item:2", "kept")
            node.set("other:1", "kept")
            for _ in range(3):  # from memory too
                self.assertEqual(node.get("item:1"), b"old", what)
            node.talk(*words)
            node = self.restart("kill -9")
            self.assertIsNone(node.get("item:1"), f"{what} was dropped")
            # A pattern that nobody declared drops the namespace, as in a shared store.
            if what not in ("a pattern", "a namespace", "everything"):
                self.assertEqual(node.get("item:2"), b"kept", what)
            self.assertEqual(node.get("other:1"), None if what == "everything" else b"kept", what)
        self.kernel.stop()

    def test_what_was_expired_stays_expired_over_a_restart(self):
        node = self.kernel.start()
        node.set("item:1", "old")
        node.talk("LARDER", "EXPIRE", "TAG", "item:1")
        self.assertIsNone(node.get("item:1"))
        node = self.restart("kill -9")
        self.assertIsNone(node.get("item:1"))
        self.kernel.stop()

    def test_killed_again_and_again_under_load_nothing_comes_back_that_was_overwritten_or_dropped(self):
        """kill -9 at random moments while a client sets, drops tags and deletes"""
        chance = random.Random(7)
        node = self.kernel.start()
        stands = {}  # what was acknowledged last; a key that was under way is not judged
        for turn in range(times(10)):
            killer = threading.Timer(chance.random() * 0.25, self.kernel.server.process.kill)
            killer.start()
            key = None
            try:
                for n in range(100_000):
                    key = f"item:{chance.randrange(50)}"
                    match chance.randrange(6):
                        case 0:
                            node.drop_tag(key)
                            stands[key] = None
                        case 1:
                            node.talk("DEL", key)
                            stands[key] = None
                        case _:
                            node.set(key, f"{turn}.{n}")
                            stands[key] = f"{turn}.{n}".encode()
            except OSError:
                pass
            except Exception as gone:  # the connection ended in the middle of a reply
                self.assertNotIsInstance(gone, AssertionError)
            killer.join()
            self.kernel.stop()
            node = self.kernel.start()
            for each, value in stands.items():
                if each != key:
                    self.assertEqual(node.get(each), value, f"turn {turn}, {each}")
            stands[key] = node.get(key)
        self.kernel.stop()

    def test_another_policy_after_a_restart_judges_by_its_own_rules(self):
        """A namespace whose keys changed is empty, one that did not is there"""
        node = self.kernel.start()
        node.set("item:1", "x")
        node.set("other:1", "y")
        self.kernel.stop()
        self.kernel = Kernel(self.folder, POLICY.replace('tag "all"; tag', 'tag "every"; tag'))
        node = self.kernel.start()
        self.assertIsNone(node.get("item:1"))
        self.assertEqual(node.get("other:1"), b"y")
        self.kernel.stop()

    def test_a_new_kernel_takes_the_file_over_from_an_old_one_that_still_runs(self):
        node = self.kernel.start()
        node.set("item:1", "x")
        second = Kernel(self.folder)
        after = second.start()
        self.assertIsNone(after.get("item:1"))
        self.assertEqual(after.set("item:2", "meanwhile"), b"OK")
        self.assertTrue(any("is in use by process" in line for line in second.server.log))
        self.kernel.stop()
        until(lambda: after.get("item:1") == b"x", "it takes the file over", 20)
        second.stop()

    def test_a_damaged_file_is_set_aside_and_the_kernel_serves(self):
        node = self.kernel.start()
        for i in range(500):
            node.set(f"item:{i}", "x" * 500)
        self.kernel.stop()
        file = pathlib.Path(self.folder) / "l2/data.mdb"
        os.truncate(file, file.stat().st_size // 2)
        node = self.kernel.start()
        self.assertTrue(node.logged("it is set aside as"))
        self.assertIsNone(node.get("item:1"))
        node.set("item:1", "new")
        node = self.restart("kill -9")
        self.assertEqual(node.get("item:1"), b"new")
        self.kernel.stop()

    def test_poisoned_bytes_of_values_are_misses_that_are_counted_and_never_served(self):
        node = self.kernel.start()
        for i in range(50):
            node.set(f"item:{i}", f"innocent-{i:04}-" + "abcdefgh" * 30)
        self.kernel.stop()
        file = pathlib.Path(self.folder) / "l2/data.mdb"
        data = bytearray(file.read_bytes())
        whole = [value.start() for value in re.finditer(rb"innocent-\d{4}-(abcdefgh){30}", bytes(data))]
        for at in whole:
            data[at + 20] ^= 0x40
        file.write_bytes(data)
        self.assertGreaterEqual(len(whole), 50)
        node = self.kernel.start()
        for i in range(50):
            self.assertIsNone(node.get(f"item:{i}"))
        self.assertFalse(node.logged("set aside"))
        self.assertEqual(node.stats()["namespaces"]["item"]["damaged"], 50)
        self.kernel.stop()

    def test_what_was_loaded_before_a_drop_is_not_kept_and_what_was_loaded_after_it_is(self):
        """GET, load, SET: the value is judged by what it was loaded under, and kept over a restart"""
        self.kernel = Kernel(self.folder, fence="true")
        node = self.kernel.start()
        self.assertIsNone(node.get("item:1"))
        node.drop_tag("item:1")
        node.set("item:1", "loaded before")
        self.assertIsNone(node.get("item:1"))
        node.set("item:1", "loaded after")
        self.assertEqual(node.get("item:1"), b"loaded after")
        node = self.restart("kill -9")
        self.assertEqual(node.get("item:1"), b"loaded after")
        self.kernel.stop()

    def test_a_reload_changes_the_capacity_and_empties_what_it_should(self):
        """capacity changes with a reload; drop --tier empties the file and memory goes on"""
        node = self.kernel.start()
        for i in range(50):
            node.set(f"item:{i}", "x")
            node.get(f"item:{i}")
        conf = self.kernel.server.folder / "larder.toml"
        conf.write_text(conf.read_text(encoding="utf-8").replace(self.kernel.store, self.kernel.store + 'capacity = "64MiB"\n'),
                        encoding="utf-8")
        socket = str(self.kernel.server.folder / "admin.sock")
        subprocess.run([find("larder"), "reload", "--socket", socket], check=True, capture_output=True)
        self.assertEqual(node.stats()["tiers"]["l2"]["capacity_bytes"], 64 << 20)
        self.assertEqual(node.get("item:7"), b"x")
        subprocess.run([find("larder"), "drop", "--tier", "l2", "--socket", socket], check=True, capture_output=True)
        self.assertEqual(node.stats()["tiers"]["l2"]["entries"], 0)
        node = self.restart("stop")
        self.assertIsNone(node.get("item:7"))
        self.kernel.stop()

    def test_a_full_disk_is_no_error_to_any_client_and_undoes_no_drop(self):
        """the file may not grow: SET answers OK, what is there is served, drops hold over kill -9"""
        node = self.kernel.start()
        process = self.kernel.server.process.pid
        resource.prlimit(process, resource.RLIMIT_FSIZE, (3 << 20, resource.RLIM_INFINITY))
        for i in range(4000):
            self.assertEqual(node.set(f"item:{i}", f"{i}:" + "x" * 2000), b"OK")
            self.assertIn(node.get(f"item:{i}"), (None, f"{i}:{'x' * 2000}".encode()))
        self.assertTrue(node.logged("the disk is full, new entries take the place of old ones"))
        self.assertEqual(node.stats()["tiers"]["l2"]["breaker"], "closed")
        for i in range(0, 4000, 2):
            node.drop_tag(f"item:{i}")
        node = self.restart("kill -9")  # what memory had beside the file is gone
        kept = sum(node.get(f"item:{i}") is not None for i in range(1, 4000, 2))
        self.assertGreater(kept, 50)
        self.assertIsNotNone(node.get("item:3999"))
        for i in range(0, 4000, 2):
            self.assertIsNone(node.get(f"item:{i}"), f"item:{i} was dropped")
        self.kernel.stop()

    def test_size_and_health_of_the_file_are_reported(self):
        node = self.kernel.start()
        for i in range(100):
            node.set(f"item:{i}", "x" * 1000)
        tier = node.stats()["tiers"]["l2"]
        self.assertEqual(tier["entries"], 100)
        self.assertGreater(tier["bytes"], 100_000)
        self.assertEqual(tier["capacity_bytes"], 1 << 30)
        self.kernel.stop()


if __name__ == "__main__":
    unittest.main()
