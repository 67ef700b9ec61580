# tests/integration/resp_tls_test.py -- TLS clients: redis-py, redis-cli and bare sockets, good and bad ones.
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

try:
    import redis
except ImportError:
    redis = None

from certificates import Certificates
from larder_server import LarderServer

POLICY = 'namespace legacy { key "{rest...}" }\n'


class Gateway(Certificates):
    """The same with the gateway's own options."""

    def conf(self, more=""):
        return (f'namespace = "legacy"\ntls_certificate = "{self.certificate("server")}"\n'
                f'tls_key = {{ file = "{self.key("server")}" }}\n{more}')


class RespTlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if redis is None:
            raise unittest.SkipTest("python3-redis is not here")
        if shutil.which("openssl") is None:
            raise unittest.SkipTest("openssl is not here")
        folder = tempfile.TemporaryDirectory(prefix="larder-tls-")
        cls.addClassCleanup(folder.cleanup)
        cls.made = Gateway(folder.name)

    def serve(self, more=""):
        server = LarderServer(POLICY, gateway=self.made.conf(more), listen="tls:127.0.0.1:0")
        server.__enter__()
        self.addCleanup(server.stop)
        return server

    def client(self, server, name=None):
        more = {} if name is None else {"ssl_certfile": self.made.certificate(name),
                                        "ssl_keyfile": self.made.key(name)}
        client = redis.Redis(host="127.0.0.1", port=server.port, ssl=True,
                             ssl_ca_certs=self.made.certificate("server"), **more)
        self.addCleanup(client.close)
        return client

    def context(self):
        context = ssl.create_default_context(cafile=self.made.certificate("server"))
        context.check_hostname = False
        return context

    def test_values_of_all_sizes_come_back_over_tls(self):
        client = self.client(self.serve())
        for size in (0, 1, 100, 16_000, 20_000, 70_000, 3_000_000):
            client.set(f"k{size}", b"v" * size)
            self.assertEqual(client.get(f"k{size}"), b"v" * size)
        with client.pipeline(transaction=False) as pipe:
            for i in range(5000):
                pipe.set(f"p{i}", f"v{i}" * 10)
            for i in range(5000):
                pipe.get(f"p{i}")
            self.assertEqual(pipe.execute()[5000:], [f"v{i}".encode() * 10 for i in range(5000)])
        self.assertEqual(len(client.mget(["k3000000"] * 10)[9]), 3_000_000)

    def test_redis_cli_speaks_to_it(self):
        if shutil.which("redis-cli") is None:
            self.skipTest("redis-cli is not here")
        server = self.serve()
        ran = subprocess.run(["redis-cli", "--tls", "--cacert", self.made.certificate("server"), "-h",
                              "localhost", "-p", str(server.port), "SET", "a", "1"],
                             capture_output=True, text=True, timeout=30)
        self.assertEqual((ran.stdout, ran.stderr), ("OK\n", ""))

    def test_a_client_that_closes_its_side_gets_its_answers(self):
        server = self.serve()
        with socket.create_connection(("127.0.0.1", server.port), 20) as plain:
            with self.context().wrap_socket(plain) as tls:
                tls.sendall(b"PING\r\nPING\r\nQUIT\r\n")
                said = b""
                while part := tls.recv(4096):
                    said += part
        self.assertEqual(said, b"+PONG\r\n+PONG\r\n+OK\r\n")

    def test_versions_below_1_2_are_refused(self):
        server = self.serve()
        context = self.context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", server.port), 20) as plain:
            with context.wrap_socket(plain) as tls:
                self.assertIn(tls.version(), ("TLSv1.2", "TLSv1.3"))
        old = self.context()
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", server.port), 20) as plain:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                old.wrap_socket(plain)

    def test_who_speaks_no_tls_is_closed_and_others_do_not_notice(self):
        server = self.serve()
        client = self.client(server)
        for garbage in (b"PING\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 70_000):
            with socket.create_connection(("127.0.0.1", server.port), 20) as plain:
                plain.sendall(garbage)
                try:
                    while plain.recv(4096):
                        pass
                except ConnectionError:
                    pass
            self.assertTrue(client.ping())

    def test_half_a_handshake_is_closed_after_the_timeout(self):
        server = self.serve('timeout = "300ms"\n')
        with socket.create_connection(("127.0.0.1", server.port), 20) as plain:
            plain.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
            try:
                self.assertEqual(plain.recv(1), b"")
            except ConnectionError:
                pass

    def test_where_clients_need_a_certificate_one_without_gets_nothing(self):
        server = self.serve(f'tls_client_ca = "{self.made.certificate("client")}"\n')
        self.assertTrue(self.client(server, "client").ping())
        for name in (None, "stranger"):
            with self.assertRaises((redis.ConnectionError, ssl.SSLError, ConnectionError)):
                self.client(server, name).ping()

    def test_a_start_that_cannot_serve_tls_says_why(self):
        for more, said in ((f'tls_key = {{ file = "{self.made.key("client")}" }}\n', "tls_key"),
                           ("", "tls_certificate")):
            conf = 'namespace = "legacy"\n'
            if more:
                conf += f'tls_certificate = "{self.made.certificate("server")}"\n{more}'
            with self.assertRaises(AssertionError) as refused:
                LarderServer(POLICY, gateway=conf, listen="tls:127.0.0.1:0").__enter__()
            self.assertIn(said, str(refused.exception))


if __name__ == "__main__":
    unittest.main()
