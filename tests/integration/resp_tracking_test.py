# tests/integration/resp_tracking_test.py -- messages, client side caching and transactions between clients of the real kernel.
import socket
import threading
import unittest

from larder_server import LarderServer

POLICY = """\
namespace user_details {
    key "{user_id}"
    ttl 10m
    tag "user:{user_id}"
}
namespace menu {
    key "{id}"
    ttl 1h
}
on PUT "/v1.0/user/update/{user_id}" {
    drop user_details "{user_id}"
}
"""


class Client:
    """Speaks RESP, and shows what comes as Python values: a push is a tuple."""

    def __init__(self, test, port, protocol=3):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        test.addCleanup(self._socket.close)
        self._in = self._socket.makefile("rb")
        test.addCleanup(self._in.close)
        if protocol == 3:
            self.ask("HELLO", "3")

    def send(self, *words):
        parts = [f"*{len(words)}\r\n".encode()]
        for word in words:
            word = str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self._socket.sendall(b"".join(parts))

    def ask(self, *words):
        self.send(*words)
        return self.read()

    def read(self):
        line = self._in.readline().rstrip(b"\r\n").decode()
        kind, rest = line[:1], line[1:]
        if kind in ("+", "-"):
            return line if kind == "-" else rest
        if kind == ":":
            return int(rest)
        if kind == "_" or rest == "-1":
            return None
        if kind in ("$", "="):
            return self._in.read(int(rest) + 2)[:-2].decode()
        if kind == "%":
            return {self.read(): self.read() for _ in range(int(rest))}
        items = [self.read() for _ in range(int(rest))]
        return tuple(items) if kind == ">" else items


class RespTrackingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = LarderServer(POLICY, gateway='role = "admin"\nthreads = 2')
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.stop)

    def client(self, protocol=3):
        return Client(self, self.server.port, protocol)

    def tracking(self, *options):
        client = self.client()
        self.assertEqual(client.ask("CLIENT", "TRACKING", "ON", *options), "OK")
        return client

    def test_a_command_of_another_client_invalidates_what_was_read(self):
        reader, writer = self.tracking(), self.client()
        writer.ask("SET", "menu:1", "a")
        self.assertEqual(reader.ask("GET", "menu:1"), "a")
        writer.ask("SET", "menu:1", "b")
        self.assertEqual(reader.read(), ("invalidate", ["menu:1"]))

    def test_a_route_rule_invalidates_what_it_drops_and_nothing_else(self):
        reader, host = self.tracking(), self.client()
        host.ask("SET", "user_details:42", "x")
        host.ask("SET", "user_details:43", "y")
        reader.ask("MGET", "user_details:42", "user_details:43")
        host.ask("LARDER", "ROUTE", "PUT", "/v1.0/user/update/42", "200")
        self.assertEqual(reader.read(), ("invalidate", ["user_details:42"]))
        host.ask("SET", "user_details:43", "z")
        self.assertEqual(reader.read(), ("invalidate", ["user_details:43"]))

    def test_dropping_a_tag_or_a_namespace_invalidates_what_was_read(self):
        for drop in (("TAG", "user:7"), ("user_details",)):
            with self.subTest(drop=drop):
                reader, host = self.tracking(), self.client()
                host.ask("SET", "user_details:7", "x")
                self.assertEqual(reader.ask("GET", "user_details:7"), "x")
                host.ask("LARDER", "DROP", *drop)
                self.assertEqual(reader.read(), ("invalidate", ["user_details:7"]))

    def test_a_client_that_asked_for_broadcasts_is_told_to_forget_all_when_a_rule_drops(self):
        reader, host = self.tracking("BCAST", "PREFIX", "user_details:"), self.client()
        host.ask("LARDER", "ROUTE", "PUT", "/v1.0/user/update/42", "200")
        self.assertEqual(reader.read(), ("invalidate", None))

    def test_an_entry_whose_time_is_over_is_told(self):
        reader, writer = self.tracking(), self.client()
        writer.ask("SET", "menu:short", "x", "PX", "30")
        reader.ask("GET", "menu:short")
        self.assertEqual(reader.read(), ("invalidate", ["menu:short"]))

    def test_a_message_reaches_every_listener_of_both_threads_and_both_dialects(self):
        listeners = [self.client(2 + i % 2) for i in range(6)]
        for listener in listeners:
            self.assertEqual(list(listener.ask("SUBSCRIBE", "news")), ["subscribe", "news", 1])
        self.assertEqual(self.client().ask("PUBLISH", "news", "hello"), 6)
        for listener in listeners:
            self.assertEqual(list(listener.read()), ["message", "news", "hello"])

    def test_a_transaction_is_one_step_for_clients_of_both_threads(self):
        rounds = 300
        other = self.client()
        other.ask("MSET", "menu:a", "0", "menu:b", "0")

        def write():
            for i in range(1, rounds + 1):
                for words in (("MULTI",), ("SET", "menu:a", i), ("SET", "menu:b", i), ("EXEC",)):
                    other.send(*words)
                for _ in range(4):
                    other.read()

        writer = threading.Thread(target=write)
        writer.start()
        readers = [self.client() for _ in range(2)]
        seen = []
        while writer.is_alive():
            for reader in readers:
                reader.ask("MULTI")
                reader.ask("GET", "menu:a")
                reader.ask("GET", "menu:b")
                seen.append(reader.ask("EXEC"))
        writer.join()
        self.assertEqual([pair for pair in seen if pair[0] != pair[1]], [])
        self.assertEqual(readers[0].ask("MGET", "menu:a", "menu:b"), [str(rounds)] * 2)

    def test_a_watched_key_that_another_client_touches_breaks_the_transaction(self):
        for touch in (("SET", "menu:w", "2"), ("EXPIRE", "menu:w", "100"), ("DEL", "menu:w"),
                      ("LARDER", "DROP", "menu")):
            with self.subTest(touch=touch):
                one, other = self.client(), self.client()
                one.ask("SET", "menu:w", "1")
                one.ask("WATCH", "menu:w")
                other.ask(*touch)
                one.ask("MULTI")
                one.ask("PING")
                self.assertIsNone(one.ask("EXEC"))

    def test_monitor_shows_requests_of_all_clients_and_no_password(self):
        follower, other = self.client(), self.client()
        self.assertEqual(follower.ask("MONITOR"), "OK")
        other.ask("SET", "menu:m", 'a"b')
        other.ask("AUTH", "somebody", "secret")
        self.assertRegex(follower.read(), r'^\d+\.\d+ \[0 127.0.0.1:\d+\] "SET" "menu:m" "a\\"b"$')
        self.assertRegex(follower.read(), r'"AUTH" "\(redacted\)" "\(redacted\)"$')


if __name__ == "__main__":
    unittest.main()
