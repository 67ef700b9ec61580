# tests/integration/redis_topologies_test.py -- two kernels above a cluster, above Sentinels, above several
# servers, above one with TLS: real servers, moved, switched and killed while they serve.
import contextlib
import os
import re
import tempfile
import threading
import time
import unittest

from certificates import Certificates
from larder_server import SOURCE
from profiles_test import Environment
from redis_cluster import RedisCluster, slot_of
from redis_nodes import Node, Nodes, TIMES, coherent, settle, times
from redis_sentinel import Sentinels
from redis_server import RedisServer, until
from resp_talk import Refused

VALUE = "larder:v:{{item:{}}}"


def store(option, servers, more=""):
    listed = ", ".join(f'"127.0.0.1:{server.port}"' for server in servers)
    return f'[store.l2]\nplugin = "redis"\n{option} = [{listed}]\n{TIMES}{more}'


class Load:
    """Writes and reads through two nodes on threads of their own until the block ends: no call may be
    refused, and no answer may be another key's value, or one that this writer replaced before."""

    def __init__(self, nodes):
        self._nodes, self._over = nodes, threading.Event()
        self.calls, self.wrong = 0, []

    def __enter__(self):
        self._threads = [threading.Thread(target=self._run, args=(number, node), daemon=True)
                         for number, node in enumerate(self._nodes)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, failed, *_):
        try:
            # What happened may have taken no longer than a few calls: some come after it, too.
            if failed is None:
                before = self.calls
                until(lambda: self.calls > before + 50 or self.wrong, "the load goes on", 60)
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join(30)

    def _run(self, number, node):
        own = Node(node.server)
        turn = 0
        try:
            # Steady and not all there is: Redis and Sentinels share the machine, and keep time.
            while not self._over.wait(0.001):
                turn += 1
                key = f"item:load{number}.{turn % 97}"
                own.set(key, f"{key}={turn}")
                told = own.get(key)
                self.calls += 2
                if told not in (f"{key}={turn}".encode(), None):
                    self.wrong.append(f"{key} at turn {turn}: {told!r}")
        except (Refused, OSError, EOFError) as error:
            self.wrong.append(repr(error))
        finally:
            own.talk.close()


class Case(unittest.TestCase):
    def check(self, load):
        self.assertFalse(load.wrong[:5])
        self.assertGreater(load.calls, 50)

    def proved(self, nodes):
        for node in nodes:
            until(node.trusted, "the streams are proved", 20)


class ClusterTest(Case):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(RedisCluster(
            node_timeout_ms=int(os.environ.get("LARDER_NODE_TIMEOUT_MS", 500))))

    def setUp(self):
        self.cluster.agreed()
        self.nodes = self.enterContext(Nodes(store("cluster", self.cluster.servers[:2])))
        self.a, self.b = self.nodes
        coherent(self.nodes)

    def test_keys_are_on_all_masters_and_each_node_gets_what_the_other_set(self):
        for i in range(300):
            self.a.set(f"item:{i}", f"v{i}")
        for i in range(300):
            self.assertEqual(self.b.get(f"item:{i}"), f"v{i}".encode())
        for master in self.cluster.masters():
            self.assertGreater(master("DBSIZE"), 50)
        self.a.drop_tag("all")
        until(lambda: self.b.get("item:1") is None, "dropped", 5)
        self.assertFalse([i for i in range(300) if self.b.get(f"item:{i}") is not None])

    def test_a_hit_in_memory_asks_no_master(self):
        self.a.set("item:1", "x")
        settle(self.nodes, "item:1", *self.cluster.masters())

    def test_a_slot_moves_between_masters_while_two_nodes_serve(self):
        slot = slot_of(VALUE.format(1))
        self.a.set("item:1", "moving")
        settle(self.nodes, "item:1", *self.cluster.masters())
        with Load(self.nodes) as load:
            old = self.cluster.owner(slot)
            to = next(server for server in self.cluster.masters() if server is not old)
            self.cluster.begin_move(slot, to)
            # Half moved: the key is still here, a new one of the slot would be there.
            self.assertIn(self.b.get("item:1"), (b"moving", None))
            self.a.set("item:1", "between")
            until(lambda: self.b.get("item:1") == b"between", "ASK is followed", 5)
            self.cluster.move_slot(slot, to)
            self.a.set("item:1", "moved")
            until(lambda: self.b.get("item:1") == b"moved", "MOVED is followed", 5)
        self.check(load)
        self.a.drop_tag("item:1")
        until(lambda: self.b.get("item:1") is None, "the drop arrives over the new owner", 5)

    def test_a_switch_in_place_is_noticed_and_nothing_is_wrong(self):
        slot = slot_of(VALUE.format(1))
        self.a.set("item:1", "before")
        settle(self.nodes, "item:1", *self.cluster.masters())
        with Load(self.nodes) as load:
            self.cluster.switch(slot)
            coherent(self.nodes)
        self.check(load)
        self.a.set("item:1", "after")
        until(lambda: self.b.get("item:1") == b"after", "the new master is used", 5)
        settle(self.nodes, "item:1", *self.cluster.masters())

    def test_two_masters_are_killed_one_after_the_other_under_load(self):
        took = []
        for turn in range(times(2)):
            keys = [f"item:{turn}.{i}" for i in range(150)]
            for key in keys:
                self.a.set(key, "before")
            slot = slot_of(VALUE.format(f"{turn}.0"))
            with Load(self.nodes) as load:
                dead = self.cluster.kill_master(slot)
                for key in keys:
                    self.a.drop_tag(key)
                    self.assertIsNone(self.a.get(key), "dropped here at once")
                self.cluster.taken_over(slot, dead)
                took.append(coherent(self.nodes))
            self.check(load)
            for node in self.nodes:
                kept = [key for key in keys if node.get(key) is not None]
                self.assertFalse(kept, "what was dropped while its master was dead stays so")
            dead.start()
            until(lambda: dead.info("replication", "master_link_status") == "up", "it is a replica")
            self.cluster.agreed()
        print(f"{len(took)} kills, {150 * len(took)} drops; coherent after the takeover, slowest: "
              f"{max(took):.2f} s")


class SentinelTest(Case):
    def test_a_master_is_killed_under_load_and_the_next_one_is_used(self):
        with Sentinels() as watch, Nodes(store("sentinel", watch.sentinels,
                                               'sentinel_master = "larder"\n')) as nodes:
            a, b = nodes
            coherent(nodes)
            a.set("item:1", "before")
            settle(nodes, "item:1", watch.master)
            old = watch.master
            with Load(nodes) as load:
                old.kill()
                a.drop_tag("item:1")
                new = watch.switched(old)
                took = coherent(nodes)
            self.check(load)
            print(f"coherent {took:.2f} s after the switch")
            for node in nodes:
                self.assertIsNone(node.get("item:1"))
                self.assertTrue(node.logged(f"127.0.0.1:{new.port}: is the master"))
            a.set("item:1", "after")
            settle(nodes, "item:1", new)

    def test_drops_that_the_replica_never_got_are_gone_after_the_switch(self):
        """300 drops are acknowledged by a master whose replica hears nothing; it takes over; none is lost."""
        with Sentinels() as watch, Nodes(store("sentinel", watch.sentinels,
                                               'sentinel_master = "larder"\n')) as nodes:
            a, b = nodes
            coherent(nodes)
            for i in range(300):
                a.set(f"item:{i}", "old")
                b.get(f"item:{i}")
            old, replica = watch.master, watch.replicas[0]
            old.write("sync", "1", replicas=1)
            # From here on the master refuses its replica, which Sentinels do not see.
            old("ACL", "SETUSER", "default", "-psync", "-sync", "-replconf")
            old("CLIENT", "KILL", "TYPE", "replica")
            until(lambda: replica.info("replication", "master_link_status") == "down", "no replica")
            for i in range(300):
                a.drop_tag(f"item:{i}")
                old("SET", f"mark:{i}", "acknowledged")
            old.kill()
            new = watch.switched(old)
            kept = new("EXISTS", *(f"mark:{i}" for i in range(300)))
            self.assertEqual(kept, 0, "Redis itself has lost what was acknowledged")
            coherent(nodes)
            for node in nodes:
                kept = [i for i in range(300) if node.get(f"item:{i}") is not None]
                self.assertFalse(kept)


class ShardsTest(Case):
    def test_a_dead_shard_stops_its_own_keys_only_and_comes_back(self):
        with contextlib.ExitStack() as stack:
            shards = [stack.enter_context(RedisServer()) for _ in range(3)]
            nodes = stack.enter_context(Nodes(store("servers", shards)))
            a, b = nodes
            coherent(nodes)
            for i in range(90):
                a.set(f"item:{i}", f"{i}")
            self.assertTrue(all(shard("DBSIZE") > 10 for shard in shards))
            with Load(nodes) as load:
                shards[1].kill()
                told = [b.get(f"item:{i}") for i in range(90)]
                self.assertFalse([i for i, value in enumerate(told)
                                  if value not in (f"{i}".encode(), None)])
                shards[1].start()
                coherent(nodes)
            self.check(load)

    def test_a_fourth_server_beside_three_costs_at_most_30_percent_of_the_entries(self):
        with contextlib.ExitStack() as stack:
            shards = [stack.enter_context(RedisServer()) for _ in range(4)]
            with Nodes(store("servers", shards[:3]), count=1) as (node,):
                coherent([node])
                for i in range(500):
                    node.set(f"item:{i}", f"{i}")
            # Records of the namespace are keys like others and may move, too: then all would be
            # misses, so this asks the servers and not a node.
            with Nodes(store("servers", shards), count=1) as (node,):
                coherent([node])
                for i in range(500):
                    node.set(f"item:{i}", f"{i}")
            twice = sum(shard("EXISTS", VALUE.format(i)) for shard in shards
                        for i in range(500)) - 500
            print(f"{twice} of 500 moved")
            self.assertLessEqual(twice, 150)
            self.assertGreaterEqual(twice, 75)


class AclTest(Case):
    REFUSED = (["PUBLISH", "__redis__:invalidate", "x"], ["KEYS", "*"], ["FLUSHALL"], ["FLUSHDB"],
               ["SWAPDB", 0, 1], ["CONFIG", "GET", "*"], ["MONITOR"], ["CLIENT", "KILL", "TYPE", "normal"],
               ["SHUTDOWN"], ["ACL", "LIST"], ["GET", "foreign"], ["SET", "foreign", "x"],
               ["EVAL", "return redis.call('GET', 'foreign')", 0], ["SUBSCRIBE", "news"],
               ["CLUSTER", "RESET"], ["DEBUG", "SLEEP", 0], ["REPLICAOF", "NO", "ONE"])

    def allow(self, servers):
        document = (SOURCE / "docs/reliability.md").read_text(encoding="utf-8")
        words = re.search(r"^user larder (on .*)$", document, re.MULTILINE)[1].split()
        for server in servers:
            server("ACL", "SETUSER", "larder", *words)

    def judge(self, servers, nodes):
        a, b = nodes
        self.proved(nodes)
        coherent(nodes)
        a.set("item:1", "x")
        settle(nodes, "item:1", *servers)
        a.drop_tag("all")
        until(lambda: b.get("item:1") is None, "dropped", 5)
        for node in nodes:
            self.assertFalse(node.logged("NOPERM"), "".join(node.server.log))
        for words in self.REFUSED:
            with servers[0].talk() as talk:
                talk("AUTH", "larder", "PASSWORD")
                with self.assertRaises(Refused, msg=words):
                    talk(*words)

    def test_the_acl_of_the_document_is_enough_for_one_server_and_for_a_cluster_and_no_more(self):
        redis = self.enterContext(RedisServer("--enable-debug-command", "yes"))
        redis("SET", "foreign", "secret")
        self.allow([redis])
        one = f'[store.l2]\nplugin = "redis"\nurl = "redis://larder:PASSWORD@127.0.0.1:{redis.port}"\n{TIMES}'
        with Nodes(one) as nodes:
            self.judge([redis], nodes)
        cluster = self.enterContext(RedisCluster(replicas=0))
        self.allow(cluster.servers)
        listed = ",".join(f"127.0.0.1:{server.port}" for server in cluster.servers)
        many = f'[store.l2]\nplugin = "redis"\nurl = "redis+cluster://larder:PASSWORD@{listed}"\n{TIMES}'
        with Nodes(many) as nodes:
            self.judge(cluster.servers, nodes)


class Configurations(Case):
    """conf/redis*.toml as they ship; only addresses and the password come from the environment."""

    def two(self, name, **environment):
        made = [self.enterContext(Environment(name, **environment)) for _ in range(2)]
        for one in made:
            self.assertTrue(one.port, "".join(one.lines))
        nodes = []
        for one in made:
            one.log = one.lines
            nodes.append(Node(one))
            self.addCleanup(nodes[-1].talk.close)
        return nodes

    def shared(self, nodes):
        a, b = nodes
        self.proved(nodes)
        until(lambda: a.set("user_stats:all", "x") and b.get("user_stats:all") == b"x",
              "what one sets the other gets", 10)
        a.talk("LARDER", "DROP", "user_stats", "all")
        until(lambda: b.get("user_stats:all") is None, "what one drops the other misses", 5)

    def test_conf_redis_toml_serves_two_nodes_on_one_server(self):
        redis = self.enterContext(RedisServer())
        self.shared(self.two("redis", LARDER_REDIS=f"redis://127.0.0.1:{redis.port}"))

    def tls(self, **environment):
        made = Certificates(self.enterContext(tempfile.TemporaryDirectory(prefix="larder-tls-")))
        redis = self.enterContext(RedisServer(tls=made, password="s3cret-of-redis"))
        chosen = {"LARDER_REDIS": f"rediss://localhost:{redis.port}",
                  "LARDER_REDIS_PASSWORD": "s3cret-of-redis",
                  "LARDER_REDIS_CA": made.certificate("server"), **environment}
        if chosen["LARDER_REDIS_CA"] == "stranger":
            chosen["LARDER_REDIS_CA"] = made.certificate("stranger")
        return self.two("redis_tls", **chosen)

    def test_conf_redis_tls_toml_serves_two_nodes_over_tls(self):
        self.shared(self.tls())

    def test_a_server_whose_certificate_nobody_vouches_for_gets_no_password_and_no_value(self):
        node = self.tls(LARDER_REDIS_CA="stranger")[0]
        until(lambda: node.logged("TLS: self-signed certificate"), "the log says why", 10)
        self.assertEqual(node.set("user_stats:all", "alone"), b"OK")

    def test_conf_redis_sentinel_toml_serves_two_nodes_through_sentinels(self):
        watch = self.enterContext(Sentinels(name="mymaster"))
        listed = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in watch.sentinels)
        self.shared(self.two("redis_sentinel", LARDER_REDIS=f"redis+sentinel://{listed}/mymaster"))

    def test_conf_redis_cluster_toml_serves_two_nodes_on_a_cluster(self):
        cluster = self.enterContext(RedisCluster(replicas=0))
        listed = ",".join(f"127.0.0.1:{server.port}" for server in cluster.servers)
        self.shared(self.two("redis_cluster", LARDER_REDIS=f"redis+cluster://{listed}"))


if __name__ == "__main__":
    unittest.main()
