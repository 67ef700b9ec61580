# tests/integration/sql_source_test.py -- values come from a Postgres and go to it, through RESP and through the program;
# the server is killed in the middle, and so is the kernel.
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

from larder_server import LarderServer, find
from postgres_server import PostgresServer
from redis_server import RedisServer, until
from resp_talk import Refused, Talk

POLICY = """larder 1
namespace stock {
  key "{sku}:{place...}"
  ttl 10m
  absent 30s
  source db "SELECT quantity FROM stock WHERE sku = {sku} AND place = {place}"
  write through "INSERT INTO stock VALUES ({sku}, {place}, {value}) ON CONFLICT (sku, place) DO UPDATE SET quantity = {value}" remove "DELETE FROM stock WHERE sku = {sku} AND place = {place}"
}
namespace doc {
  key "{id}"
  ttl 10m
  source db "SELECT body FROM doc WHERE id = {id}"
  write behind 50ms "INSERT INTO doc VALUES ({id}, {value}) ON CONFLICT (id) DO UPDATE SET body = {value}" remove "DELETE FROM doc WHERE id = {id}"
}
namespace wide { key "{id}"; ttl 1m; source db "SELECT sku, place FROM stock WHERE sku = {id}" }
namespace wrong { key "{id}"; ttl 1m; source db "SELECT nothing FROM nowhere WHERE id = {id}" }
"""

TABLES = """CREATE TABLE stock (sku text, place text, quantity int NOT NULL CHECK (quantity >= 0), PRIMARY KEY (sku, place));
CREATE TABLE doc (id text PRIMARY KEY, body bytea);"""


class Source(unittest.TestCase):
    def setUp(self):
        self.postgres = self.enterContext(PostgresServer())
        self.postgres(TABLES)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-sql-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def start(self):
        server = LarderServer(
            POLICY, conf=f'[journal]\nfile = "{self.folder}/journal"\n[source.db]\nplugin = "sql"\n'
                         f'url = "{self.postgres.url()}"\ntimeout = "1s"\n')
        self.enterContext(server)
        self.server = server
        self.talk = Talk(("127.0.0.1", server.port))
        self.addCleanup(self.talk.close)
        return server

    def refused(self, *words):
        with self.assertRaises(Refused) as caught:
            self.talk(*words)
        return str(caught.exception)

    def docs(self):
        return int(self.postgres("SELECT count(*) FROM doc"))


class Reading(Source):
    def test_a_miss_is_a_select_with_the_key_as_parameters_whatever_it_holds(self):
        self.start()
        keys = ["plain", "o'brien", "'; DROP TABLE stock; --", "$1", "{sku}", "a%41", "ünïcode \\ \" %s"]
        for number, key in enumerate(keys):
            quoted = key.replace("'", "''")
            self.postgres(f"INSERT INTO stock VALUES ('A', '{quoted}', {number})")
        for number, key in enumerate(keys):
            self.assertEqual(self.talk("GET", f"stock:A:{key}"), str(number).encode(), key)
        self.assertEqual(self.talk("MGET", "stock:A:plain", "stock:A:none"), [b"0", None])
        self.assertEqual(self.postgres("SELECT count(*) FROM stock"), str(len(keys)))

    def test_a_hit_asks_the_source_nothing_and_a_drop_asks_it_again(self):
        self.start()
        self.postgres("INSERT INTO stock VALUES ('A', 'b', 1)")
        self.assertEqual(self.talk("GET", "stock:A:b"), b"1")
        self.postgres("UPDATE stock SET quantity = 2")
        self.assertEqual(self.talk("GET", "stock:A:b"), b"1")
        self.talk("LARDER", "DROP", "stock")
        self.assertEqual(self.talk("GET", "stock:A:b"), b"2")

    def test_what_is_not_there_is_known_to_be_absent(self):
        self.start()
        self.assertIsNone(self.talk("GET", "stock:A:b"))
        self.postgres("INSERT INTO stock VALUES ('A', 'b', 1)")
        self.assertIsNone(self.talk("GET", "stock:A:b"))

    def test_bytes_come_as_they_are(self):
        self.start()
        self.postgres(r"INSERT INTO doc VALUES ('x', '\x00ff0a7b7d'::bytea), ('empty', ''::bytea), ('null', NULL)")
        self.assertEqual(self.talk("GET", "doc:x"), b"\x00\xff\x0a\x7b\x7d")
        self.assertEqual(self.talk("GET", "doc:empty"), b"")
        self.assertIsNone(self.talk("GET", "doc:null"))

    def test_a_statement_that_is_wrong_or_finds_no_value_is_an_error_and_a_line_of_the_log(self):
        self.start()
        self.postgres("INSERT INTO stock VALUES ('A', 'b', 1)")
        self.refused("GET", "wide:A")
        self.refused("GET", "wrong:A")
        until(lambda: any("one column" in line for line in self.server.log) and
              any("nowhere" in line for line in self.server.log), "the log says why")

    def test_the_program_and_redis_clients_read_and_write_the_same(self):
        self.start()
        larder = [find("larder")]
        socket = ["--socket", str(self.server.folder / "admin.sock")]
        put = subprocess.run(larder + ["put", *socket, "stock", "A:b", "7"], capture_output=True, text=True, timeout=20)
        self.assertEqual(put.returncode, 0, put.stderr)
        self.assertEqual(self.postgres("SELECT quantity FROM stock"), "7")
        self.talk("LARDER", "DROP", "stock")
        got = subprocess.run(larder + ["get", *socket, "stock", "A:b"], capture_output=True, text=True, timeout=20)
        self.assertEqual(got.stdout, "7")

    def test_many_clients_that_miss_one_key_are_one_select(self):
        self.start()
        self.postgres("CREATE SEQUENCE asked; CREATE FUNCTION slow() RETURNS int LANGUAGE sql AS "
                      "'SELECT nextval(''asked'')::int FROM pg_sleep(0.2)'; "
                      "CREATE VIEW lazy AS SELECT 'A'::text AS sku, slow() AS quantity")
        self.postgres("ALTER TABLE stock RENAME TO hidden; CREATE VIEW stock AS "
                      "SELECT sku, 'b'::text AS place, quantity FROM lazy")
        answers = []

        def ask():
            talk = Talk(("127.0.0.1", self.server.port))
            answers.append(talk("GET", "stock:A:b"))
            talk.close()
        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(set(answers), {b"1"})


class Through(Source):
    def test_what_is_set_is_in_the_table_before_the_answer_and_what_is_deleted_is_not(self):
        self.start()
        self.assertEqual(self.talk("SET", "stock:A:b", "5"), b"OK")
        self.assertEqual(self.postgres("SELECT quantity FROM stock"), "5")
        self.assertEqual(self.talk("INCRBY", "stock:A:b", "3"), 8)
        self.assertEqual(self.postgres("SELECT quantity FROM stock"), "8")
        self.assertEqual(self.talk("DEL", "stock:A:b"), 1)
        self.assertEqual(self.postgres("SELECT count(*) FROM stock"), "0")
        self.assertIsNone(self.talk("GET", "stock:A:b"))
        self.assertEqual(self.talk("DEL", "stock:A:b"), 0)

    def test_conditions_are_judged_by_the_table(self):
        self.start()
        self.postgres("INSERT INTO stock VALUES ('A', 'b', 1)")
        self.assertIsNone(self.talk("SET", "stock:A:b", "2", "NX"))
        self.assertEqual(self.talk("SET", "stock:A:c", "2", "NX"), b"OK")
        self.assertEqual(self.talk("SET", "stock:A:b", "3", "XX", "GET"), b"1")
        self.assertEqual(self.postgres("SELECT string_agg(quantity::text, ' ' ORDER BY place) FROM stock"), "3 2")

    def test_a_value_that_the_table_refuses_changes_neither_table_nor_cache(self):
        self.start()
        self.talk("SET", "stock:A:b", "5")
        for value in ("-1", "many", "5\x00"):
            self.refused("SET", "stock:A:b", value)
            self.assertEqual(self.talk("GET", "stock:A:b"), b"5")
        self.assertEqual(self.postgres("SELECT quantity FROM stock"), "5")

    def test_a_server_that_is_killed_fails_writes_and_leaves_the_cache_and_is_found_again(self):
        self.start()
        self.talk("SET", "stock:A:b", "5")
        self.postgres.kill()
        self.refused("SET", "stock:A:b", "6")
        self.refused("SET", "stock:A:b", "7")
        self.assertIn(self.talk("GET", "stock:A:b") if self.cached() else b"5", (b"5",))
        self.postgres.start()
        until(lambda: self.sets("8"), "it writes again", 20)
        self.assertEqual(self.postgres("SELECT quantity FROM stock"), "8")
        self.assertEqual(self.talk("GET", "stock:A:b"), b"8")

    def cached(self):
        return self.talk("EXISTS", "stock:A:b") == 1

    def sets(self, value):
        try:
            return self.talk("SET", "stock:A:b", value) == b"OK"
        except Refused:
            return False


class Behind(Source):
    def test_what_is_set_is_read_at_once_and_in_the_table_a_little_later(self):
        self.start()
        value = bytes(range(256))
        self.assertEqual(self.talk("SET", "doc:1", value), b"OK")
        self.assertEqual(self.talk("GET", "doc:1"), value)
        until(lambda: self.docs() == 1, "the table has it")
        self.assertEqual(self.postgres("SELECT encode(body, 'hex') FROM doc"), value.hex())
        self.talk("DEL", "doc:1")
        self.assertIsNone(self.talk("GET", "doc:1"))
        until(lambda: self.docs() == 0, "the table has it no more")

    def test_a_server_that_is_killed_and_restarted_in_the_middle_gets_every_write_in_order(self):
        self.start()
        for number in range(300):
            if number == 100:
                self.postgres.kill()
            if number == 200:
                self.postgres.start()
            self.assertEqual(self.talk("SET", f"doc:{number % 150}", str(number)), b"OK")
        until(lambda: self.docs() == 150 and self.postgres(
            "SELECT count(*) FROM doc WHERE convert_from(body, 'UTF8')::int = id::int + 150") == "150",
            "the newest of each is there", 30)

    def test_a_kernel_that_is_killed_leaves_what_it_answered_to_the_next(self):
        first = self.start()
        self.postgres.kill()
        for number in range(100):
            self.assertEqual(self.talk("SET", f"doc:{number}", f"v{number}"), b"OK")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        second = self.start()
        self.assertEqual(self.talk("GET", "doc:42"), b"v42")  # from the journal: the server is away
        self.assertTrue(any("writes of before" in line for line in second.log), second.log)
        self.postgres.start()
        until(lambda: self.docs() == 100, "the table has all of it", 30)

    def test_a_kernel_that_is_stopped_brings_what_waits_before_it_ends(self):
        server = self.start()
        for number in range(20):
            self.talk("SET", f"doc:{number}", "x")
        server.stop()
        self.assertEqual(self.docs(), 20)


class AboveRedis(Source):
    """Two kernels, one Redis above one Postgres."""

    def setUp(self):
        super().setUp()
        self.redis = self.enterContext(RedisServer())
        self.nodes = []
        for number in range(2):
            server = self.enterContext(LarderServer(
                POLICY, conf=f'[store.redis]\nplugin = "redis"\nport = {self.redis.port}\n'
                             f'[journal]\nfile = "{self.folder}/journal{number}"\n'
                             f'[source.db]\nplugin = "sql"\nurl = "{self.postgres.url()}"\n'))
            self.nodes.append(self.enterContext(Talk(("127.0.0.1", server.port))))

    def test_what_one_writes_the_other_reads_and_neither_reads_what_was_before(self):
        a, b = self.nodes
        for turn in range(30):
            writer, reader = (a, b) if turn % 2 else (b, a)
            self.assertEqual(writer("SET", "stock:A:b", str(turn)), b"OK")
            until(lambda: reader("GET", "stock:A:b") == str(turn).encode(), "the other one reads it", 5)
            self.assertEqual(writer("GET", "stock:A:b"), str(turn).encode())
        self.assertEqual(self.postgres("SELECT quantity FROM stock"), "29")
        self.assertEqual(a("DEL", "stock:A:b"), 1)
        until(lambda: b("GET", "stock:A:b") is None, "it is gone at the other one")

    def test_what_is_written_behind_is_read_at_the_other_one_before_the_table_has_it(self):
        a, b = self.nodes
        self.postgres.freeze()
        self.assertEqual(a("SET", "doc:1", "new"), b"OK")
        self.assertEqual(b("GET", "doc:1"), b"new")
        self.postgres.thaw()
        until(lambda: self.docs() == 1, "the table has it", 20)


class Refusals(Source):
    def test_a_policy_that_writes_behind_without_a_journal_does_not_start(self):
        with self.assertRaises(AssertionError) as caught:
            with LarderServer(POLICY, conf=f'[source.db]\nplugin = "sql"\nurl = "{self.postgres.url()}"\n'):
                pass
        self.assertIn("error[L0347]: `doc` is written behind", str(caught.exception))

    def test_a_policy_that_writes_to_a_source_that_is_not_there_does_not_start(self):
        with self.assertRaises(AssertionError) as caught:
            with LarderServer(POLICY, conf=f'[journal]\nfile = "{self.folder}/journal"\n'):
                pass
        self.assertIn("[source.db]", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
