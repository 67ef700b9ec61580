# tests/integration/http_shared_test.py -- two HTTP gateways above one Redis: what one keeps the other serves, and
# what one drops the other does not serve.
import threading
import unittest

from http_gateway import HttpGateway
from http_gateway_test import Application
from http_upstream import Upstream
from redis_nodes import store_of
from redis_server import RedisServer, until

POLICY = """\
larder 1
breaker l2 { open after 5 failures; retry after 200ms; probe 1 }
namespace user { key "{user_id}"; ttl 5m; with tag; tag "{tag}" }
on GET "/users/{user_id}" { serve user "{user_id}" }
on write "/users/update/{user_id}" { drop user "{user_id}" }
"""


class HttpSharedTest(unittest.TestCase):
    def setUp(self):
        self.app = Application()
        self.upstream = self.entered(Upstream(self.app))
        self.redis = self.entered(RedisServer())
        store = store_of(("127.0.0.1", self.redis.port))
        self.a, self.b = (self.entered(HttpGateway(POLICY, self.upstream, store=store)) for _ in range(2))

    def entered(self, context):
        made = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return made

    def seen(self, target):
        return len([r for r in self.upstream.seen("GET") if r.target == target])

    def ask(self, gateway, target):
        """With one name for both gateways: a target is another one by another Host."""
        return gateway.ask("GET", target, headers={"Host": "hotel"})

    def test_what_one_node_keeps_the_other_serves(self):
        until(lambda: self.ask(self.a, "/users/1").cache == "hit", "nothing is kept")
        asked = self.seen("/users/1")
        here, there = self.ask(self.a, "/users/1"), self.ask(self.b, "/users/1")
        self.assertEqual((there.cache, there.body), ("hit", here.body))
        self.assertEqual(self.seen("/users/1"), asked)

    def test_a_write_through_one_node_is_read_through_the_other(self):
        for i in range(10):
            before = self.ask(self.a, "/users/2").body
            self.ask(self.b, "/users/2")
            self.assertEqual(self.a.ask("POST", "/users/update/2").status, 200)
            until(lambda: self.ask(self.b, "/users/2").body != before, "the other node serves what was dropped")
            self.assertNotEqual(self.ask(self.a, "/users/2").body, before)

    def test_tags_of_an_answer_are_dropped_on_all_nodes(self):
        self.app.headers["/users/3"] = {"Surrogate-Key": "vip gold"}
        before = self.ask(self.a, "/users/3").body
        self.ask(self.b, "/users/3")
        self.assertEqual(self.b.ask("PURGE", "/", headers={"xkey": "gold"}).status, 200)
        until(lambda: self.ask(self.a, "/users/3").body != before, "the other node serves what was purged")

    def test_many_at_once_are_answered_by_one_request(self):
        until(lambda: self.ask(self.a, "/users/warm").cache == "hit", "nothing is kept")
        self.app.waits["/users/4"] = go = threading.Event()
        bodies = []
        threads = [threading.Thread(target=lambda: bodies.append(self.ask(self.a, "/users/4").body)) for _ in range(10)]
        for thread in threads:
            thread.start()
        until(lambda: self.seen("/users/4") > 0, "nobody asks")
        threading.Event().wait(0.2)
        go.set()
        for thread in threads:
            thread.join(20)
        self.assertEqual((len(bodies), len(set(bodies)), self.seen("/users/4")), (10, 1, 1))

    def test_without_redis_requests_are_answered_by_the_application(self):
        self.redis.kill()
        self.assertEqual([self.ask(self.a, "/users/5").status for _ in range(5)], [200] * 5)


if __name__ == "__main__":
    unittest.main()
