# tests/integration/http_robust_test.py -- the HTTP gateway and everything that goes wrong: clients that lie or
# dawdle, applications that hang, lie, break off or are gone, and answers that are stale meanwhile.
import base64
import contextlib
import hashlib
import resource
import socket
import socketserver
import ssl
import tempfile
import threading
import time
import unittest

from certificates import Certificates
from http_gateway import HttpGateway
from http_gateway_test import Application
from http_upstream import Answer, Upstream

POLICY = """\
larder 1
namespace page { key "{path...}"; ttl 5m; static }
namespace short { key "{id}"; ttl 1s; stale 1h while revalidating, 1h on error; static }
namespace soft { key "{id}"; ttl 5m; stale 1h on error; tag "soft" }
on GET "/pages/{path...}" { serve page "{path...}" }
on GET "/short/{id}" { serve short "{id}" }
on GET "/soft/{id}" { serve soft "{id}" }
on write "/soften" { expire tag "soft" }
"""
FAST = 'timeout = "1s"\nupstream_timeout = "1s"\nbreaker_failures = 3\nbreaker_retry = "1s"\nthreads = 1\n'


def until(seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.02)
    return True


class HttpRobustTest(unittest.TestCase):
    def setUp(self):
        self.app = Application()
        self.upstream = Upstream(lambda request: self.app(request))
        self.upstream.__enter__()
        self.addCleanup(self.upstream.__exit__)
        self.gateway = HttpGateway(POLICY, self.upstream, FAST)
        self.gateway.__enter__()
        self.addCleanup(self.gateway.stop)

    def line(self, text):
        return until(5, lambda: any(text in line for line in self.gateway.log))

    # ---- clients

    def test_smuggled_requests_never_reach_the_application(self):
        host = f"Host: 127.0.0.1:{self.gateway.http_port}\r\n"
        inner = f"GET /smuggled HTTP/1.1\r\n{host}\r\n"
        for name, head, body in (
                ("te and cl", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n" + inner),
                ("two lengths", f"Content-Length: 0\r\nContent-Length: {len(inner)}\r\n", inner),
                ("fold", "X: y\r\n Transfer-Encoding: chunked\r\n", inner),
                ("space", f"Content-Length : {len(inner)}\r\n", inner),
                ("coding", "Transfer-Encoding: gzip, chunked\r\n", inner),
                ("chunk size", "Transfer-Encoding: chunked\r\n", "5 5\r\nhello\r\n0\r\n\r\n" + inner),
                ("chunk end", "Transfer-Encoding: chunked\r\n", "5\r\nhelloX\r\n0\r\n\r\n" + inner),
                ("line feed", "X: a\nContent-Length: 3\r\n", inner)):
            with self.subTest(name=name):
                answer = self.gateway.raw(f"POST /x HTTP/1.1\r\n{host}{head}\r\n{body}".encode())
                self.assertRegex(answer, rb"^HTTP/1.1 (400|501) ")
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1)
        self.assertEqual([r for r in self.upstream.seen() if r.target == "/smuggled"], [])
        self.assertTrue(self.line("refuses a request of 127.0.0.1"))

    def test_oversized_heads_get_a_status_that_says_so(self):
        self.assertRegex(self.gateway.raw(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70000), b"^HTTP/1.1 431 ")
        self.assertRegex(self.gateway.raw(b"GET /" + b"a" * 70000), b"^HTTP/1.1 414 ")

    def test_a_request_that_dawdles_is_ended_and_nobody_else_is_slowed(self):
        with socket.create_connection(("127.0.0.1", self.gateway.http_port), timeout=20) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHo")
            self.assertEqual(self.gateway.get("/pages/a").status, 200)
            answer = slow.recv(65536)
        self.assertRegex(answer, b"^HTTP/1.1 408 ")

    def test_a_thousand_idle_connections_do_not_disturb_others(self):
        idle = [socket.create_connection(("127.0.0.1", self.gateway.http_port)) for _ in range(900)]
        try:
            self.gateway.get("/pages/a")
            self.assertEqual(self.gateway.get("/pages/a").cache, "hit")
        finally:
            for one in idle:
                one.close()

    def test_connections_beyond_the_limit_are_told_so(self):
        with HttpGateway(POLICY, self.upstream, "max_connections = 20\n") as small:
            many = [socket.create_connection(("127.0.0.1", small.http_port), timeout=20) for _ in range(20)]
            try:
                self.assertTrue(until(10, lambda: small.raw(b"").startswith(b"HTTP/1.1 503 ")))
            finally:
                for one in many:
                    one.close()

            def served():
                try:
                    return small.raw(b"GET /pages/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
                except ConnectionResetError:  # told so and closed before the request was read
                    return False
            self.assertTrue(until(10, served))

    def test_of_a_hundred_thousand_connections_each_is_held_or_told_so_and_others_go_on(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        held = min(10_000, hard - 1000)
        with HttpGateway(POLICY, self.upstream, f"max_connections = {held}\nidle_timeout = '10m'\ntimeout = '10m'\n") as gateway:
            first = gateway.connect()
            self.addCleanup(first.close)
            served = lambda: gateway.ask("GET", "/pages/a", connection=first).status
            self.assertEqual(served(), 200)
            with contextlib.ExitStack() as holding:
                told = 0
                for i in range(100_000):
                    # Of another address each thousand, or the ports of one end first.
                    one = socket.create_connection(("127.0.0.1", gateway.http_port), 60, (f"127.0.{1 + i // 1000}.1", 0))
                    if i < held - 1:
                        holding.enter_context(one)
                    else:
                        with one:
                            told += one.recv(4096).startswith(b"HTTP/1.1 503 ")
                    if i % 5000 == 0:
                        self.assertEqual(served(), 200)
                self.assertEqual(told, 100_000 - held + 1)
                said = [line for line in gateway.log if "max_connections" in line]
                self.assertTrue(said)
                self.assertLess(len(said), 1000)  # not a line for each
            self.assertTrue(until(20, lambda: gateway.raw(
                b"GET /pages/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")))

    def test_a_client_that_waits_for_100_continue_is_told_to_go_on(self):
        with socket.create_connection(("127.0.0.1", self.gateway.http_port), timeout=20) as client:
            client.sendall(b"PUT /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            self.assertEqual(client.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
            client.sendall(b"hello")
            self.assertRegex(client.recv(65536), b"^HTTP/1.1 200 ")
        self.assertEqual(self.upstream.seen("PUT")[0].body, b"hello")

    def test_http_1_0_clients_get_an_answer_and_an_end(self):
        answer = self.gateway.raw(b"GET /pages/old HTTP/1.0\r\n\r\n")
        self.assertRegex(answer, b"(?s)^HTTP/1.1 200 .*answer")

    def test_purge_is_refused_where_nobody_may(self):
        with HttpGateway(POLICY, self.upstream, "purge = []\n") as closed:
            self.assertEqual(closed.ask("PURGE", "/pages/a").status, 405)

    # ---- applications

    def test_an_application_that_is_gone_is_a_502_and_then_left_alone(self):
        self.upstream.__exit__()
        statuses = [self.gateway.get("/pages/gone").status for _ in range(5)]
        self.assertEqual(statuses, [502, 502, 502, 503, 503])
        self.assertTrue(self.line("alone for a while"))

    def test_an_application_that_hangs_is_a_504_and_others_go_on(self):
        self.app.waits["/pages/hangs"] = never = threading.Event()
        self.addCleanup(never.set)
        reply = []
        thread = threading.Thread(target=lambda: reply.append(self.gateway.get("/pages/hangs")))
        thread.start()
        self.assertEqual(self.gateway.get("/pages/fine").status, 200)
        thread.join(20)
        self.assertEqual(reply[0].status, 504)

    def test_an_answer_that_was_not_whole_is_cut_short_and_not_kept(self):
        broken = {"length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
                  "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nhalf",
                  "no end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"}
        for name, raw in broken.items():
            with self.subTest(name=name):
                self.app = lambda request, raw=raw: Answer(raw=raw, close=True)
                answer = self.gateway.raw(b"GET /pages/half HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertIn(b"half", answer)
                self.assertFalse(answer.endswith(b"0\r\n\r\n"))
        self.app = Application()
        self.assertTrue(until(5, lambda: self.gateway.get("/pages/half").status == 200))
        self.assertTrue(self.line("was cut short"))

    def test_an_answer_that_lies_about_itself_is_a_502(self):
        for raw in (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
                    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
                    b"nonsense\r\n\r\n"):
            self.app = lambda request, raw=raw: Answer(raw=raw, close=True)
            with HttpGateway(POLICY, self.upstream, FAST) as fresh:
                self.assertEqual(fresh.get("/pages/lies").status, 502)

    def test_a_connection_that_the_application_closed_meanwhile_is_replaced(self):
        self.app = lambda request: Answer(200, b"fine", close=True)
        for i in range(5):
            self.assertEqual(self.gateway.get(f"/pages/{i}").status, 200)

    def test_a_write_behind_an_answer_that_was_followed_by_a_close_is_not_lost(self):
        closes = Answer(raw=b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", close=True)
        self.app = lambda request: closes if request.method == "PUT" else Answer(200, b"fine")
        connection = self.gateway.connect()
        self.addCleanup(connection.close)
        for _ in range(20):
            self.assertEqual(self.gateway.ask("PUT", "/x", b"x", connection=connection).status, 500)
            self.assertEqual(self.gateway.ask("POST", "/x", b"x", connection=connection).status, 200)

    # ---- stale

    def test_stale_is_served_while_a_new_answer_is_fetched_behind_it(self):
        first = self.gateway.get("/short/1").body
        threading.Event().wait(2.2)  # its second is over
        self.app.waits["/short/1"] = go = threading.Event()
        self.addCleanup(go.set)
        for _ in range(3):
            reply = self.gateway.get("/short/1")
            self.assertEqual((reply.cache, reply.body), ("hit", first))
            self.assertRegex(reply.headers["Cache-Status"], r"hit; ttl=-[12]")
        self.assertTrue(until(5, lambda: len([r for r in self.upstream.seen() if r.target == "/short/1"]) == 2))
        go.set()
        self.assertTrue(until(5, lambda: self.gateway.get("/short/1").body != first))

    def test_stale_is_served_when_the_application_fails(self):
        kept = self.gateway.get("/soft/1").body
        self.assertEqual(self.gateway.ask("POST", "/soften").status, 200)
        self.app.statuses["/soft/1"] = 503
        threading.Event().wait(1.2)  # stale for more than a second
        reply = self.gateway.get("/soft/1")
        self.assertEqual((reply.status, reply.body, reply.cache), (200, kept, "hit"))
        self.upstream.__exit__()
        self.assertEqual(self.gateway.get("/soft/1").body, kept)

    def test_what_expired_is_asked_for_with_its_etag(self):
        self.app.headers["/soft/2"] = {"ETag": '"e1"'}
        kept = self.gateway.get("/soft/2").body
        self.gateway.ask("POST", "/soften")
        self.app.statuses["/soft/2"] = 304
        reply = self.gateway.get("/soft/2")
        self.assertEqual((reply.status, reply.body, reply.cache), (200, kept, "stale"))
        self.assertEqual(self.upstream.seen("GET")[-1].headers["If-None-Match"], '"e1"')
        self.assertEqual(self.gateway.get("/soft/2").cache, "hit")

    # ---- tunnels and TLS

    def test_a_websocket_is_passed_through_both_ways(self):
        class Echo(socketserver.BaseRequestHandler):
            def handle(self):
                head = b""
                while b"\r\n\r\n" not in head:
                    head += self.request.recv(4096)
                key = [line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")][0]
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                self.request.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                     b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
                while data := self.request.recv(65536):
                    self.request.sendall(data[::-1])

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            server.url = f"http://127.0.0.1:{server.server_address[1]}"
            with HttpGateway(POLICY, server, "") as gateway, \
                    socket.create_connection(("127.0.0.1", gateway.http_port), timeout=20) as client:
                client.sendall(b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
                answer = client.recv(65536)
                self.assertRegex(answer, b"^HTTP/1.1 101 ")
                self.assertIn(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", answer)
                for word in (b"abc", b"0123456789" * 1000):
                    client.sendall(word)
                    got = b""
                    while len(got) < len(word):
                        got += client.recv(65536)
                    self.assertEqual(sorted(got), sorted(word))
            server.shutdown()

    def test_no_other_protocol_is_upgraded_to(self):
        reply = self.gateway.ask("GET", "/pages/h2c", headers={
            "Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA"})
        self.assertEqual(reply.status, 200)
        sent = self.upstream.seen("GET")[-1].headers
        self.assertEqual((sent["Upgrade"], sent["HTTP2-Settings"]), (None, None))

    def test_tls_listeners_serve_the_same(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        made = Certificates(folder.name)
        options = (f'tls_certificate = "{made.certificate("server")}"\n'
                   f'tls_key = {{ file = "{made.key("server")}" }}\n')
        gateway = HttpGateway(POLICY, self.upstream, options)
        gateway.conf = gateway.conf.replace('"127.0.0.1:0"', '"tls:127.0.0.1:0"')
        with gateway:
            context = ssl.create_default_context(cafile=made.certificate("server"))
            with socket.create_connection(("127.0.0.1", gateway.http_port), timeout=20) as raw, \
                    context.wrap_socket(raw, server_hostname="localhost") as client:
                client.sendall(b"GET /pages/tls HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                answer = b""
                while part := client.recv(65536):
                    answer += part
            self.assertRegex(answer, b"^HTTP/1.1 200 ")
        self.assertEqual(self.upstream.seen("GET")[-1].headers["X-Forwarded-Proto"], "https")


if __name__ == "__main__":
    unittest.main()
