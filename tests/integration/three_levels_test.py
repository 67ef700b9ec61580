# tests/integration/three_levels_test.py -- memory, Redis, and the database behind both, as the warehouse's document has it:
# "L1 Cache ... L2 Cache ... L3 Cache: database, fallback for cache misses"; and an answer that is put together from several
# sources as one entry.
import threading
import unittest

from http_upstream import Answer, Upstream
from larder_server import LarderServer
from postgres_server import PostgresServer
from redis_nodes import Node, coherent, store_of
from redis_server import RedisServer, until
from resp_talk import Talk

POLICY = """larder 1
breaker l2 { open after 5 failures; retry after 200ms; probe 1 }
breaker l3 { open after 5 failures; retry after 200ms; probe 1 }
defaults { tiers memory 15m -> l2 24h -> l3 }
namespace item { key "{id}"; tag "all"; tag "item:{id}" }
namespace other { ttl 5m; key "{id}"; tag "others" }
namespace few { ttl 1h; key "{id}"; static; limit 10 entries in memory; evict lru }
"""


class ThreeLevels(unittest.TestCase):
    """"L3 ... Fallback for cache misses ... Indefinite (with cleanup policies)": the seed's words"""

    def setUp(self):
        self.redis = self.enterContext(RedisServer())
        self.postgres = self.enterContext(PostgresServer())
        self.a, self.b = self.nodes = [self.node() for _ in range(2)]

    def node(self):
        store = store_of(self.redis.address) + (
            f'[store.l3]\nplugin = "postgres"\nurl = "{self.postgres.url()}"\nmax_staleness = "600ms"\nconnect_timeout = "500ms"\n')
        node = Node(self.enterContext(LarderServer(POLICY, store=store, gateway="fence = false\n")))
        self.addCleanup(node.talk.close)
        until(lambda: sum("is proved" in line for line in node.server.log) >= 2, "both streams are proved", 20)
        return node

    def rows(self):
        return int(self.postgres("SELECT count(*) FROM larder_entries"))

    def in_redis(self, key):
        return self.redis("EXISTS", f"larder:v:{{{key}}}") == 1

    def test_what_is_written_lies_in_the_database_and_a_read_copies_it_to_redis_and_memory(self):
        """promotion: L3 -> L2 -> L1"""
        self.a.set("item:1", "x")
        self.assertEqual(self.rows(), 1)
        self.assertFalse(self.in_redis("item:1"))
        self.assertEqual(self.b.get("item:1"), b"x")
        until(lambda: self.in_redis("item:1"), "it is copied to Redis", 5)
        self.assertGreater(self.redis("PTTL", "larder:v:{item:1}"), 23 * 3_600_000)
        self.assertEqual(self.postgres("SELECT ends FROM larder_entries"), "0", "for ever in the database")
        before = self.postgres("SELECT calls FROM (SELECT 1 AS calls) q")
        for _ in range(5):
            self.assertEqual(self.b.get("item:1"), b"x")
        self.assertEqual(before, "1")

    def test_redis_that_lost_everything_is_filled_again_from_the_database(self):
        """fallback on a miss"""
        for i in range(20):
            self.a.set(f"item:{i}", f"v{i}")
            self.b.get(f"item:{i}")
        self.redis("FLUSHALL")
        for i in range(20):
            until(lambda: self.b.get(f"item:{i}") == f"v{i}".encode(), f"item:{i} comes from the database", 10)
        until(lambda: self.in_redis("item:3"), "and is copied again", 5)

    def test_what_a_level_lets_go_is_found_in_the_next_and_comes_up_again(self):
        """demotion: memory has room for ten, Redis loses all, the database has them"""
        for i in range(60):
            self.a.set(f"few:{i}", f"v{i}")
        for _ in range(3):
            for i in range(60):
                self.assertEqual(self.a.get(f"few:{i}"), f"v{i}".encode())
        self.assertGreater(self.a.stats()["tiers"]["memory"]["evictions"], 50)
        self.redis("FLUSHALL")
        until(lambda: all(self.a.get(f"few:{i}") == f"v{i}".encode() for i in range(60)), "all come from the database", 10)
        self.assertTrue(self.in_redis("few:3"))

    def test_scan_ttl_exists_and_dbsize_see_what_only_the_database_has(self):
        for i in range(30):
            self.a.set(f"other:{i}", f"v{i}")
        self.assertFalse(self.in_redis("other:3"))
        for node in self.nodes:
            self.assertEqual(node.talk("EXISTS", "other:3", "other:4", "other:none"), 2)
            self.assertGreater(node.talk("TTL", "other:3"), 290)
            self.assertEqual(node.talk("TTL", "other:none"), -2)
            found, cursor = set(), b"0"
            while True:
                cursor, keys = node.talk("SCAN", cursor, "MATCH", "other:*", "COUNT", "50")
                found |= set(keys)
                if cursor == b"0":
                    break
            self.assertEqual(found, {f"other:{i}".encode() for i in range(30)})
        self.assertFalse(self.in_redis("other:3"), "a look copies nothing")
        until(lambda: self.a.talk("DBSIZE") >= 30, "they are counted", 10)
        self.a.drop_tag("others")
        self.assertEqual(self.a.talk("EXISTS", "other:3"), 0)
        until(lambda: self.b.talk("EXISTS", "other:3") == 0, "nor at the other node", 5)

    def test_entries_outlive_redis_and_both_kernels(self):
        self.a.set("item:1", "x")
        for node in self.nodes:
            node.server.stop()
        self.redis("FLUSHALL")
        self.postgres.restart()
        fresh = self.node()
        self.assertEqual(fresh.get("item:1"), b"x")

    def test_what_one_node_overwrites_deletes_or_drops_no_node_serves_from_any_level(self):
        for turn, change in enumerate((lambda: self.a.set("item:1", "new"), lambda: self.a.talk("DEL", "item:1"),
                                       lambda: self.a.drop_tag("item:1"), lambda: self.a.talk("LARDER", "DROP", "item"),
                                       lambda: self.a.talk("LARDER", "EXPIRE", "TAG", "all"))):
            self.a.set("item:1", f"old{turn}")
            for node in self.nodes:
                until(lambda: node.get("item:1") == f"old{turn}".encode(), "all have it", 5)
                node.get("item:1")
            change()
            wanted = b"new" if turn == 0 else None
            until(lambda: self.b.get("item:1") == wanted, f"change {turn} is seen", 5)
            self.redis("FLUSHALL")
            for node in self.nodes:
                until(lambda: node.get("item:1") == wanted, f"also from the database, change {turn}", 5)

    def test_of_two_nodes_that_add_at_once_no_addition_is_lost(self):
        def add(node):
            for _ in range(50):
                node.talk("INCR", "other:n")
        threads = [threading.Thread(target=add, args=(node,)) for node in self.nodes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.a.get("other:n"), b"100")
        self.redis("FLUSHALL")
        until(lambda: self.b.get("other:n") == b"100", "the database has the sum", 5)

    def test_without_the_database_redis_and_memory_go_on_and_when_it_is_back_they_agree(self):
        """the server is killed and restarted in the middle"""
        self.a.set("item:1", "before")
        for node in self.nodes:
            until(lambda: node.get("item:1") == b"before", "all have it", 5)
        self.postgres.kill()
        for i in range(2, 30):
            for node in self.nodes:
                self.assertEqual(node.set(f"item:{i}", f"{i}"), b"OK")
                self.assertIn(node.get(f"item:{i}"), (f"{i}".encode(), None))
        self.a.drop_tag("item:1")
        self.assertIsNone(self.a.get("item:1"))
        self.postgres.start()
        coherent(self.nodes)
        self.assertIsNone(self.a.get("item:1"))
        until(lambda: self.b.get("item:1") is None, "what was dropped meanwhile stays dropped", 5)

    def test_without_redis_the_database_answers(self):
        self.a.set("item:1", "x")
        self.redis.kill()
        self.assertEqual(self.a.get("item:1"), b"x")
        self.assertEqual(self.a.set("item:2", "y"), b"OK")
        until(lambda: self.b.get("item:2") == b"y", "what is written meanwhile is read by the other", 10)
        self.redis.start()
        coherent(self.nodes)


class OneEntryOfSeveral(unittest.TestCase):
    def test_a_dashboard_of_profile_subscriptions_requests_and_statistics_is_one_entry_for_900_seconds(self):
        """Panic's dashboard: four answers of the application in one, asked for once, gone when one of its parts changes"""
        asked = []

        def answer(request):
            asked.append(request.target)
            user = request.target.rpartition("/")[2]
            parts = {name: f"{name} of {user}" for name in ("profile", "subscriptions", "requests", "statistics")}
            body = "{" + ",".join(f'"{name}":"{text}"' for name, text in parts.items()) + "}"
            return Answer(200, body.encode())
        app = self.enterContext(Upstream(answer))
        policy = """larder 1
namespace profile       { key "{user_id}"; ttl 1h }
namespace subscriptions { key "{user_id}"; ttl 1h }
namespace requests      { key "{user_id}"; ttl 1h }
namespace statistics    { key "{user_id}"; ttl 1h }
namespace dashboard {
  key "{user_id}"
  ttl 900s
  source api "/dashboard/{user_id}"
  depends on profile "{user_id}"
  depends on subscriptions "{user_id}"
  depends on requests "{user_id}"
  depends on statistics "{user_id}"
}
on write "/subscriptions/{user_id}" { drop subscriptions "{user_id}" }
on write "/profile/{user_id}" { drop profile "{user_id}" }
on write "/requests/{user_id}" { drop requests "{user_id}" }
on event "counted" (user_id) { drop statistics "{user_id}" }
"""
        server = self.enterContext(LarderServer(policy, gateway='role = "admin"\n',
                                                conf=f'[source.api]\nplugin = "http"\nurl = "{app.url}/"\n'))
        talk = self.enterContext(Talk(("127.0.0.1", server.port)))
        for _ in range(5):
            self.assertIn(b"statistics of 42", talk("GET", "dashboard:42"))
        self.assertEqual(len(asked), 1)
        self.assertLessEqual(talk("TTL", "dashboard:42"), 900)
        self.assertGreater(talk("TTL", "dashboard:42"), 880)
        talk("GET", "dashboard:7")
        for loads, words in enumerate((("ROUTE", "PUT", "/subscriptions/42", "200"), ("ROUTE", "POST", "/profile/42", "200"),
                                       ("ROUTE", "PATCH", "/requests/42", "200"), ("EVENT", "counted", "user_id", "42")), 3):
            talk("LARDER", *words)
            self.assertIn(b"profile of 42", talk("GET", "dashboard:42"))
            talk("GET", "dashboard:7")
            self.assertEqual(len(asked), loads, words)
