# tests/integration/http_gateway_test.py -- the HTTP gateway in front of an application: what it serves, keeps,
# drops and refuses, as a client sees it.
import itertools
import threading
import unittest

from http_gateway import HttpGateway
from http_upstream import Answer, Upstream

POLICY = """\
larder 1
namespace user { key "{user_id}"; ttl 5m }
namespace page { key "{path...}"; ttl 5m; with tag; tag "{tag}" }
namespace old { key "{id}"; ttl 1s; stale 1h while revalidating, 1h on error; static }
namespace secret { key "{token}:{id}"; ttl 5m; static }
namespace api { key "{path...}"; ttl 30m; static }
on GET "/api/{path...}" { serve api "{path...}" }
on GET "/users/{user_id}" { serve user "{user_id}" unless header "X-Fresh" }
on GET "/pages/{path...}" { serve page "{path...}" }
on GET "/old/{id}" { serve old "{id}" }
on GET "/secret/{id}" { let token = header "Authorization"; serve secret "{token}:{id}" }
on write "/users/update/{user_id}" { drop user "{user_id}" }
on write "/users/by-body" { let id = json "id"; drop user "{id}" }
on write "/users/by-form" { let id = form "id"; drop user "{id}" }
"""


class Application:
    """Numbers its answers; /fail is 500; a test may set headers and bodies by path."""

    def __init__(self):
        self.numbers = itertools.count(1)
        self.headers, self.bodies, self.statuses, self.waits = {}, {}, {}, {}

    def __call__(self, request):
        path = request.target.partition("?")[0]
        body = self.bodies.get(path) or b"answer %d" % next(self.numbers)
        return Answer(self.statuses.get(path, 200), body, self.headers.get(path, {}),
                      wait=self.waits.get(path))


class HttpGatewayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.app = Application()
        cls.upstream = cls.enterClassContext(Upstream(cls.app)) if hasattr(
            cls, "enterClassContext") else cls._enter(Upstream(cls.app))
        cls.gateway = HttpGateway(POLICY, cls.upstream)
        cls.gateway.__enter__()
        cls.addClassCleanup(cls.gateway.stop)

    @classmethod
    def _enter(cls, context):
        cls.addClassCleanup(context.__exit__, None, None, None)
        return context.__enter__()

    def test_a_get_is_answered_by_the_application_once(self):
        first, second = self.gateway.get("/users/once"), self.gateway.get("/users/once")
        self.assertEqual((first.cache, second.cache), ("uri-miss", "hit"))
        self.assertEqual(first.body, second.body)
        self.assertIn('detail="test.larder:8"', second.headers["Cache-Status"])
        self.assertTrue(second.headers["Age"].isdigit())
        head = self.gateway.ask("HEAD", "/users/once")
        self.assertEqual((head.cache, head.body, head.headers["Content-Length"]),
                         ("hit", b"", str(len(first.body))))

    def test_answers_of_an_endpoint_are_kept_for_the_1800_seconds_that_the_policy_says(self):
        self.gateway.get("/api/v1/reports")
        self.assertRegex(self.gateway.get("/api/v1/reports").headers["Cache-Status"], "hit; ttl=(1800|179[0-9])")

    def test_a_write_drops_the_entry_it_names_and_no_other(self):
        before = {user: self.gateway.get(f"/users/{user}").body for user in ("w42", "w7")}
        self.assertEqual(self.gateway.ask("POST", "/users/update/w42", b"{}").status, 200)
        self.assertNotEqual(self.gateway.get("/users/w42").body, before["w42"])
        self.assertEqual(self.gateway.get("/users/w7").body, before["w7"])

    def test_a_write_that_failed_drops_nothing(self):
        before = self.gateway.get("/users/f1").body
        self.app.statuses["/users/update/f1"] = 500
        self.assertEqual(self.gateway.ask("POST", "/users/update/f1", b"{}").status, 500)
        self.assertEqual(self.gateway.get("/users/f1").body, before)

    def test_a_rule_takes_its_value_from_a_json_or_form_body(self):
        for path, kind, body in (("/users/by-body", "application/json", b'{"id": "b1"}'),
                                 ("/users/by-form", "application/x-www-form-urlencoded", b"id=b1&x=2")):
            with self.subTest(kind=kind):
                before = self.gateway.get("/users/b1").body
                other = self.gateway.get("/users/b2").body
                self.gateway.ask("POST", path, body, {"Content-Type": kind})
                self.assertNotEqual(self.gateway.get("/users/b1").body, before)
                self.assertEqual(self.gateway.get("/users/b2").body, other)

    def test_what_unless_names_is_asked_of_the_application(self):
        self.gateway.get("/users/u1")
        self.assertEqual(self.gateway.get("/users/u1", X_Fresh="1").cache, "bypass")
        self.assertEqual(self.gateway.get("/users/u1").cache, "hit")

    def test_what_the_policy_allows_stale_is_served_as_long_as_it_says(self):
        self.gateway.get("/old/kept")
        self.app.statuses["/old/kept"] = 503
        age = 0
        while age < 3:  # past the first second after its end
            answer = self.gateway.get("/old/kept")
            self.assertEqual(answer.status, 200, answer.headers["Cache-Status"])
            age = int(answer.headers["Age"])

    def test_what_no_rule_serves_is_passed_on_every_time(self):
        self.assertEqual([self.gateway.get("/other").cache for _ in range(2)], ["bypass"] * 2)

    def test_another_query_is_another_answer_of_the_same_entry(self):
        one, two = self.gateway.get("/users/q1?a=1"), self.gateway.get("/users/q1?a=2")
        self.assertNotEqual(one.body, two.body)
        self.assertEqual(self.gateway.get("/users/q1?a=1").body, one.body)
        self.gateway.ask("POST", "/users/update/q1")
        self.assertNotEqual(self.gateway.get("/users/q1?a=1").body, one.body)
        self.assertNotEqual(self.gateway.get("/users/q1?a=2").body, two.body)

    def test_no_store_and_private_answers_are_not_kept(self):
        for path, value in (("/pages/ns", "no-store"), ("/pages/pr", "private, max-age=60")):
            self.app.headers[path] = {"Cache-Control": value}
            self.assertEqual([self.gateway.get(path).cache for _ in range(2)], ["uri-miss"] * 2)

    def test_an_answer_that_sets_a_cookie_is_kept_only_if_it_says_so(self):
        self.app.headers["/pages/c1"] = {"Set-Cookie": "a=b"}
        self.app.headers["/pages/c2"] = {"Set-Cookie": "a=b", "Cache-Control": "public, max-age=60"}
        self.assertEqual([self.gateway.get("/pages/c1").cache for _ in range(2)], ["uri-miss"] * 2)
        self.assertEqual([self.gateway.get("/pages/c2").cache for _ in range(2)], ["uri-miss", "hit"])

    def test_an_answer_to_authorization_is_kept_only_under_a_key_that_holds_it(self):
        for _ in range(2):
            self.assertEqual(self.gateway.get("/pages/auth", Authorization="x").cache, "uri-miss")
        first = self.gateway.get("/secret/1", Authorization="alice")
        self.assertEqual(self.gateway.get("/secret/1", Authorization="alice").body, first.body)
        self.assertNotEqual(self.gateway.get("/secret/1", Authorization="bob").body, first.body)
        self.assertEqual(self.gateway.get("/secret/1").cache, "bypass")

    def test_vary_parts_answers_and_lists_are_compared_as_lists(self):
        self.app.headers["/pages/v"] = {"Vary": "Accept-Language"}
        german = self.gateway.get("/pages/v", Accept_Language="de, en")
        self.assertEqual(self.gateway.get("/pages/v", Accept_Language="fr").cache, "vary-miss")
        self.assertEqual(self.gateway.get("/pages/v", Accept_Language="EN,de").body, german.body)

    def test_conditions_and_ranges_are_answered_from_what_is_kept(self):
        self.app.headers["/pages/r"] = {"ETag": '"r1"'}
        self.app.bodies["/pages/r"] = b"0123456789"
        self.gateway.get("/pages/r")
        same = self.gateway.get("/pages/r", If_None_Match='W/"r1"')
        self.assertEqual((same.status, same.body, same.cache, same.headers["ETag"]), (304, b"", "hit", '"r1"'))
        part = self.gateway.get("/pages/r", Range="bytes=2-4")
        self.assertEqual((part.status, part.body, part.headers["Content-Range"]), (206, b"234", "bytes 2-4/10"))
        self.assertEqual(self.gateway.get("/pages/r", Range="bytes=-3").body, b"789")
        beyond = self.gateway.get("/pages/r", Range="bytes=10-")
        self.assertEqual((beyond.status, beyond.headers["Content-Range"]), (416, "bytes */10"))
        self.assertEqual(self.gateway.get("/pages/r", Range="bytes=2-4", If_Range='"other"').status, 200)

    def test_purge_drops_a_path_and_what_carries_a_tag(self):
        self.app.headers["/pages/t1"] = {"Surrogate-Key": "menu lunch"}
        self.app.headers["/pages/t2"] = {"Cache-Groups": '"menu"'}
        for path in ("/pages/t1", "/pages/t2", "/pages/t3"):
            self.assertNotIn("Surrogate-Key", self.gateway.get(path).headers)
        self.assertEqual(self.gateway.ask("PURGE", "/pages/t3").status, 200)
        self.assertEqual(self.gateway.get("/pages/t3").cache, "uri-miss")
        self.assertEqual(self.gateway.ask("PURGE", "/", headers={"xkey": "lunch"}).status, 200)
        self.assertEqual([self.gateway.get(f"/pages/t{i}").cache for i in (1, 2, 3)], ["uri-miss", "hit", "hit"])
        self.gateway.ask("PURGE", "/", headers={"Surrogate-Key": "menu"})
        self.assertEqual([self.gateway.get(f"/pages/t{i}").cache for i in (1, 2, 3)], ["uri-miss", "uri-miss", "hit"])

    def test_an_answer_to_a_write_drops_the_groups_it_names(self):
        self.app.headers["/pages/g1"] = {"Cache-Groups": '"rooms", "all"'}
        self.app.headers["/change"] = {"Cache-Group-Invalidation": '"rooms"'}
        self.gateway.get("/pages/g1")
        self.gateway.get("/change")  # a safe method drops nothing
        self.assertEqual(self.gateway.get("/pages/g1").cache, "hit")
        self.gateway.ask("POST", "/change")
        self.assertEqual(self.gateway.get("/pages/g1").cache, "uri-miss")

    def test_an_unsafe_method_drops_what_is_kept_of_its_own_target(self):
        self.gateway.get("/pages/own")
        self.gateway.ask("PUT", "/pages/own", b"x")
        self.assertEqual(self.gateway.get("/pages/own").cache, "uri-miss")

    def test_of_many_that_want_the_same_one_asks_the_application(self):
        self.app.waits["/pages/many"] = go = threading.Event()
        before = len(self.upstream.seen("GET"))
        replies, threads = [], []
        for _ in range(20):
            thread = threading.Thread(target=lambda: replies.append(self.gateway.get("/pages/many")))
            thread.start()
            threads.append(thread)
        while len(self.upstream.seen("GET")) == before:
            threading.Event().wait(0.01)
        threading.Event().wait(0.3)
        go.set()
        for thread in threads:
            thread.join(20)
        self.assertEqual(len({reply.body for reply in replies}), 1)
        self.assertEqual(len([r for r in self.upstream.seen("GET") if r.target == "/pages/many"]), 1)

    def test_an_answer_that_a_write_overtook_is_not_kept(self):
        self.app.waits["/users/slow"] = go = threading.Event()
        replies = []
        thread = threading.Thread(target=lambda: replies.append(self.gateway.get("/users/slow")))
        thread.start()
        while not [r for r in self.upstream.seen("GET") if r.target == "/users/slow"]:
            threading.Event().wait(0.01)
        self.gateway.ask("POST", "/users/update/slow")
        go.set()
        thread.join(20)
        self.assertEqual(replies[0].status, 200)
        again = self.gateway.get("/users/slow")
        self.assertEqual(again.cache, "uri-miss")
        self.assertNotEqual(again.body, replies[0].body)

    def test_large_answers_are_kept_whole_and_served_whole(self):
        self.app.bodies["/pages/large"] = body = bytes(range(256)) * 8192
        for expected in ("uri-miss", "hit", "hit"):
            reply = self.gateway.get("/pages/large")
            self.assertEqual((reply.cache, len(reply.body), reply.body == body), (expected, len(body), True))

    def test_a_body_goes_to_the_application_as_it_was(self):
        body = bytes(range(256)) * 5000
        self.gateway.ask("PUT", "/other/put", body)
        self.assertEqual(self.upstream.seen("PUT")[-1].body, body)
        self.gateway.ask("PUT", "/other/chunked", iter([body[:1000], body[1000:]]))
        self.assertEqual(self.upstream.seen("PUT")[-1].body, body)

    def test_pipelined_requests_are_answered_in_order(self):
        self.gateway.get("/users/p1")
        self.gateway.get("/users/p2")
        names = ["p1", "p2", "p3", "p1", "p2"]
        text = b"".join(b"GET /users/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n" %
                        (n.encode(), self.gateway.http_port, b"Connection: close\r\n" if i == 4 else b"")
                        for i, n in enumerate(names))
        answers = self.gateway.raw(text)
        bodies = [part.partition(b"\r\n\r\n")[2] for part in answers.split(b"HTTP/1.1 200")[1:]]
        expected = [self.gateway.get(f"/users/{n}").body for n in names]
        self.assertEqual(bodies, expected)


if __name__ == "__main__":
    unittest.main()
