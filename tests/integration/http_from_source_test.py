# tests/integration/http_from_source_test.py -- a namespace that names a source is served over HTTP and RESP alike: both
# gateways read one entry, and what is missing comes from a real Postgres or over HTTP, never from the gateway's application.
import pathlib
import shutil
import tempfile
import threading
import unittest

from http_gateway import HttpGateway
from http_upstream import Answer, Upstream
from postgres_server import PostgresServer
from redis_server import until
from resp_talk import Talk

POLICY = """larder 1
namespace stock {
  key "{sku}:{place}"
  ttl 10m
  absent 30s
  stale 1h on error
  source db "SELECT body FROM stock WHERE sku = {sku} AND place = {place}"
}
namespace item { key "{id}"; ttl 10m; source api "/items/{id}" }
namespace mine { key "{token}:{id}"; ttl 10m; source api "/items/{id}" }
namespace page { key "{path...}"; ttl 10m }
on GET "/stock/{sku}/{place}" { serve stock "{sku}:{place}" }
on GET "/item/{id}" { serve item "{id}" unless header "X-Fresh" }
on GET "/mine/{id}" { let token = header "Authorization"; serve mine "{token}:{id}" }
on GET "/page/{path...}" { serve page "{path}" }
on write "/stock/{sku}/{place}" { drop stock "{sku}:{place}" }
on write "/item/{id}" { drop item "{id}" }
"""


class FromSource(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = cls.enterClassContext(PostgresServer())

    def setUp(self):
        self.postgres("DROP TABLE IF EXISTS stock; CREATE TABLE stock (sku text, place text, body bytea, PRIMARY KEY (sku, place))")
        self.rows, self.broken = {}, None
        self.api = self.enterContext(Upstream(self.answer))
        self.app = self.enterContext(Upstream(lambda request: Answer(200, b"of the application " + request.method.encode())))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-from-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def start(self, options=""):
        gateway = self.enterContext(HttpGateway(
            POLICY, self.app, options,
            conf=f'[source.db]\nplugin = "sql"\nurl = "{self.postgres.url()}"\ntimeout = "1s"\n'
                 f'[source.api]\nplugin = "http"\nurl = "{self.api.url}/"\ntimeout = "1s"\n'))
        self.talk = self.enterContext(Talk(("127.0.0.1", gateway.port)))
        return gateway

    def answer(self, request):
        if self.broken is not None:
            return self.broken
        return Answer(200, self.rows[request.target]) if request.target in self.rows else Answer(404, b"none")

    def put(self, sku, place, body):
        self.postgres(f"INSERT INTO stock VALUES ('{sku}', '{place}', '{body}') ON CONFLICT (sku, place) DO UPDATE SET body = excluded.body")

    def test_a_get_is_a_select_of_the_database_and_then_a_hit_for_both_gateways(self):
        gateway = self.start()
        self.put("A", "b", '{"n": 1}')
        first = gateway.get("/stock/A/b")
        self.assertEqual((first.status, first.body, first.cache), (200, b'{"n": 1}', "uri-miss"))
        self.assertEqual(first.headers["Content-Type"], "application/json")
        self.put("A", "b", '{"n": 2}')
        second = gateway.get("/stock/A/b")
        self.assertEqual((second.body, second.cache), (b'{"n": 1}', "hit"))
        self.assertIn("test.larder:", second.headers["Cache-Status"])
        self.assertEqual(self.talk("GET", "stock:A:b"), b'{"n": 1}')
        self.talk("LARDER", "DROP", "stock")
        self.assertEqual(self.talk("GET", "stock:A:b"), b'{"n": 2}')
        self.assertEqual(gateway.get("/stock/A/b").cache, "hit")
        self.assertEqual(gateway.get("/stock/A/b").body, b'{"n": 2}')
        self.assertEqual(self.app.requests, [])

    def test_a_get_is_a_get_of_the_http_source_and_then_a_hit_for_both_gateways(self):
        gateway = self.start()
        self.rows["/items/7"] = b"seven"
        self.assertEqual(self.talk("GET", "item:7"), b"seven")
        answer = gateway.get("/item/7")
        self.assertEqual((answer.status, answer.body, answer.cache), (200, b"seven", "hit"))
        self.assertEqual(answer.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertEqual(len(self.api.requests), 1)
        self.assertEqual(gateway.get("/item/7", X_Fresh="1").body, b"of the application GET")
        self.assertEqual(gateway.get("/page/x").body, b"of the application GET")

    def test_a_write_goes_to_the_application_and_what_it_drops_is_loaded_anew(self):
        gateway = self.start()
        self.rows["/items/7"] = b"old"
        self.assertEqual(gateway.get("/item/7").body, b"old")
        self.rows["/items/7"] = b"new"
        self.assertEqual(gateway.ask("PUT", "/item/7", b"x").body, b"of the application PUT")
        self.assertEqual(gateway.get("/item/7").body, b"new")
        self.assertEqual(self.talk("GET", "item:7"), b"new")

    def test_what_the_source_has_not_is_404_and_asked_for_once_where_the_policy_says_absent(self):
        gateway = self.start()
        for _ in range(2):
            answer = gateway.get("/stock/A/none")
            self.assertEqual((answer.status, answer.body), (404, b"there is no such value\n"))
        self.put("A", "none", "there")
        self.assertEqual(gateway.get("/stock/A/none").status, 404)
        gateway.ask("POST", "/stock/A/none")
        self.assertEqual(gateway.get("/stock/A/none").body, b"there")

    def test_a_source_that_fails_is_502_then_503_and_stale_where_the_policy_says_so(self):
        gateway = self.start()
        self.rows["/items/1"] = b"one"
        self.broken = Answer(500, b"oops")
        for _ in range(5):
            self.assertEqual(gateway.get("/item/1").status, 502)
        self.assertEqual(gateway.get("/item/1").status, 503)  # its breaker is open
        self.put("A", "b", "kept")
        self.assertEqual(gateway.get("/stock/A/b").body, b"kept")
        self.talk("LARDER", "EXPIRE", "stock")
        self.postgres.kill()
        self.addCleanup(self.postgres.start)
        self.assertEqual(gateway.get("/stock/A/b").body, b"kept")
        self.assertIn(gateway.get("/stock/A/other").status, (502, 503))

    def test_conditions_ranges_and_head_are_answered_from_the_value(self):
        gateway = self.start()
        self.rows["/items/7"] = b"0123456789"
        etag = gateway.get("/item/7").headers["ETag"]
        self.assertEqual(gateway.get("/item/7", If_None_Match=etag).status, 304)
        part = gateway.get("/item/7", Range="bytes=2-4")
        self.assertEqual((part.status, part.body, part.headers["Content-Range"]), (206, b"234", "bytes 2-4/10"))
        head = gateway.ask("HEAD", "/item/7")
        self.assertEqual((head.body, head.headers["Content-Length"]), (b"", "10"))
        self.assertEqual(head.headers["Cache-Control"], "private, no-cache", "its rule looks at a header")
        self.put("A", "b", "x")
        self.assertEqual(gateway.get("/stock/A/b").headers["Cache-Control"], "no-cache")
        self.talk("LARDER", "DROP", "item")
        self.assertEqual(gateway.get("/item/7", If_None_Match=etag).status, 304, "the same bytes have the same ETag")
        mine = gateway.ask("GET", "/mine/7", headers={"Authorization": "t"})
        self.assertEqual((mine.body, mine.headers["Cache-Control"]), (b"0123456789", "private, no-cache"))

    def test_bytes_are_called_what_they_look_like_or_what_the_configuration_says(self):
        self.rows = {"/items/json": b' [1, 2]\n', "/items/page": b"<script>x</script>", "/items/bytes": b"\x00\xff", "/items/none": b"",
                     "/items/text": "héllo".encode(), "/items/latin": "héllo".encode("latin-1")}
        wanted = {"json": "application/json", "page": "text/plain; charset=utf-8", "bytes": "application/octet-stream",
                  "none": "text/plain; charset=utf-8", "text": "text/plain; charset=utf-8", "latin": "application/octet-stream"}
        gateway = self.start()
        for name, value_type in wanted.items():
            answer = gateway.get(f"/item/{name}")
            self.assertEqual((answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]), (value_type, "nosniff"), name)
            self.assertEqual(answer.body, self.rows[f"/items/{name}"])
        fixed = self.start('value_type = "application/cbor"\n')
        self.assertEqual(fixed.get("/item/bytes").headers["Content-Type"], "application/cbor")

    def test_many_clients_of_both_gateways_that_miss_one_key_are_one_request_to_the_source(self):
        gateway = self.start()
        go, answers = threading.Event(), []
        self.broken = Answer(200, b"slow", wait=go)

        def over_http():
            answers.append(gateway.get("/item/9").body)

        def over_resp():
            with Talk(("127.0.0.1", gateway.port)) as talk:
                answers.append(talk("GET", "item:9"))
        threads = [threading.Thread(target=over_http if i % 2 else over_resp) for i in range(16)]
        for thread in threads:
            thread.start()
        until(lambda: len(self.api.requests) == 1, "one is asked")
        go.set()
        for thread in threads:
            thread.join()
        self.assertEqual(set(answers), {b"slow"})
        self.assertEqual(len(self.api.requests), 1)

    def test_one_connection_goes_on_behind_answers_that_were_loaded(self):
        gateway = self.start()
        self.rows = {f"/items/{i}": str(i).encode() for i in range(20)}
        answer = gateway.raw(b"".join(b"GET /item/%d HTTP/1.1\r\nHost: x\r\n%s\r\n" % (i, b"Connection: close\r\n" if i == 19 else b"")
                                      for i in range(20)))
        bodies = [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK\r\n")[1:]]
        self.assertEqual(bodies, [str(i).encode() for i in range(20)])


if __name__ == "__main__":
    unittest.main()
