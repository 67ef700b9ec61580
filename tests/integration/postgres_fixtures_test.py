# tests/integration/postgres_fixtures_test.py -- the Postgres that other tests rely on does what its names say.
import os
import subprocess
import unittest

from postgres_server import PostgresServer


class OneServer(unittest.TestCase):
    def test_a_killed_postgres_comes_back_on_its_port_with_what_was_committed(self):
        with PostgresServer() as server:
            server("CREATE TABLE t (a int); INSERT INTO t VALUES (7)")
            first, port = server.pid, server.port
            server.restart()
            self.assertNotEqual(server.pid, first)
            self.assertEqual(server.port, port)
            self.assertEqual(server("SELECT a FROM t"), "7")

    def test_a_frozen_postgres_answers_when_it_is_thawed_and_can_be_stopped_before(self):
        with PostgresServer() as server:
            server.freeze()
            self.assertFalse(server._ready())
            server.thaw()
            self.assertEqual(server("SELECT 1"), "1")
            server.freeze()
        self.assertIsNotNone(server.process.poll())
        self.assertFalse(os.path.exists(server.folder))

    def test_over_tcp_the_password_is_asked_for(self):
        with PostgresServer(password="half ' quoted") as server:
            def asks(password):
                return subprocess.run([server._bin / "psql", "-X", "-t", "-w", "-c", "SELECT 1", server.url(tcp=True)],
                                      env={**os.environ, "PGPASSWORD": password}, capture_output=True).returncode
            self.assertEqual(asks("half ' quoted"), 0)
            self.assertNotEqual(asks("wrong"), 0)

    def test_a_failed_statement_is_told_and_ends_the_script(self):
        with PostgresServer() as server:
            with self.assertRaisesRegex(AssertionError, "nowhere"):
                server("CREATE TABLE a (x int); SELECT * FROM nowhere; CREATE TABLE b (x int)")
            self.assertEqual(server("SELECT count(*) FROM pg_tables WHERE tablename IN ('a', 'b')"), "1")


if __name__ == "__main__":
    unittest.main()
