# tests/integration/resp_test.py -- RESP clients against the real kernel: routes, fence, limits, hostile clients.
import socket
import time
import unittest

try:
    import redis
except ImportError:
    redis = None

from larder_server import LarderServer

POLICY = """\
namespace user_details {
    key "{user_id}"
    ttl 10m
}
namespace menu {
    key "{id}"
    ttl 1h
}
namespace legacy {
    key "{rest...}"
}
on PUT "/v1.0/user/update/{user_id}" {
    drop user_details "{user_id}"
}
"""


class RespTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if redis is None:
            raise unittest.SkipTest("python3-redis is not here")
        cls.server = LarderServer(POLICY)
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.client = redis.Redis(port=self.server.port, decode_responses=True)
        self.addCleanup(self.client.close)
        self.client.execute_command("LARDER", "DROP", "user_details")
        self.client.execute_command("LARDER", "DROP", "menu")
        self.client.execute_command("LARDER", "DROP", "legacy")

    def raw(self, data, seconds=10):
        """What comes back for these bytes until the gateway closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=seconds) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            parts = []
            while part := s.recv(65536):
                parts.append(part)
            return b"".join(parts)

    def test_a_route_drops_the_entry_it_names_and_no_other(self):
        self.client.set("user_details:42", "x")
        self.client.set("user_details:7", "y")
        self.client.execute_command("LARDER", "ROUTE", "PUT", "/v1.0/user/update/42", "422")
        self.assertEqual(self.client.get("user_details:42"), "x")
        self.client.execute_command("LARDER", "ROUTE", "PUT", "/v1.0/user/update/42", "200")
        self.assertIsNone(self.client.get("user_details:42"))
        self.assertEqual(self.client.get("user_details:7"), "y")

    def test_the_namespace_gives_the_time_to_live(self):
        self.client.set("user_details:1", "x")
        self.assertTrue(590 <= self.client.ttl("user_details:1") <= 600)
        self.client.set("user_details:1", "x", ex=5)
        self.assertTrue(4 <= self.client.ttl("user_details:1") <= 5)
        self.client.set("legacy:1", "x")
        self.assertEqual(self.client.ttl("legacy:1"), -1)

    def test_a_value_loaded_before_a_drop_is_not_kept(self):
        self.assertIsNone(self.client.get("user_details:9"))
        self.client.execute_command("LARDER", "ROUTE", "PUT", "/v1.0/user/update/9", "200")
        self.client.set("user_details:9", "loaded before")
        self.assertIsNone(self.client.get("user_details:9"))
        self.client.set("user_details:9", "loaded after")
        self.assertEqual(self.client.get("user_details:9"), "loaded after")

    def test_an_unknown_namespace_is_an_error_that_names_a_near_one(self):
        with self.assertRaisesRegex(redis.ResponseError, "did you mean 'menu'"):
            self.client.set("menue:1", "x")

    def test_odd_keys_stay_in_their_namespace_and_come_back(self):
        for key in (b"a\r\nb", b"\0", b"a:b:c", b"*", b"50%", b"{x}", b"k" * 65536):
            with self.subTest(key=key[:10]):
                full = b"legacy:" + key
                try:
                    self.client.set(full, "v")
                except redis.ResponseError as refused:
                    self.assertGreater(len(str(refused)), 10)
                    continue
                self.assertEqual(self.client.get(full), "v")
                self.assertIsNone(self.client.get(b"menu:" + key[:100]))
                self.assertIn(full.decode("latin-1"), redis.Redis(
                    port=self.server.port, decode_responses=True,
                    encoding="latin-1").keys("legacy:*"))
                self.client.delete(full)

    def test_hostile_bytes_end_in_an_error_and_others_go_on(self):
        for data, error in ((b"*1000000000\r\n", b"invalid multibulk length"),
                            (b"*1\r\n$9999999999\r\n", b"invalid bulk length"),
                            (b"\x00\xff\xfe garbage \"\r\n", b"unbalanced quotes")):
            with self.subTest(data=data):
                self.assertIn(error, self.raw(data))
                self.assertTrue(self.client.ping())

    def test_a_million_requests_without_reading_do_not_disturb_others(self):
        self.client.set("menu:1", "v" * 500)
        with socket.create_connection(("127.0.0.1", self.server.port)) as greedy:
            greedy.settimeout(0.2)
            block = b"*2\r\n$3\r\nGET\r\n$6\r\nmenu:1\r\n" * 1000
            try:
                for _ in range(1000):
                    greedy.sendall(block)
            except OSError:
                pass
            began = time.monotonic()
            for _ in range(100):
                self.assertEqual(len(self.client.get("menu:1")), 500)
            self.assertLess(time.monotonic() - began, 5)

    def test_scan_finds_every_key_once_it_stands_still(self):
        keys = {f"menu:{i}" for i in range(1000)}
        with self.client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.set(key, "x")
            pipe.execute()
        self.assertEqual(set(self.client.scan_iter("menu:*", count=100)), keys)
        self.assertEqual(self.client.dbsize(), 1000)

    def test_explain_names_the_rule(self):
        text = self.client.execute_command("LARDER", "EXPLAIN", "PUT", "/v1.0/user/update/42")
        self.assertIn("test.larder:", text)

    def test_roles_come_from_the_configuration(self):
        with LarderServer(POLICY, gateway='password = { env = "RESP_PASSWORD" }\nrole = "read"',
                          environment={"RESP_PASSWORD": "secret"}) as server:
            with self.assertRaises(redis.AuthenticationError):
                redis.Redis(port=server.port).get("menu:1")
            client = redis.Redis(port=server.port, password="secret")
            self.assertIsNone(client.get("menu:1"))
            with self.assertRaises(redis.exceptions.NoPermissionError):
                client.set("menu:1", "x")


if __name__ == "__main__":
    unittest.main()
