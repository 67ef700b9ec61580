# tests/integration/versions_test.py -- two releases with two versions of a value above one Redis and one file, in both
# directions, by clients; and what `larder check` knows of it.
import json
import tempfile
import unittest

from larder_program import larder
from larder_server import LarderServer
from redis_nodes import Nodes, store_of
from redis_server import RedisServer, until
from resp_talk import Talk

SPACE = 'larder 1\nnamespace user {{ key "{{id}}"; ttl 10m; tag "users"; static\n{} }}\n'
FIRST = SPACE.format("version 1")
SECOND = SPACE.format('version 2 accepts 1\nmigrate 1 -> 2 { rename "name" to "full_name"; default "n" 0 }')
THIRD = SPACE.format("version 3 accepts 2")
OLD, NEW = b'{"name":"Ann"}', b'{"full_name":"Ann","n":0}'


class RollingDeploy(unittest.TestCase):
    def setUp(self):
        self.redis = self.enterContext(RedisServer())
        store = store_of(self.redis.address)
        (self.old,) = self.enterContext(Nodes(store, count=1, policy=FIRST, fence=True))
        (self.new,) = self.enterContext(Nodes(store, count=1, policy=SECOND, fence=True))
        until(lambda: self.old.trusted() and self.new.trusted(), "the streams are proved")

    def test_what_the_old_release_writes_the_new_one_reads_migrated_and_writes_back_once(self):
        self.old.set("user:1", OLD)
        self.assertEqual(self.new.get("user:1"), NEW)
        until(lambda: NEW in self.redis("GET", "larder:v:{user:1}"), "it is written back")
        for _ in range(5):
            self.assertEqual(self.new.get("user:1"), NEW)
        counts = self.new.stats()["namespaces"]["user"]
        self.assertEqual((counts["migrated"], counts["unmigrated"]), (1, 0))

    def test_the_old_release_loads_over_a_newer_entry_for_itself_and_leaves_it(self):
        self.new.set("user:2", NEW)
        self.assertEqual(self.new.get("user:2"), NEW)
        stood = self.redis("GET", "larder:v:{user:2}")
        self.assertIsNone(self.old.get("user:2"))
        self.assertEqual(self.old.set("user:2", OLD), b"OK")  # what it loaded after that miss
        self.assertEqual(self.old.get("user:2"), OLD)
        self.assertEqual(self.redis("GET", "larder:v:{user:2}"), stood)
        self.assertEqual(self.new.get("user:2"), NEW)
        self.new.drop_tag("users")
        until(lambda: self.old.get("user:2") is None, "a drop of the new release reaches the old one's copy")
        self.assertIsNone(self.new.get("user:2"))

    def test_a_write_of_the_old_release_without_a_read_before_it_is_news_to_both(self):
        self.new.set("user:3", NEW)
        self.old.set("user:3", b'{"name":"Bob"}')
        until(lambda: self.new.get("user:3") == b'{"full_name":"Bob","n":0}', "the new release migrates it")


class RestartWithAnotherRelease(unittest.TestCase):
    """A file belongs to one process, so there a deploy is one release after the other."""

    def test_a_file_is_read_by_the_next_release_and_by_the_one_before_after_a_step_back(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="larder-versions-"))
        store = f'[store.l2]\nplugin = "lmdb"\npath = "{folder}/l2"\n'
        with LarderServer(FIRST, store=store) as server:
            self.assertEqual(Talk(("127.0.0.1", server.port))("SET", "user:1", OLD), b"OK")
        with LarderServer(SECOND, store=store) as server:
            talk = Talk(("127.0.0.1", server.port))
            self.assertEqual(talk("GET", "user:1"), NEW)
            self.assertEqual(talk("SET", "user:2", NEW), b"OK")
            until(lambda: self._migrated(talk) == 1 and talk("GET", "user:1") == NEW, "it is migrated once")
        with LarderServer(FIRST, store=store) as server:
            talk = Talk(("127.0.0.1", server.port))
            for key in ("user:1", "user:2"):
                self.assertIsNone(talk("GET", key))
                self.assertEqual(talk("SET", key, OLD), b"OK")  # loaded after that miss: for this process
                self.assertEqual(talk("GET", key), OLD)
        with LarderServer(SECOND, store=store) as server:
            talk = Talk(("127.0.0.1", server.port))
            self.assertEqual((talk("GET", "user:1"), talk("GET", "user:2")), (NEW, NEW))
            self.assertEqual(self._migrated(talk), 0)

    @staticmethod
    def _migrated(talk):
        return json.loads(talk("LARDER", "STATS"))["namespaces"]["user"]["migrated"]


class LeavingVersions(unittest.TestCase):
    def test_check_warns_of_a_version_that_leaves_while_there_are_entries_of_it(self):
        with LarderServer(FIRST) as server:
            talk = Talk(("127.0.0.1", server.port))
            for i in range(20):
                self.assertEqual(talk("SET", f"user:{i}", OLD), b"OK")
            policy = server.folder / "next.larder"
            policy.write_text(THIRD, encoding="utf-8")
            ran = larder("check", policy, "--socket", server.folder / "admin.sock")
            self.assertIn("L0341", ran.stdout)
            self.assertIn("20 entries of it are kept", ran.stdout)
            policy.write_text(SECOND, encoding="utf-8")
            ran = larder("check", policy, "--socket", server.folder / "admin.sock")
            self.assertNotIn("L0341", ran.stdout)


if __name__ == "__main__":
    unittest.main()
