# tests/integration/http_source_test.py -- values come from an application over HTTP, and go to it.
import pathlib
import shutil
import tempfile
import unittest

from http_upstream import Answer, Upstream
from larder_server import LarderServer
from redis_server import until
from resp_talk import Refused, Talk

POLICY = """larder 1
namespace item {
  key "{kind}:{id...}"
  ttl 10m
  absent 30s
  source api "/items/{kind}/{id}?full=1"
  write through "/items/{kind}/{id}" remove
}
namespace later { key "{id}"; ttl 10m; source api "/later/{id}"; write behind 20ms remove }
"""


class Source(unittest.TestCase):
    def setUp(self):
        self.rows, self.fail = {}, None
        self.app = self.enterContext(Upstream(self.answer))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-http-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.server = self.enterContext(LarderServer(
            POLICY, environment={"API_TOKEN": "Bearer of-a-test"},
            conf=f'[journal]\nfile = "{self.folder}/journal"\n[source.api]\nplugin = "http"\n'
                 f'url = "{self.app.url}/v1/"\nheaders = ["Accept: text/plain"]\n'
                 'authorization = { env = "API_TOKEN" }\nmax_value = "1MiB"\ntimeout = "1s"\n'))
        self.talk = self.enterContext(Talk(("127.0.0.1", self.server.port)))

    def answer(self, request):
        if self.fail is not None:
            return self.fail
        place = request.target.partition("?")[0]
        if request.method == "PUT":
            self.rows[place] = request.body
            return Answer(204)
        if request.method == "DELETE":
            return Answer(204 if self.rows.pop(place, None) is not None else 404)
        return Answer(200, self.rows[place]) if place in self.rows else Answer(404, b"none")

    def refused(self, *words):
        with self.assertRaises(Refused):
            self.talk(*words)

    def test_a_miss_is_a_get_of_the_path_with_the_fields_encoded_and_a_hit_is_none(self):
        self.rows["/v1/items/a/x%2Fy%20z"] = b"\x00\xffvalue"
        for _ in range(3):
            self.assertEqual(self.talk("GET", "item:a:x/y z"), b"\x00\xffvalue")
        self.assertEqual([(r.method, r.target) for r in self.app.requests], [("GET", "/v1/items/a/x%2Fy%20z?full=1")])
        self.assertEqual(self.app.requests[0].headers["Authorization"], "Bearer of-a-test")
        self.assertEqual(self.app.requests[0].headers["Accept"], "text/plain")

    def test_what_is_not_found_is_absent_and_what_fails_is_an_error_that_is_not_kept(self):
        self.assertIsNone(self.talk("GET", "item:a:1"))
        self.assertIsNone(self.talk("GET", "item:a:1"))
        self.assertEqual(len(self.app.requests), 1)
        self.fail = Answer(500, b"oops")
        self.refused("GET", "item:a:2")
        self.fail = Answer(302, b"", {"Location": "/elsewhere"})
        self.refused("GET", "item:a:2")
        self.fail = None
        self.rows["/v1/items/a/2"] = b"two"
        self.assertEqual(self.talk("GET", "item:a:2"), b"two")

    def test_a_key_that_would_lead_up_asks_nobody(self):
        self.refused("GET", "item:..:1")
        self.refused("GET", "item:a:..")
        self.assertEqual(self.app.requests, [])

    def test_an_answer_that_is_too_large_is_none(self):
        self.rows["/v1/items/a/big"] = b"x" * (1 << 21)
        self.refused("GET", "item:a:big")

    def test_write_through_is_a_put_and_a_delete_and_one_that_is_refused_changes_nothing(self):
        self.assertEqual(self.talk("SET", "item:a:1", "one"), b"OK")
        self.assertEqual(self.rows, {"/v1/items/a/1": b"one"})
        self.fail = Answer(422, b"no")
        self.refused("SET", "item:a:1", "two")
        self.refused("DEL", "item:a:1")
        self.assertEqual(self.talk("GET", "item:a:1"), b"one")
        self.fail = None
        self.assertEqual(self.talk("DEL", "item:a:1"), 1)
        self.assertEqual(self.rows, {})

    def test_write_behind_waits_while_the_application_fails_and_arrives_when_it_does_not(self):
        self.fail = Answer(503, b"later")
        for number in range(10):
            self.assertEqual(self.talk("SET", f"later:{number % 3}", str(number)), b"OK")
        until(lambda: len(self.app.requests) > 3, "it was tried")
        self.assertEqual(self.talk("GET", "later:0"), b"9")
        self.fail = None
        until(lambda: self.rows == {"/v1/later/0": b"9", "/v1/later/1": b"7", "/v1/later/2": b"8"}, "the last of each arrived", 20)


if __name__ == "__main__":
    unittest.main()
