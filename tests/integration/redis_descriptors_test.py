# tests/integration/redis_descriptors_test.py -- a kernel above Redis that may open no file any more (EMFILE).
import os
import resource
import socket
import unittest

from redis_nodes import Nodes, store_of
from redis_server import RedisServer, until
from resp_talk import Talk


class NoDescriptors(unittest.TestCase):
    def setUp(self):
        self.redis = self.enterContext(RedisServer())
        self.a, self.b = self.enterContext(Nodes(store_of(self.redis.address)))
        until(lambda: self.a.trusted() and self.b.trusted(), "the streams are proved")
        self.pid = self.a.server.process.pid

    def limit(self, files):
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (hard if files is None else files, hard))

    def test_who_is_connected_is_served_and_who_comes_is_served_when_there_are_files_again(self):
        self.a.set("item:1", "x")
        self.limit(len(os.listdir(f"/proc/{self.pid}/fd")))
        late = socket.create_connection(("127.0.0.1", self.a.server.port), timeout=10)
        self.addCleanup(late.close)
        for i in range(100):
            self.assertEqual(self.a.set(f"item:{i}", f"v{i}"), b"OK")
            self.assertEqual(self.a.get(f"item:{i}"), f"v{i}".encode())
        self.limit(None)
        with Talk(("127.0.0.1", self.a.server.port)) as talk:
            self.assertEqual(talk("PING"), b"PONG")

    def test_a_store_that_cannot_be_reached_for_lack_of_files_fails_no_call_and_is_used_when_there_are_some(self):
        self.a.set("item:1", "old")
        self.limit(3)
        self.redis("CLIENT", "KILL", "TYPE", "normal")
        self.redis("CLIENT", "KILL", "TYPE", "pubsub")
        until(lambda: not self.a.trusted(), "the stream is gone")
        for i in range(50):
            self.assertEqual(self.a.set(f"item:{i}", "kept or not"), b"OK")
            self.assertIn(self.a.get(f"item:{i}"), (None, b"kept or not"))
        self.a.drop_tag("all")
        self.limit(None)
        until(self.a.trusted, "the stream is proved again", 20)
        until(lambda: self.b.get("item:1") is None, "what was dropped meanwhile is dropped there", 20)
        self.assertEqual(self.a.set("item:1", "new"), b"OK")
        until(lambda: self.b.get("item:1") == b"new", "both go on")


if __name__ == "__main__":
    unittest.main()
