# tests/integration/cdn_test.py -- drops of tags reach a CDN's purge API: recorders that are shaped like two of them.
import http.client
import json
import unittest

from http_gateway import HttpGateway
from http_upstream import Answer, Upstream
from larder_server import LarderServer
from post_recorder import recorder
from redis_server import until
from resp_talk import Talk

TOKEN = "a token that nobody else may read"
KEY = TOKEN.replace(" ", "-")
POLICY = """larder 1
namespace menu { key "{id}"; ttl 5m }
namespace user { key "{user_id}"; ttl 5m }
namespace page { key "{path...}"; ttl 5m; with tag; tag "{tag}" }
on GET "/pages/{path...}" { serve page "{path...}" }
on write "/menu/{id}" { drop tag "menu:{id}" }
on event "menu_changed" (id) { drop tag "menu:{id}", tag "menus" }
on event "menu_old" (id) { expire tag "menu:{id}" }
on event "user_changed" (user_id) { drop user "{user_id}" }
on event "price" (at) { drop menu }
alert low when hit_rate < 80% for 1h -> cdn edge
"""


def sink(server, shape, more="", name="edge"):
    return f'[sink.{name}]\nplugin = "cdn"\nshape = "{shape}"\nid = "ID1"\ntoken = {{ env = "CDN" }}\n' \
           f'api = "http://127.0.0.1:{server.server_port}/v4/"\ngather = "50ms"\n{more}\n'


class Cdn(unittest.TestCase):
    def serve(self, conf, admin=""):
        self.server = self.enterContext(LarderServer(POLICY, conf=conf, admin=admin, gateway='role = "admin"\n',
                                                     environment={"CDN": KEY}))
        self.redis = Talk(("127.0.0.1", self.server.port))
        self.addCleanup(self.redis.close)

    def keys(self, cdn):
        """Every key that Fastly was told, in order."""
        return [key for one in cdn.got for key in (one.headers["Surrogate-Key"] or "").split()]

    def test_tags_that_a_rule_drops_are_one_purge_at_fastly(self):
        cdn = recorder(self)
        self.serve(sink(cdn, "fastly"))
        self.redis("LARDER", "EVENT", "menu_changed", "id", "42")
        until(lambda: cdn.got, "the CDN hears of it")
        one = cdn.got[0]
        self.assertEqual((one.path, one.headers["Fastly-Key"], one.body), ("/v4/service/ID1/purge", KEY, b""))
        self.assertEqual(sorted(one.headers["Surrogate-Key"].split()), ["menu:42", "menus"])
        self.assertIsNone(one.headers["Fastly-Soft-Purge"])

    def test_what_is_expired_is_purged_softly_at_fastly(self):
        cdn = recorder(self)
        self.serve(sink(cdn, "fastly"))
        self.redis("LARDER", "EVENT", "menu_old", "id", "7")
        until(lambda: cdn.got, "the CDN hears of it")
        self.assertEqual((cdn.got[0].headers["Surrogate-Key"], cdn.got[0].headers["Fastly-Soft-Purge"]), ("menu:7", "1"))

    def test_cloudflare_gets_at_most_thirty_tags_a_call_each_once(self):
        cdn = recorder(self)
        self.serve(sink(cdn, "cloudflare", 'gather = "300ms"').replace('gather = "50ms"\n', ""))
        for i in range(70):
            self.redis("LARDER", "DROP", "TAG", f"t{i}")
            self.redis("LARDER", "DROP", "TAG", f"t{i}")
        told = until(lambda: (lambda all: len(all) >= 70 and all)([t for one in cdn.got for t in json.loads(one.body)["tags"]]),
                     "the CDN hears of all")
        self.assertEqual(set(told), {f"t{i}" for i in range(70)})
        for one in cdn.got:
            self.assertLessEqual(len(json.loads(one.body)["tags"]), 30)
            self.assertEqual((one.path, one.headers["Authorization"]), ("/v4/zones/ID1/purge_cache", f"Bearer {KEY}"))

    def test_namespaces_keys_and_everything_are_purged_only_where_options_say_so(self):
        plain, mapped = recorder(self), recorder(self)
        self.serve(sink(plain, "fastly", name="plain") +
                   sink(mapped, "fastly", 'namespaces = ["menu=menu-pages", "user=user-{key}"]\neverything = true'))
        self.redis("LARDER", "EVENT", "price", "at", "1")
        self.redis("LARDER", "EVENT", "user_changed", "user_id", "42")
        until(lambda: len(self.keys(mapped)) == 2, "the CDN hears of both")
        self.assertEqual(self.keys(mapped), ["menu-pages", "user-42"])
        self.redis("LARDER", "DROP", "ALL")
        until(lambda: mapped.got[-1].path == "/v4/service/ID1/purge_all", "the CDN hears of everything")
        self.redis("LARDER", "DROP", "TAG", "last")
        until(lambda: plain.got, "the other hears of the tag")
        self.assertEqual(self.keys(plain), ["last"])

    def test_a_dry_run_and_commands_on_keys_tell_the_cdn_nothing(self):
        cdn = recorder(self)
        self.serve('[admin.tokens]\nops = { role = "admin", secret = { env = "CDN" } }\n' +
                   sink(cdn, "fastly", 'namespaces = ["user=user-{key}"]'), admin='listen = ["127.0.0.1:0"]\n')
        self.redis("SET", "user:1", "x")
        self.redis("DEL", "user:1")
        host, _, port = self.server.addresses["admin_http"].rpartition(":")
        line = http.client.HTTPConnection(host, int(port), timeout=20)
        self.addCleanup(line.close)
        for query in ("tag=no&dry_run=1", "tag=yes"):
            line.request("DELETE", f"/api/v1/cache/invalidate/tag?{query}", headers={"Authorization": f"Bearer {KEY}"})
            answer = line.getresponse()
            self.assertEqual(answer.status, 200, answer.read())
            answer.read()
        until(lambda: cdn.got, "the CDN hears of the real one")
        self.assertEqual(self.keys(cdn), ["yes"])

    def test_what_the_cdn_refuses_is_sent_again_and_the_token_is_in_no_log(self):
        cdn = recorder(self, 503, 403)
        self.serve(sink(cdn, "fastly"))
        self.redis("LARDER", "DROP", "TAG", "a")
        until(lambda: len(cdn.got) == 3, "it is sent until it is taken")
        self.assertEqual(self.keys(cdn), ["a"] * 3)
        log = "".join(self.server.log)
        self.assertIn("answered 503", log)
        self.assertIn("in clear", log)
        self.assertNotIn(KEY, log)

    def test_a_cdn_that_hangs_holds_no_drop_and_what_comes_meanwhile_goes_together(self):
        cdn = recorder(self, 0)
        self.serve(sink(cdn, "fastly", 'timeout = "30s"'))
        self.redis("LARDER", "DROP", "TAG", "first")
        until(lambda: cdn.got, "it hangs")
        for i in range(500):
            self.redis("LARDER", "DROP", "TAG", f"t{i}")
        self.assertEqual(len(cdn.got), 1)
        cdn.over.set()
        until(lambda: set(self.keys(cdn)) >= {f"t{i}" for i in range(500)} and self.keys(cdn).count("first") == 2, "all are sent")
        self.assertLessEqual(len(cdn.got), 6)

    def test_what_is_never_taken_is_given_up_counted_and_logged(self):
        cdn = recorder(self, *[500] * 50)
        self.serve(sink(cdn, "fastly", 'give_up = "0s"'))
        self.redis("LARDER", "DROP", "TAG", "a")
        until(lambda: any("1 purges are lost" in line for line in self.server.log), "the log has it")
        self.assertEqual(len(cdn.got), 1)

    def test_what_was_dropped_right_before_a_stop_is_sent_before_the_end(self):
        cdn = recorder(self)
        self.serve(sink(cdn, "fastly").replace('"50ms"', '"1m"'))
        self.redis("LARDER", "DROP", "TAG", "late")
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(self.keys(cdn), ["late"])

    def test_a_cdn_that_hangs_does_not_keep_larder_from_stopping(self):
        cdn = recorder(self, *[0] * 10)
        self.serve(sink(cdn, "fastly", 'timeout = "30s"') + '[limits]\nstop_deadline = "1s"\n')
        self.redis("LARDER", "DROP", "TAG", "a")
        until(lambda: cdn.got, "it hangs")
        self.assertEqual(self.server.stop(), 0)  # or it is killed: the request has thirty seconds
        self.assertTrue(any("1 purges are lost" in line for line in self.server.log))

    def test_a_purge_and_a_write_at_the_gateway_reach_the_cdn(self):
        cdn = recorder(self)
        app = self.enterContext(Upstream(lambda request: Answer(200, b"page", {"Surrogate-Key": "room:1 rooms"})))
        gateway = self.enterContext(HttpGateway(POLICY, app, "tags_to_clients = true\n", conf=sink(cdn, "cloudflare"),
                                                environment={"CDN": KEY}))
        self.assertEqual(gateway.get("/pages/1").headers["Surrogate-Key"], "room:1 rooms")
        self.assertEqual(gateway.get("/pages/1").cache, "hit")
        line = gateway.connect()
        self.addCleanup(line.close)
        line.request("PURGE", "/", headers={"Surrogate-Key": "room:1"})
        self.assertEqual(line.getresponse().read()[:10], b'{"purged":')
        until(lambda: cdn.got, "the CDN hears of the purge")
        self.assertEqual(json.loads(cdn.got[0].body), {"tags": ["room:1"]})
        line.request("POST", "/menu/9", body=b"x")
        line.getresponse().read()
        until(lambda: len(cdn.got) == 2, "the CDN hears of the write")
        self.assertEqual(json.loads(cdn.got[1].body), {"tags": ["menu:9"]})
        self.assertNotEqual(gateway.get("/pages/1").cache, "hit")


EDGE = """larder 1
namespace shop { key "{id}"; ttl 5m; stale 30s while revalidating
  namespace item { key "{shop}:{id}"; tag "shop:{shop}"; tag "sort:{sort}"; with sort }
}
namespace user { key "{user_id}"; ttl 5m; tag "users" }
namespace home { key "{user_id}"; ttl 1m; depends on user "{user_id}" }
namespace page { key "{path...}"; ttl 5m; with tag; tag "{tag}" }
namespace mine { key "{session}:{id}"; ttl 5m; static }
namespace guest { key "{id}"; ttl 5m; static }
on GET "/users/{user_id}" { serve user "{user_id}" unless header "Cache-Control" }
on GET "/home/{user_id}" { serve home "{user_id}" }
on GET "/shops/{id}" { serve shop "{id}" }
on GET "/items/{shop}/{id}" { serve shop.item "{shop}:{id}" }
on GET "/pages/{path...}" { serve page "{path...}" }
on GET "/mine/{id}" { let session = cookie "sid"; serve mine "{session}:{id}" }
on GET "/guest/{id}" { serve guest "{id}" unless cookie "sid" }
on event "old_pages" (at) { drop page matching "{at}/*" }
"""


class Edge(unittest.TestCase):
    """What a CDN would do with what it is told: the names an answer carries, and those that are purged."""

    def edge(self, options, answer, more=""):
        self.cdn = recorder(self)
        self.app = self.enterContext(Upstream(answer))
        return self.enterContext(HttpGateway(EDGE, self.app, options, conf=sink(self.cdn, "fastly", more), gateway='role = "admin"\n',
                                             environment={"CDN": KEY}))

    def test_fastly_and_cloudflare_are_told_each_in_its_words(self):
        for shape, field, between in (("fastly", "Surrogate-Key", " "), ("cloudflare", "Cache-Tag", ",")):
            with self.subTest(shape):
                gateway = self.edge(f'cdn = "{shape}"\n', lambda request: Answer(200, b"x", {"Cache-Tag": "mine"}))
                for state in ("uri-miss", "hit"):
                    told = gateway.get("/users/a%3A7")
                    self.assertEqual(told.cache, state)
                    self.assertEqual(told.headers.get_all("CDN-Cache-Control"), ["max-age=300"])
                    self.assertEqual(told.headers.get_all("Surrogate-Control"), ["max-age=300"] if shape == "fastly" else None)
                    self.assertEqual([set(line.split(between)) for line in told.headers.get_all(field)], [{"mine", "user", "user:a:7", "users"}])
                self.assertEqual(gateway.get("/shops/1").headers["CDN-Cache-Control"], "max-age=300, stale-while-revalidate=30")

    def test_without_the_option_nothing_is_told(self):
        gateway = self.edge("", lambda request: Answer(200, b"x", {"Surrogate-Key": "mine"}))
        told = gateway.get("/users/7").headers
        self.assertEqual([told[name] for name in ("CDN-Cache-Control", "Surrogate-Control", "Surrogate-Key", "Cache-Tag")], [None] * 4)

    def test_the_application_s_word_to_the_cdn_holds(self):
        gateway = self.edge('cdn = "cloudflare"\n', lambda request: Answer(200, b"x", {"CDN-Cache-Control": "max-age=7"}))
        self.assertEqual(gateway.get("/users/7").headers.get_all("CDN-Cache-Control"), ["max-age=7"])

    def test_the_life_that_an_answer_gives_itself_counts_from_its_age(self):
        gateway = self.edge('cdn = "cloudflare"\n', lambda request: Answer(200, b"x", {"Age": "10"} | ({"Cache-Control": "max-age=100"} if "b" in request.target else {})))
        self.assertEqual(gateway.get("/users/b").headers["CDN-Cache-Control"], "max-age=100")
        self.assertEqual(gateway.get("/users/a").headers["CDN-Cache-Control"], "max-age=310")

    def test_what_hangs_on_more_than_the_url_is_not_the_cdn_s_to_keep(self):
        gateway = self.edge('cdn = "fastly"\n', lambda request: Answer(200, b"x"))
        for path in ("/mine/1", "/guest/1", "/items/a/1"):  # a cookie in the key; one in `unless`; a `with` that nobody gave
            told = gateway.get(path, Cookie="sid=5" if "mine" in path else "x=1")
            self.assertEqual((told.headers["CDN-Cache-Control"], told.headers["Surrogate-Control"], told.headers["Surrogate-Key"]),
                             ("no-store", "no-store", None), path)

    def test_every_drop_here_is_a_purge_of_what_it_concerns_and_of_nothing_else(self):
        gateway = self.edge('cdn = "fastly"\n', lambda request: Answer(200, b"x", {"Surrogate-Key": "menu"} if "menu" in request.target else {}),
                            'namespaces = ["*"]\n')
        redis = Talk(("127.0.0.1", gateway.port))
        self.addCleanup(redis.close)
        paths = ("/users/1", "/users/2", "/home/1", "/home/2", "/shops/1", "/pages/a/menu", "/pages/b")
        for command, concerned in ((("DROP", "user", "1"), {"/users/1", "/home/1"}), (("DROP", "TAG", "menu"), {"/pages/a/menu"}),
                                   (("DROP", "TAG", "users"), {"/users/1", "/users/2", "/home/1", "/home/2"}),
                                   (("DROP", "shop"), {"/shops/1"}), (("EVENT", "old_pages", "at", "a"), {"/pages/a/menu", "/pages/b"})):
            with self.subTest(command):
                carried = {path: set(gateway.get(path).headers["Surrogate-Key"].split()) for path in paths}
                before = len(self.cdn.got)
                redis("LARDER", *command)
                until(lambda: len(self.cdn.got) > before, "the CDN hears of it")
                purged = {key for one in self.cdn.got[before:] for key in one.headers["Surrogate-Key"].split()}
                self.assertEqual({path for path in paths if carried[path] & purged}, concerned)

    def test_a_304_leaves_an_answer_its_names(self):
        answers = []

        def answer(request):
            answers.append(request)
            if request.headers.get("If-None-Match"):
                return Answer(304, b"", {"ETag": '"1"', "Cache-Control": "max-age=300"})
            return Answer(200, b"x", {"ETag": '"1"', "Cache-Control": "max-age=0", "Surrogate-Key": "menu"})
        gateway = self.edge('cdn = "fastly"\n', answer)
        self.assertEqual(gateway.get("/pages/1").cache, "uri-miss")
        for state in ("stale", "hit"):
            told = gateway.get("/pages/1")
            self.assertEqual((told.cache, set(told.headers["Surrogate-Key"].split())), (state, {"menu", "page", "page:1"}))
        self.assertEqual(len(answers), 2)
        gateway.ask("PURGE", "/", headers={"Surrogate-Key": "menu"})
        self.assertEqual(gateway.get("/pages/1").cache, "uri-miss")


if __name__ == "__main__":
    unittest.main()
