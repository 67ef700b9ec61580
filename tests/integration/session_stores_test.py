# tests/integration/session_stores_test.py -- sessions live the same life in every store that can keep them: a Redis Cluster,
# a file of this machine, a Postgres.
import json
import pathlib
import shutil
import tempfile
import unittest

from postgres_server import PostgresServer
from redis_cluster import RedisCluster, slot_of
from redis_nodes import TIMES
from redis_server import until
from resp_talk import Refused
from session_nodes import SessionNode, key_of


class Life(unittest.TestCase):
    def lives(self, a, b):
        """Created, read, changed, rotated, counted, listed and ended by either node."""
        made = a("CREATE", "login", "7", '{"role":"cook","cart":{"soup":1}}')
        self.assertEqual(b("GET", "login", made), '{"role":"cook","cart":{"soup":1}}')
        self.assertEqual(json.loads(b("UPDATE", "login", made, '{"cart":null}')), {"role": "cook"})
        fresh = a("ROTATE", "login", made)
        self.assertEqual(json.loads(b("GET", "login", fresh)), {"role": "cook"})
        self.assertTrue(b.ask("get", id=made)[1]["replaced"], "the old one, for the grace")
        self.assertEqual(a("END", "login", fresh), 1)
        self.assertEqual([node("GET", "login", one) for node in (a, b) for one in (made, fresh)], [None] * 4)
        # No node counts alone.
        made = [(a, b)[i % 2]("CREATE", "login", "8", str(i)) for i in range(7)]
        self.assertEqual([b("GET", "login", one) for one in made], [None, None, "2", "3", "4", "5", "6"])
        a("CREATE", "kiosk", "8", "x")
        with self.assertRaisesRegex(Refused, "LIMIT"):
            b("CREATE", "kiosk", "8", "x")
        self.assertEqual(len(json.loads(a("LIST", "login", "8"))), 5)
        other = a("CREATE", "login", "9", "other")
        self.assertEqual(b("ENDUSER", "login", "8"), 5)
        self.assertEqual([a("GET", "login", one) for one in made], [None] * 7)
        self.assertEqual(b("GET", "login", other), "other")
        a.talk("LARDER", "EVENT", "disabled", "user_id", "9")
        until(lambda: b("GET", "login", other) is None, "a rule ends them, too", 10)


class Cluster(Life):
    def setUp(self):
        self.cluster = self.enterContext(RedisCluster(replicas=0))
        listed = ", ".join(f'"127.0.0.1:{server.port}"' for server in self.cluster.servers)
        store = f'[store.l2]\nplugin = "redis"\ncluster = [{listed}]\n{TIMES}'
        self.a, self.b = (SessionNode(self, store) for _ in range(2))

    def at(self, made):
        return self.cluster.owner(slot_of(key_of(made)[1]))

    def test_sessions_live_in_a_redis_cluster_spread_over_its_masters(self):
        self.lives(self.a, self.b)
        made = [self.a("CREATE", "login", str(user), f"of {user}") for user in range(24)]
        self.assertEqual({self.at(one).port for one in made}, {server.port for server in self.cluster.servers})
        for user, one in enumerate(made):
            self.assertEqual(self.at(one)("EXISTS", key_of(one)[1]), 1)
            self.assertEqual(self.b("GET", "login", one), f"of {user}")
        # The index of a user and his sessions stand on different masters, and end together all the same.
        mine = [self.a("CREATE", "login", "many", str(i)) for i in range(5)]
        self.assertGreater(len({self.at(one).port for one in mine}), 1)
        self.assertEqual(self.b("ENDUSER", "login", "many"), 5)
        self.assertEqual([self.a("GET", "login", one) for one in mine], [None] * 5)

    def test_a_slot_that_moves_takes_its_sessions_along_and_ends_none(self):
        made = [self.a("CREATE", "login", str(user), f"of {user}") for user in range(6)]
        for one in made:
            slot = slot_of(key_of(one)[1])
            self.cluster.move_slot(slot, next(server for server in self.cluster.servers if server is not self.at(one)))
        for user, one in enumerate(made):
            self.assertEqual(self.b("GET", "login", one), f"of {user}")
            self.assertEqual(json.loads(self.a("UPDATE", "login", self.b("CREATE", "login", str(user), "{}"), '{"n":1}')), {"n": 1})
            self.assertEqual(self.a("ENDUSER", "login", str(user)), 2)

    def test_a_master_that_hangs_is_an_error_and_no_logout(self):
        made = self.a("CREATE", "login", "7", "x")
        self.at(made).freeze()
        with self.assertRaises(Refused):
            self.a("GET", "login", made)
        self.at_thawed(made)

        def there():
            return self.a("GET", "login", made) == "x"
        until(there, "it is there when its master answers", 20)

    def at_thawed(self, made):
        for server in self.cluster.servers:
            server.thaw()
        self.cluster.agreed()


class File(Life):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-sessions-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.store = f'[store.l2]\nplugin = "lmdb"\npath = "{self.folder}/l2"\n'

    def test_sessions_live_in_a_file(self):
        node = SessionNode(self, self.store)
        self.lives(node, node)

    def test_sessions_of_a_file_outlive_a_stop_and_kill_9_and_what_was_ended_stays_ended(self):
        node = SessionNode(self, self.store)
        made, gone = node("CREATE", "login", "7", "mine"), node("CREATE", "login", "7", "gone")
        old = node("CREATE", "login", "7", "rotated")
        fresh = node("ROTATE", "login", old)
        node("END", "login", gone)
        for ends in (lambda: node.server.stop(), lambda: (node.server.process.kill(), node.server.process.wait())):
            ends()
            node = SessionNode(self, self.store)
            self.assertEqual([node("GET", "login", one) for one in (made, gone, fresh)], ["mine", None, "rotated"])
            self.assertEqual(len(json.loads(node("LIST", "login", "7"))), 2)
        self.assertEqual(node("ENDUSER", "login", "7"), 2)
        node.server.process.kill()
        node.server.process.wait()
        node = SessionNode(self, self.store)
        self.assertEqual([node("GET", "login", one) for one in (made, old, fresh)], [None] * 3)

    def test_a_file_of_sessions_has_neither_identifiers_nor_data_in_the_clear(self):
        node = SessionNode(self, self.store)
        made = node("CREATE", "login", "planted-user", '{"password":"planted-hunter2"}')
        node.server.stop()
        dump = b"".join(path.read_bytes() for path in (self.folder / "l2").rglob("*") if path.is_file())
        self.assertIn(key_of(made)[0].encode(), dump)
        for secret in (made, "planted-user", "planted-hunter2"):
            self.assertNotIn(secret.encode(), dump)


class Table(Life):
    def test_sessions_live_in_a_postgres_that_two_nodes_share(self):
        postgres = self.enterContext(PostgresServer())
        store = f'[store.l2]\nplugin = "postgres"\nurl = "{postgres.url()}"\n'
        self.lives(*(SessionNode(self, store) for _ in range(2)))


if __name__ == "__main__":
    unittest.main()
