# tests/integration/redis_walk_test.py -- what stands in Redis alone is counted, listed and given back.
import json
import unittest

from redis_nodes import Nodes, commands_of, store_of
from redis_server import RedisServer, until
from resp_talk import Refused

POLICY = """larder 1
namespace item { key "{id}"; ttl 1h; tag "shelf:{id}"; tag "all" }
namespace side { key "{id}"; ttl 1h; tiers l2 }
"""


class Walk(unittest.TestCase):
    def setUp(self):
        self.redis = self.enterContext(RedisServer())

    def nodes(self, count=1, more="", policy=POLICY):
        made = self.enterContext(Nodes(store_of(self.redis.address, more=more), count=count, policy=policy))
        until(lambda: all(node.trusted() for node in made), "the streams are proved")
        return made

    def values(self):
        return sorted(key.decode() for key in self.redis("KEYS", "larder:v:*"))

    def test_a_node_that_has_just_begun_lists_and_counts_what_others_wrote(self):
        [first] = self.nodes()
        for i in range(300):
            first.set(f"item:{i}", "x")
        first.set("side:1", "y")
        [fresh] = self.nodes()
        listed = set()
        cursor = b"0"
        while True:
            cursor, keys = fresh.talk("SCAN", cursor, "COUNT", "50")
            listed |= set(keys)
            if cursor == b"0":
                break
        self.assertEqual(listed, {f"item:{i}".encode() for i in range(300)} | {b"side:1"})
        self.assertEqual(fresh.talk("KEYS", "side:*"), [b"side:1"])
        until(lambda: fresh.talk("DBSIZE") == 301, "the sweep has counted them", 10)
        spaces = json.loads(fresh.talk("LARDER", "STATS"))["namespaces"]
        self.assertEqual((spaces["item"]["entries"], spaces["side"]["entries"]), (300, 1))

    def test_counting_reads_no_value(self):
        [node] = self.nodes()
        node.set("item:1", "x")
        until(lambda: node.talk("DBSIZE") == 1, "the sweep has counted it", 10)
        before = commands_of(self.redis)
        began = before["scan"]
        until(lambda: commands_of(self.redis)["scan"] >= began + 3, "three steps more", 10)
        after = commands_of(self.redis)
        for name in ("get", "mget", "strlen", "pttl", "evalsha"):
            self.assertEqual(after.get(name, 0), before.get(name, 0), name)

    def test_reclaim_removes_what_was_dropped_and_nothing_else(self):
        [node] = self.nodes(more="[limits]\nsweep = 0\n")
        for i in range(50):
            node.set(f"item:{i}", "x")
        node.set("side:1", "y")
        for i in range(20):
            node.drop_tag(f"shelf:{i}")
        self.assertEqual(len(self.values()), 51)
        self.assertEqual(node.talk("LARDER", "RECLAIM", "side"), 0)
        self.assertEqual(node.talk("LARDER", "RECLAIM"), 20)
        self.assertEqual(self.values(), sorted([f"larder:v:{{item:{i}}}" for i in range(20, 50)] + ["larder:v:{side:1}"]))
        self.assertEqual(node.talk("LARDER", "RECLAIM"), 0)
        self.assertEqual(node.get("item:30"), b"x")

    def test_what_another_node_dropped_is_swept_where_that_is_wanted(self):
        a, b = self.nodes(2, "[limits]\nsweep_removes = true\n")
        for i in range(50):
            a.set(f"item:{i}", "x")
        a.set("side:1", "y")
        b.drop_tag("all")
        until(lambda: self.values() == ["larder:v:{side:1}"], "what was dropped has gone", 10)
        a.set("item:7", "new")
        began = commands_of(self.redis)["scan"]
        until(lambda: commands_of(self.redis)["scan"] >= began + 4, "more steps", 10)
        self.assertEqual(b.get("item:7"), b"new")

    def test_a_redis_that_refuses_to_be_walked_is_asked_once_and_serves(self):
        self.redis("ACL", "SETUSER", "default", "-scan")
        [node] = self.nodes()
        until(lambda: node.logged("SCAN"), "the refusal is logged", 10)
        for i in range(20):
            node.set(f"item:{i}", "x")
            self.assertEqual(node.get(f"item:{i}"), b"x")
        self.assertEqual(sum("SCAN" in line for line in node.server.log), 1)
        self.assertEqual(node.stats()["tiers"]["l2"]["breaker"], "closed")
        with self.assertRaises(Refused):
            node.talk("SCAN", "0")

    def test_versions_are_counted_in_redis_too(self):
        [node] = self.nodes(policy='larder 1\nnamespace item { key "{id}"; ttl 1h; tiers l2; version 3 }\n')
        for i in range(5):
            node.set(f"item:{i}", "x")
        found = json.loads(node.talk("LARDER", "STATS", "versions"))
        self.assertEqual(found["versions"]["item"]["entries"], {"3": 5})
        self.assertEqual(found["counted"], "exact")


if __name__ == "__main__":
    unittest.main()
