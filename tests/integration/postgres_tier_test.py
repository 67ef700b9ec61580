# tests/integration/postgres_tier_test.py -- kernels above one Postgres: one cache while it is there, while it is not, and
# when it is back; and as the far tier behind memory and a nearer store.
import threading
import time
import unittest

from larder_server import LarderServer
from postgres_server import PostgresServer
from redis_nodes import Node, Nodes, coherent
from redis_server import until

KEY = r"'\x" + b"larder:v:{item:1}".hex() + "'"


def store_of(server, more="", name="l2"):
    return (f'[store.{name}]\nplugin = "postgres"\nurl = "{server.url()}"\nmax_staleness = "600ms"\n'
            f'connect_timeout = "500ms"\n{more}')


class TwoNodes(unittest.TestCase):
    def setUp(self):
        self.postgres = self.enterContext(PostgresServer())
        self.a, self.b = self.nodes = self.enterContext(Nodes(store_of(self.postgres)))
        until(lambda: self.a.trusted() and self.b.trusted(), "the streams are proved")

    def reads(self):
        """How many rows of entries the server looked up by their key."""
        self.postgres("SELECT pg_stat_force_next_flush()")
        return int(self.postgres("SELECT coalesce(sum(idx_scan), 0) FROM pg_stat_user_indexes WHERE indexrelname = 'larder_entries_pkey'"))

    def test_what_one_node_sets_the_other_gets(self):
        for i in range(100):
            self.assertEqual(self.a.set(f"item:{i}", f"v{i}"), b"OK")
            self.assertEqual(self.b.get(f"item:{i}"), f"v{i}".encode())
        self.assertEqual(self.postgres("SELECT count(*) FROM larder_entries"), "100")
        self.b.talk("DEL", "item:7")
        until(lambda: self.a.get("item:7") is None, "a removed key is gone")

    def test_bytes_of_every_kind_come_back_as_they_went(self):
        value = bytes(range(256)) * 40
        self.a.set("item:\u00e9 %:x", value)
        self.assertEqual(self.b.get("item:\u00e9 %:x"), value)
        self.a.set("item:empty", b"")
        self.assertEqual(self.b.get("item:empty"), b"")
        self.assertEqual(self.b.talk("INCR", "item:n"), 1)
        self.assertEqual(self.a.talk("INCR", "item:n"), 2)
        self.assertEqual(self.a.talk("SET", "item:n", "x", "NX"), None)

    def test_a_hit_in_memory_asks_postgres_nothing(self):
        self.a.set("item:1", "x")
        for _ in range(3):
            self.assertEqual(self.b.get("item:1"), b"x")
        until(lambda: self.quiet(), "a hundred gets ask nothing", 10)

    def quiet(self):
        before = self.reads()
        for _ in range(100):
            self.assertEqual(self.b.get("item:1"), b"x")
        return self.reads() == before

    def test_a_dropped_tag_empties_the_other_nodes_memory_and_the_table(self):
        for turn in range(5):
            for i in range(20):
                self.a.set(f"item:{i}", f"{turn}")
                for node in self.nodes:
                    for _ in range(2):
                        node.get(f"item:{i}")
            self.a.drop_tag("all")
            until(lambda: self.b.get("item:19") is None, "the tag is dropped at the other node", 5)
            for i in range(20):
                self.assertIsNone(self.b.get(f"item:{i}"))
                self.assertIsNone(self.a.get(f"item:{i}"))

    def test_poisoned_bytes_are_misses_and_a_value_of_another_key_is_found_out(self):
        """truncated, flipped, foreign, another key's: misses, counted, replaced by the next set"""
        for what, change in {"cut": "substring(value FROM 1 FOR 40)", "empty": "''",
                             "flipped": "set_byte(value, length(value) - 1, get_byte(value, length(value) - 1) # 1)",
                             "flipped head": "set_byte(value, 20, get_byte(value, 20) # 255)",
                             "foreign": "'no envelope at all, but long enough to be one, one would think, is it not so'"}.items():
            self.a.set("item:1", "ours")
            self.postgres(f"UPDATE larder_entries SET value = {change} WHERE key = {KEY}")
            with Nodes(store_of(self.postgres), count=1) as (fresh,):
                self.assertIsNone(fresh.get("item:1"), what)
                fresh.set("item:1", "again")
                self.assertEqual(fresh.get("item:1"), b"again", what)
        self.a.set("item:1", "of one")
        self.a.set("item:2", "of two")
        self.postgres("UPDATE larder_entries SET value = (SELECT value FROM larder_entries WHERE key = "
                      f"{KEY}) WHERE key <> {KEY}")
        with Nodes(store_of(self.postgres), count=1) as (fresh,):
            self.assertIsNone(fresh.get("item:2"))
            self.assertEqual(fresh.get("item:1"), b"of one")

    def test_of_two_nodes_that_add_at_once_no_addition_is_lost(self):
        def add(node):
            for _ in range(100):
                node.talk("INCR", "other:n")
        threads = [threading.Thread(target=add, args=(node,)) for node in self.nodes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.a.get("other:n"), b"200")

    def test_killed_and_restarted_in_the_middle_nobody_fails_and_nothing_dropped_comes_back(self):
        self.a.set("item:1", "before")
        for node in self.nodes:
            node.get("item:1")
        self.postgres.kill()
        for i in range(50):
            for node in self.nodes:
                self.assertEqual(node.set(f"item:{i}", f"{i}"), b"OK")
                self.assertIn(node.get(f"item:{i}"), (f"{i}".encode(), None))
        self.a.drop_tag("item:1")
        self.assertIsNone(self.a.get("item:1"))
        self.postgres.start()
        took = coherent(self.nodes)
        print(f"coherent {took:.2f} s after Postgres was back")
        self.assertIsNone(self.a.get("item:1"))
        self.assertIsNone(self.b.get("item:1"), "at the other node, too")

    def test_a_frozen_postgres_holds_no_caller_past_its_deadline(self):
        self.a.set("item:1", "x")
        self.postgres.freeze()
        began = time.monotonic()
        self.a.get("item:77")
        self.assertLess(time.monotonic() - began, 8)
        self.postgres.thaw()
        coherent(self.nodes)


class OneNode(unittest.TestCase):
    def setUp(self):
        self.postgres = self.enterContext(PostgresServer())

    def start(self, more="", policy=None):
        node, = self.enterContext(Nodes(store_of(self.postgres, more), count=1, **({"policy": policy} if policy else {})))
        until(node.trusted, "the stream is proved")
        return node

    def test_entries_outlive_the_kernel_and_a_kill_of_postgres(self):
        with Nodes(store_of(self.postgres), count=1) as (node,):
            until(node.trusted, "the stream is proved")
            for i in range(50):
                node.set(f"item:{i}", f"v{i}")
        self.postgres.restart()
        node = self.start()
        for i in range(50):
            self.assertEqual(node.get(f"item:{i}"), f"v{i}".encode())
        self.assertEqual(self.postgres("SELECT count(*) FROM larder_entries"), "50")

    def test_table_and_columns_have_the_names_that_the_configuration_says(self):
        self.postgres('CREATE SCHEMA cache; CREATE TABLE cache."my entries" (k bytea PRIMARY KEY, v bytea NOT NULL, id int8 NOT NULL, '
                      'until int8 NOT NULL, since int8 NOT NULL, n bigserial UNIQUE, note text DEFAULT \'theirs\');'
                      'CREATE TABLE cache.records (key bytea PRIMARY KEY, dropped int8 NOT NULL, expired int8 NOT NULL, expired_at int8 NOT NULL, ends int8 NOT NULL);'
                      'CREATE TABLE cache.leases (key bytea PRIMARY KEY, token int8 NOT NULL, ends int8 NOT NULL)')
        node = self.start('table = "cache.my entries"\nrecords_table = "cache.records"\nleases_table = "cache.leases"\n'
                          'key_column = "k"\nvalue_column = "v"\nversion_column = "id"\nends_column = "until"\n'
                          'written_column = "since"\nplace_column = "n"\ncreate = false\n')
        node.set("item:1", "x")
        self.assertEqual(self.postgres('SELECT convert_from(k, \'UTF8\'), note FROM cache."my entries"'), "larder:v:{item:1}|theirs")
        node.talk("DEL", "item:1")
        self.assertEqual(self.postgres('SELECT count(*) FROM cache."my entries"'), "0")
        self.assertEqual(self.postgres("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'larder%'"), "0")

    def test_clean_up_removes_what_ended_what_is_old_and_what_is_too_many(self):
        """keep, entries, sweep"""
        policy = """larder 1
namespace brief { ttl 1s; key "{id}"; static }
namespace ever { key "{id}"; static }
"""
        node = self.start('sweep = "100ms"\nentries = 30\n', policy)
        for i in range(20):
            node.set(f"brief:{i}", "x")
        for i in range(100):
            node.set(f"ever:{i}", "x")
        until(lambda: int(self.postgres("SELECT count(*) FROM larder_entries")) == 30, "thirty stay", 20)
        self.assertEqual(self.postgres("SELECT count(*) FROM larder_entries WHERE ends <> 0"), "0")
        self.assertEqual(node.get("ever:99"), b"x")
        self.assertEqual(self.postgres("SELECT ends FROM larder_entries LIMIT 1"), "0", "without a ttl it stays")

    def test_a_table_that_is_missing_is_said_and_costs_no_request(self):
        with LarderServer('larder 1\nnamespace item { ttl 5m; key "{id}"; static }\n',
                          store=store_of(self.postgres, "create = false\n")) as server:
            node = Node(server)
            until(lambda: node.set("item:1", "x") == b"OK", "a set is answered")
            until(lambda: node.logged("does not exist"), "the log says what is missing", 10)
            node.talk.close()
