# tests/integration/spill_test.py -- a namespace that demotes, over the memory store and a file below it, as a client sees it.
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from larder_server import LarderServer, find
from redis_server import until
from resp_talk import Talk

POLICY = """larder 1
namespace item { key "{id}"; ttl 10m; tag "item:{id}"; tiers memory -> disk; demote }
namespace both { key "{id}"; ttl 10m; static; tiers memory -> disk }
on event "changed" (id) { drop item "{id}" }
"""
VALUE = "v" * 2000


class Spill(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-spill-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def start(self, policy=POLICY):
        server = self.enterContext(LarderServer(
            policy, gateway='role = "admin"\n', store=f'capacity = "4MiB"\n[store.disk]\nplugin = "spill"\npath = "{self.folder}/d"\ncapacity = "64MiB"\n'))
        self.server, self.talk = server, self.enterContext(Talk(("127.0.0.1", server.port)))
        return server

    def demotions(self):
        told = subprocess.run([find("larder"), "stats", "--json", "--socket", self.server.folder / "admin.sock"], capture_output=True, text=True, timeout=20)
        return json.loads(told.stdout)["namespaces"]["item"]["demotions"]

    def test_what_memory_has_no_room_for_is_on_disk_and_read_from_there(self):
        self.start()
        for i in range(8000):
            self.assertEqual(self.talk("SET", f"item:{i}", f"{i}:{VALUE}"), b"OK")
        until(lambda: sum(self.talk("GET", f"item:{i}") is not None for i in range(0, 8000, 100)) >= 79, "they are found", 20)
        for i in range(0, 8000, 100):
            self.assertIn(self.talk("GET", f"item:{i}"), (f"{i}:{VALUE}".encode(), None))

    def test_what_was_dropped_overwritten_or_deleted_does_not_come_back_from_disk(self):
        self.start()
        for i in range(6000):
            self.talk("SET", f"item:{i}", f"{i}:{VALUE}")
        for i in range(0, 6000, 3):
            self.talk("LARDER", "EVENT", "changed", "id", str(i))
        for i in range(1, 6000, 3):
            self.talk("SET", f"item:{i}", f"new {i}")
        for i in range(2, 6000, 30):
            self.talk("DEL", f"item:{i}")
        for i in range(6000, 9000):  # what was new goes down, too
            self.talk("SET", f"item:{i}", f"{i}:{VALUE}")
        for i in range(0, 6000, 3):
            self.assertIsNone(self.talk("GET", f"item:{i}"))
        for i in range(1, 6000, 3):
            self.assertIn(self.talk("GET", f"item:{i}"), (f"new {i}".encode(), None))
        for i in range(2, 6000, 30):
            self.assertIsNone(self.talk("GET", f"item:{i}"))

    def test_the_file_begins_empty_and_is_gone_when_the_kernel_stops(self):
        server = self.start()
        for i in range(4000):
            self.talk("SET", f"item:{i}", f"{i}:{VALUE}")
        file = self.folder / "d" / "spill" / "data.mdb"
        self.assertTrue(file.exists())
        server.stop()
        self.assertFalse(file.exists())
        file.write_bytes(b"of somebody else, or torn")
        self.start()
        self.assertIsNone(self.talk("GET", "item:1"))
        self.talk("SET", "both:1", "x")
        self.assertEqual(self.talk("GET", "both:1"), b"x")

    def test_the_figures_say_what_went_down(self):
        self.start()
        for i in range(6000):
            self.talk("SET", f"item:{i}", f"{i}:{VALUE}")
        until(lambda: self.demotions()["placed"] > 100, "some are placed")

    def test_a_store_that_outlives_the_process_is_refused_below_memory_that_demotes(self):
        (self.folder / "p.larder").write_text(POLICY, encoding="utf-8")
        (self.folder / "larder.toml").write_text(
            f'policy = ["{self.folder}/p.larder"]\n[plugins]\npath = ["{find("larder").resolve().parent / "plugins"}"]\ntrust_path = true\n'
            f'[store.memory]\nplugin = "memory"\n[store.disk]\nplugin = "lmdb"\npath = "{self.folder}/l"\n', encoding="utf-8")
        told = subprocess.run([find("larder"), "check", "--conf", self.folder / "larder.toml"], capture_output=True, text=True, timeout=20)
        self.assertEqual(told.returncode, 1, told.stdout + told.stderr)
        self.assertIn("error[L0242]: `item` demotes into `disk`", told.stdout + told.stderr)


if __name__ == "__main__":
    unittest.main()
