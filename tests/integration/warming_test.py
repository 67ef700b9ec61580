# tests/integration/warming_test.py -- docs/warming.md as it stands, run against an origin that counts; warming, its progress, the
# ledger and what is never stored, through RESP, the program and the admin's HTTP.
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

from http_upstream import Answer, Upstream
from larder_server import SOURCE, LarderServer, find
from redis_server import until
from resp_talk import Refused, Talk

sys.path.insert(0, str(SOURCE / "tests/tidy"))
from docs import blocks_of, run_block  # noqa: E402

PAGE = SOURCE / "docs/warming.md"
TOKEN = "a-token-of-a-test-1234"


def policy_of_page():
    return next(block.text for block in blocks_of(PAGE)[0] if block.words == ["larder", "warming.larder"])


class Warming(unittest.TestCase):
    def start(self, policy, conf="", environment=None, store="", source=""):
        self.failing = None
        self.bodies = {}
        self.app = self.enterContext(Upstream(self.answer))
        self.server = self.enterContext(LarderServer(
            policy, store=store, environment={"TOKEN": TOKEN, **(environment or {})}, gateway='role = "admin"\n',
            admin='listen = ["127.0.0.1:0"]\n[admin.tokens]\nops = { role = "admin", secret = { env = "TOKEN" } }\n',
            conf=f'[source.api]\nplugin = "http"\nurl = "{self.app.url}"\ntimeout = "1s"\n{source}{conf}'))
        self.talk = self.enterContext(Talk(("127.0.0.1", self.server.port)))
        return self.talk

    def answer(self, request):
        if self.failing is not None:
            return self.failing
        return Answer(200, self.bodies.get(request.target, b"of " + request.target.encode()))

    def asked(self, beginning=""):
        return [r.target for r in self.app.requests if r.target.startswith(beginning)]

    def larder(self, *words):
        environment = {**os.environ, "LARDER_SOCKET": str(self.server.folder / "admin.sock")}
        return subprocess.run([find("larder"), *words], capture_output=True, text=True, env=environment, timeout=60)

    def http(self, method, path, body=None):
        request = urllib.request.Request(f"http://{self.server.addresses['admin_http']}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def ledger(self, space):
        return json.loads(self.talk("LARDER", "STATS"))["namespaces"][space]["ledger"]

    def test_the_page_says_what_is(self):
        self.start(policy_of_page())
        until(lambda: len(self.asked("/dashboard")) == 3, "what is warmed at startup")
        environment = {**os.environ, "LARDER_SOCKET": str(self.server.folder / "admin.sock"), "NO_COLOR": "1",
                       "PATH": f"{find('larder').resolve().parent}:{os.environ['PATH']}"}
        blocks = [block for block in blocks_of(PAGE)[0] if block.words == ["console", "warming"]]
        self.assertGreaterEqual(len(blocks), 2)
        for block in blocks:
            self.assertEqual("\n".join(run_block(block, self.server.folder, environment, str(self.server.port))), "")

    def test_seeds_warm_one_warm_all_and_statistics(self):
        self.start("""larder 1
namespace active_products { key "all"; ttl 30m }
namespace coverage { key "{firm}"; ttl 1h }
warm active_products "all" { from api "/products" }
warm coverage "{firm}" { from api "/coverage/{firm}"; for firm in "1", "a b" }
""")
        # POST /api/v1/cache/warm/{name}
        status, body = self.http("POST", "/api/v1/cache/warm/active_products")
        self.assertEqual((status, body["success"], body["message"]), (200, True, "Essential caches warmed successfully"))
        until(lambda: self.talk("EXISTS", "active_products:all") == 1, "one is warm")
        self.assertEqual(self.asked(), ["/products"])
        # POST /v1.0/cache/warm
        status, body = self.http("POST", "/v1.0/cache/warm")
        self.assertEqual((status, body["success"], body["queued"]), (200, True, 2))
        until(lambda: sorted(self.asked("/coverage")) == ["/coverage/1", "/coverage/a%20b"], "all are warm")
        # POST /api/v1/admin/cache/warm {cache_names}
        status, body = self.http("POST", "/api/v1/admin/cache/warm", {"cache_names": ["coverage", "no such"]})
        self.assertEqual((status, body["success"]), (404, False))
        self.assertEqual(self.talk("LARDER", "WARM", "coverage"), 1)
        self.assertEqual(self.talk("LARDER", "WARM"), 2)
        with self.assertRaises(Refused):
            self.talk("LARDER", "WARM", "nowhere")
        until(lambda: all(run["ended_ms"] for run in self.http("GET", "/v1.0/cache/warm")[1]["runs"]), "all runs are over")
        runs = self.http("GET", "/v1.0/cache/warm")[1]
        self.assertEqual([item["items"] for item in runs["items"]], [1, 2])
        self.assertEqual({run["percent"] for run in runs["runs"]}, {100})
        self.assertEqual(len(self.asked()), 3, "what was fresh was not asked for again")

    def test_a_whole_address_is_asked_only_where_it_is_allowed(self):
        other = self.enterContext(Upstream(lambda request: Answer(200, b"other")))
        third = self.enterContext(Upstream(lambda request: Answer(200, b"third")))
        self.start(f"""larder 1
namespace a {{ key "all"; ttl 1h }}
namespace b {{ key "all"; ttl 1h }}
namespace c {{ key "all"; ttl 1h }}
warm a "all" {{ from api "{other.url}/x?y=1" }}
warm b "all" {{ from api "{third.url}/x" }}
warm c "all" {{ from api "{other.url}0/x" }}
""", source=f'allow = ["{other.url}"]\nheaders = ["X-Secret: s"]\n')
        self.assertEqual(self.larder("warm", "a").returncode, 0)
        self.assertEqual([r.target for r in other.requests], ["/x?y=1"])
        self.assertNotIn("X-Secret", other.requests[0].headers)
        for space in "bc":
            self.assertEqual(self.larder("warm", space).returncode, 1)
        self.assertEqual(third.requests, [])
        self.assertEqual(len(other.requests), 1)
        until(lambda: any("is not asked" in line for line in self.server.log), "a line in the log")

    def test_an_origin_that_hangs_delays_the_start_by_no_more_than_its_bound_and_stores_nothing(self):
        hang = threading.Event()
        self.addCleanup(hang.set)
        app = self.enterContext(Upstream(lambda request: Answer(500, b"oops", wait=hang)))
        server = LarderServer('larder 1\nnamespace n { key "all"; ttl 1h }\nwarm n "all" { at startup; from api "/x" }\n',
                              conf=f'[warming]\nstartup_wait = "300ms"\n[source.api]\nplugin = "http"\nurl = "{app.url}"\ntimeout = "20s"\n')
        self.enterContext(server)
        with Talk(("127.0.0.1", server.port)) as talk:
            self.assertEqual(talk("EXISTS", "n:all"), 0)
        until(lambda: any("not all is warm after 300 ms" in line for line in server.log), "it says so")

    def test_the_ledger_is_the_origins_own_count(self):
        self.start("""larder 1
namespace product { key "{id}"; ttl 1h; source api "/products/{id}"; absent 1m }
warm product "{id}" { for id in "1", "2", "3" }
""")
        self.assertEqual(self.larder("warm").returncode, 0)
        accesses = 0
        for _ in range(7):
            for number in range(10):
                self.talk("GET", f"product:{number}")
                accesses += 1
        ledger = self.ledger("product")
        self.assertEqual(ledger["origin_queries"], len(self.asked()))
        self.assertEqual(ledger["queries_avoided"], accesses - len(self.asked()))
        self.assertEqual(ledger["warmed"], 3)
        self.assertTrue(ledger["exact"])
        self.assertGreater(ledger["ms_saved"], 0)
        self.assertGreater(ledger["bytes_spent"], 0)
        shown = self.http("GET", "/api/v1/cache/stats")[1]["by_namespace"]["product"]["ledger"]
        self.assertEqual(shown["queries_avoided"], ledger["queries_avoided"])

    def test_planted_passwords_reach_no_file_and_no_tier(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-never-"))
        self.addCleanup(shutil.rmtree, folder, True)
        secret = "hunter2-planted-password"
        self.start("""larder 1
namespace user { key "{id}"; ttl 1h; never store json "password" then strip; never store key "*:reset"; source api "/users/{id}" }
namespace card { key "{id}"; ttl 1h; never store json "cvv" }
""", store=f'[store.disk]\nplugin = "lmdb"\npath = "{folder}/tier"\ncapacity = "16MiB"\n')
        planted = json.dumps({"name": "Ann", "password": secret, "more": [{"Password": secret}]})
        self.assertEqual(self.talk("SET", "user:1", planted), b"OK")
        self.assertEqual(json.loads(self.talk("GET", "user:1")), {"name": "Ann", "more": [{}]})
        with self.assertRaisesRegex(Refused, "never stored"):
            self.talk("SET", "card:1", json.dumps({"cvv": secret}))
        with self.assertRaisesRegex(Refused, "never stored"):
            self.talk("SET", "user:1:reset", secret)
        self.bodies["/users/2"] = planted.encode()
        self.assertEqual(self.talk("GET", "user:2").decode(), planted)  # who asks gets what its source says
        self.assertEqual(json.loads(self.talk("GET", "user:2")), {"name": "Ann", "more": [{}]})
        self.assertIn("never stored", self.larder("put", "card", "2", '{"cvv":1}').stderr)
        self.server.stop()
        files = [path for path in folder.rglob("*") if path.is_file()] + [path for path in self.server.folder.rglob("*") if path.is_file()]
        self.assertTrue(any(path.stat().st_size > 0 for path in files))
        for path in files:
            self.assertNotIn(secret.encode(), path.read_bytes(), path)

    def test_what_is_learnt_is_shown_and_planned(self):
        self.start("""larder 1
namespace report { key "{id}"; ttl 10m; source api "/reports/{id}" }
warm report { learn 7d at least 10 hits priority 5; every 30m; at most 20 at once }
""", conf='[source.learned]\nplugin = "predictive"\n')
        for _ in range(12):
            self.talk("GET", "report:1")
            self.talk("LARDER", "DROP", "report", "1")
        until(lambda: json.loads(self.larder("warm", "--patterns").stdout or "{}").get("patterns"), "a pattern", 20)
        status, body = self.http("GET", "/api/v1/monitoring/cache/v2/patterns/analysis")
        self.assertEqual((status, body["success"]), (200, True))
        self.assertEqual([(p["key"], p["access_count"] >= 10) for p in body["patterns"]], [("1", True)])
        self.assertLessEqual({"access_type", "preload_priority", "predictability_score", "peak_hours"}, body["patterns"][0].keys())
        plan = self.larder("plan", "warm")
        self.assertEqual((plan.returncode, plan.stdout), (0, "nothing would be made until the next run\n"))
        self.assertEqual(json.loads(self.larder("warm", "--week").stdout)["patterns"], [])


if __name__ == "__main__":
    unittest.main()
