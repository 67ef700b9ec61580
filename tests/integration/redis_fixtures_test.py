# tests/integration/redis_fixtures_test.py -- the servers the other tests rely on do what their names say.
import os
import socket
import tempfile
import unittest

from certificates import Certificates
from redis_cluster import RedisCluster, slot_of
from redis_sentinel import Replicated, Sentinels
from redis_server import RedisServer, until
from resp_talk import Refused, Talk


class OneServer(unittest.TestCase):
    def test_a_killed_server_comes_back_on_its_port_without_its_data(self):
        with RedisServer() as server:
            server("SET", "k", "v")
            first = server.pid
            server.kill()
            with self.assertRaises(OSError):
                server("PING")
            server.start()
            self.assertNotEqual(server.pid, first)
            self.assertIsNone(server("GET", "k"))

    def test_a_frozen_server_accepts_and_does_not_answer_until_it_is_thawed(self):
        with RedisServer() as server:
            server.freeze()
            with server.talk(seconds=0.2) as talk:
                talk.send("PING")
                with self.assertRaises(socket.timeout):
                    talk.receive()
            server.thaw()
            self.assertEqual(server("PING"), b"PONG")

    def test_a_frozen_server_can_be_stopped(self):
        with RedisServer() as server:
            server.freeze()
        self.assertIsNotNone(server.process.poll())
        self.assertFalse(os.path.exists(server.folder))

    def test_a_unix_socket_is_open_beside_the_port(self):
        with RedisServer(unix=True) as server, Talk(server.unix) as talk:
            talk("SET", "k", "v")
            self.assertEqual(server("GET", "k"), b"v")

    def test_a_server_with_tls_answers_nobody_in_clear(self):
        with tempfile.TemporaryDirectory(prefix="larder-tls-") as folder:
            with RedisServer(tls=Certificates(folder)) as server:
                self.assertEqual(server("PING"), b"PONG")
                with Talk(server.address) as clear, self.assertRaises((OSError, EOFError)):
                    clear("PING")

    def test_a_password_is_asked_for(self):
        with RedisServer(password="secret") as server:
            self.assertEqual(server("PING"), b"PONG")
            with Talk(server.address) as stranger, self.assertRaises(Refused):
                stranger("PING")

    def test_an_option_that_redis_refuses_fails_with_its_words(self):
        with self.assertRaisesRegex(AssertionError, "Bad directive"):
            RedisServer("--no-such-option", "1").__enter__()


class Several(unittest.TestCase):
    def test_what_the_master_took_the_replica_has(self):
        with Replicated(replicas=2) as servers:
            servers.master.write("k", "v", replicas=2)
            for replica in servers.replicas:
                self.assertEqual(replica("GET", "k"), b"v")

    def test_three_sentinels_replace_a_dead_master(self):
        with Sentinels() as watch:
            old = watch.master
            old.write("k", "v", replicas=1)
            old.kill()
            new = watch.switched(old)
            self.assertIsNot(new, old)
            self.assertEqual(new("GET", "k"), b"v")


class Cluster(unittest.TestCase):
    def test_slots_are_counted_as_redis_counts_them(self):
        with RedisServer("--cluster-enabled", "yes") as server:
            for key in ("", "a", "123456789", "{a}b", "x{a}{b}", "{}a", "{a", "larder:v:{menu.item:7}"):
                self.assertEqual(slot_of(key), server("CLUSTER", "KEYSLOT", key), key)

    def test_a_cluster_serves_every_slot_replaces_a_dead_master_and_moves_a_slot(self):
        with RedisCluster(node_timeout_ms=500) as cluster:
            slot = slot_of("k")
            owner = cluster.owner(slot)
            owner.write("k", "v", replicas=1)
            cluster.kill_master(slot)
            new = cluster.taken_over(slot, owner)
            self.assertEqual(new("GET", "k"), b"v")
            other = next(server for server in cluster.masters() if server is not new)
            with self.assertRaisesRegex(Refused, "MOVED"):
                other("GET", "k")
            cluster.move_slot(slot, other)
            self.assertEqual(other("GET", "k"), b"v")
            with self.assertRaisesRegex(Refused, "MOVED"):
                new("GET", "k")
            owner.start()
            until(lambda: owner.info("replication", "role") == "slave", "the dead one comes back a replica")
            self.assertIs(cluster.switch(slot_of("k")).process.poll(), None)


if __name__ == "__main__":
    unittest.main()
