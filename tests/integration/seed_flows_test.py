# tests/integration/seed_flows_test.py -- what three systems' documents say of sessions, warming and preloading, with the policies
# that ship for them: quoted, on two nodes above one real Redis, through redis-py at one node and HTTP at the other.
import base64
import json
import unittest
import urllib.parse

from http_upstream import Answer, Upstream
from migrating_test import CODECS, policy_text
from redis_nodes import store_of
from redis_server import RedisServer, until
from session_nodes import SessionNode, dump_of, key_of

try:
    import redis
except ImportError:
    redis = None
try:
    from cryptography.fernet import Fernet
except ImportError:
    Fernet = None

ORIGIN = "http://127.0.0.1:8000"  # what the shipped policies ask
SOME_SESSIONS = "\nsession kiosk { ttl 1h; store l2 }\n"
KEY = "your-32-byte-key-your-32-byte-ke"  # "SESSION_ENCRYPTION_KEY=your-32-byte-key"


@unittest.skipIf(redis is None, "python3-redis is not here")
class Flows(unittest.TestCase):
    policy, session, more = "", "login", ""

    def setUp(self):
        self.redis = self.enterContext(RedisServer())
        self.app = self.enterContext(Upstream(self.origin))
        text = policy_text(self.policy).replace(ORIGIN, self.app.url)
        if self.session == "kiosk":  # a system without sessions: some, to know that the nodes are there
            text += SOME_SESSIONS
        self.conf = conf = (f'[session.{self.session}]\nplugin = "sealed"\nkeys = {{ env = "SESSION_ENCRYPTION_KEY" }}\nFORMAT\n'
                f'[source.http]\nplugin = "http"\nurl = "{self.app.url}"\n'
                f'[source.redis]\nplugin = "redis"\nurl = "redis://127.0.0.1:{self.redis.port}"\n'
                f'[sink.ops]\nplugin = "webhook"\nurl = "{self.app.url}/alerts"\n{self.more}{CODECS}'
                '[admin.tokens]\nops = { role = "admin", secret = { env = "OPS" } }\n')
        self.a, self.b = (SessionNode(self, store_of(self.redis.address), form="fernet", keys=KEY, policy=text, conf=conf,
                                      session=self.session, first_tier="l1", gateway='role = "admin"\n') for _ in range(2))
        # redis-py's at both nodes, so that each flow crosses over.
        self.pa, self.pb = (self.enterContext(redis.Redis(port=node.server.port, decode_responses=True)) for node in (self.a, self.b))

    def origin(self, request):
        return Answer(200, b"of " + request.target.encode())

    def asked(self, beginning):
        return [r.target for r in self.app.requests if r.target.startswith(beginning)]

    def sessions(self, client, *words):
        return client.execute_command("LARDER", "SESSION", *words)

    def gone(self, client, *keys):
        until(lambda: client.exists(*keys) == 0, f"{keys} are gone", 10)


class AuraConnect(Flows):
    policy, session = "auraconnect", "staff_login"

    def test_aura_sessions(self):
        """AuraConnect: "Encrypted session storage", "Multi-instance session sharing", "Automatic session expiration", "User session tracking\""""
        made = self.sessions(self.pa, "CREATE", "staff_login", "42", '{"tenant":1,"shift":"late"}')
        # "Encryption: Session data is encrypted using Fernet symmetric encryption"
        self.assertNotIn(b"tenant", dump_of(self.redis))
        if Fernet is not None:
            record = self.redis("GET", key_of(made, "staff_login")[1])
            self.assertIn(b'"shift":"late"', Fernet(base64.urlsafe_b64encode(KEY.encode())).decrypt(record[24:]))
        # "Multi-instance session sharing"
        status, found = self.b.ask("get", id=made)
        self.assertEqual((status, found["data"], found["user"]), (200, {"tenant": 1, "shift": "late"}, "42"))
        self.b.ask("update", id=made, patch={"shift": "early"})
        self.assertEqual(json.loads(self.sessions(self.pa, "GET", "staff_login", made)), {"tenant": 1, "shift": "early"})
        # "Automatic session expiration", "| session | 30 minutes | User sessions |"
        self.assertLessEqual(found["idle_ms"], 30 * 60_000)
        self.assertGreater(found["idle_ms"], 29 * 60_000)
        brief = self.sessions(self.pb, "CREATE", "staff_login", "42", "x", "PX", "300")
        until(lambda: self.redis("EXISTS", key_of(brief, "staff_login")[1]) == 0, "the store has forgotten it", 10)
        self.assertEqual(self.a.ask("get", id=brief)[0], 404)
        # "User session tracking"
        self.assertEqual(len(self.b.ask("list", user="42")[1]["sessions"]), 1)
        self.assertEqual(self.b.ask("end-user", user="42")[1]["ended"], 1)
        self.assertIsNone(self.sessions(self.pa, "GET", "staff_login", made))

    def test_aura_warming(self):
        """AuraConnect: "Proactive cache warming for critical data", common_date_ranges, POST /api/v1/cache/warm/..."""
        # "common_date_ranges = [(today, today), (today - timedelta(days=7), today), (today - timedelta(days=30), today)]"
        status, told = self.a.http("POST", "/api/v1/cache/warm/analytics.dashboard")
        self.assertEqual((status, told["success"]), (200, True))
        keys = [f"analytics.dashboard:{span}:{span}:t1" for span in ("today", "week", "month")]
        # "await get_dashboard_data(start, end)  # Populates cache": for the other instance, too.
        for span, key in zip(("today", "week", "month"), keys):
            until(lambda key=key: self.pb.exists(key), f"{key} is warm", 10)
            self.assertEqual(self.pb.get(key), f"of /api/v1/analytics/dashboard?range={span}")
        self.assertEqual(len(self.asked("/api/v1/analytics/dashboard")), 3)

    def test_aura_invalidation(self):
        """AuraConnect: DELETE /api/v1/cache/invalidate/pattern, /tag and /namespace reach every instance"""
        menu = ["menu.item:123:t1", "menu.item:123:t2", "menu.item:9:t1"]
        for key in menu:
            self.pa.set(key, "x")
        self.pa.set("orders.active:restaurant:5:table:10", "x")
        self.pa.set("analytics.report:daily:2024-01-01:2024-01-02:t1", "x")
        for path, keys in (("pattern?pattern=" + urllib.parse.quote("orders.active:*"), ["orders.active:restaurant:5:table:10"]),
                           ("namespace/analytics", ["analytics.report:daily:2024-01-01:2024-01-02:t1"]),
                           ("tag?tag=menu_items", menu)):
            until(lambda keys=keys: self.pb.exists(*keys) == len(keys), "the other instance has it", 10)
            self.assertEqual(self.a.http("DELETE", f"/api/v1/cache/invalidate/{path}{'&' if '?' in path else '?'}confirm=1")[0], 200, path)
            self.gone(self.pb, *keys)
            self.gone(self.pa, *keys)


class Enhanced(Flows):
    policy, session = "enhanced", "kiosk"
    more = '[source.learned]\nplugin = "predictive"\n'

    def test_enhanced_levels(self):
        """enhancements: "L1: Local memory cache", "L2: Redis cache with optional compression", GET .../multi-level/flow"""
        report = json.dumps([{"sku": f"item-{n % 7}", "sold": n} for n in range(400)])
        self.pa.set("reports:9", report)
        # "Automatic promotion/demotion between levels": the other instance reads it from Redis once, then from memory.
        for _ in range(20):
            self.assertEqual(self.pb.get("reports:9"), report)
        status, flow = self.b.http("GET", "/api/v1/monitoring/cache/v2/multi-level/flow")
        self.assertEqual(status, 200)
        text = json.dumps(flow)
        self.assertIn("l1", text)
        self.assertIn("l2", text)
        stored = max((self.redis("STRLEN", key) for key in self.redis("KEYS", "larder:v:{reports:*")), default=0)
        # "Configurable compression threshold (default: 1KB)"
        self.assertGreater(stored, 0)
        self.assertLess(stored, len(report) // 3)

    def test_enhanced_patterns(self):
        """enhancements: "Automatic tracking of cache access patterns", "Predictability scoring", "Peak hour detection\""""
        # "PATTERN_MIN_ACCESS_COUNT=10": who asks through redis-py at both nodes is seen by each for itself.
        for _ in range(12):
            for client in (self.pa, self.pb):
                client.get("analytics:dashboard")
        for _ in range(3):
            self.pa.get("analytics:once")

        def analysis(node):
            # "GET /api/v1/monitoring/cache/v2/patterns/analysis"
            status, told = node.http("GET", "/api/v1/monitoring/cache/v2/patterns/analysis")
            self.assertEqual(status, 200)
            return told.get("patterns")
        for node in (self.a, self.b):
            patterns = until(lambda node=node: analysis(node), "a pattern", 20)
            # "Exclude one-time operations"
            self.assertEqual([one["key"] for one in patterns], ["dashboard"])
            self.assertGreaterEqual(patterns[0]["access_count"], 10)
            # "daily, periodic, burst, constant"; "if pattern.preload_priority >= 8"
            self.assertIn(patterns[0]["access_type"], ("daily", "periodic", "burst", "constant"))
            self.assertIn(patterns[0]["preload_priority"], range(11))
            self.assertIn("peak_hours", patterns[0])

    def test_enhanced_versions(self):
        """enhancements: "Will automatically handle V1 -> V2 migration", on the instance that reads"""
        before = policy_text(self.policy).replace(ORIGIN, self.app.url)
        for line in ('  version 2 accepts 1  # entries written by v1 are migrated when they are read\n',
                     '  migrate 1 -> 2 { rename "name" to "full_name"; default "preferences" object }\n'):
            self.assertIn(line, before)
            before = before.replace(line, "")
        before = before[:before.index("# ---- what the seed promises")]
        old = SessionNode(self, store_of(self.redis.address), form="fernet", keys=KEY, conf=self.conf, session="kiosk", first_tier="l1",
                          policy=before + SOME_SESSIONS)
        with redis.Redis(port=old.server.port, decode_responses=True) as client:
            client.set("user_data:7", '{"name":"Ann"}')
        self.assertEqual(json.loads(self.pb.get("user_data:7")), {"full_name": "Ann", "preferences": {}})
        status, _ = self.a.http("POST", "/api/v1/route", {"method": "PUT", "path": "/api/v1/users/7", "status": 200})
        self.assertEqual(status, 200)
        self.gone(self.pb, "user_data:7")


class Panic(Flows):
    policy = "panic"

    def test_panic_sessions(self):
        """panic button: create_session, get_session, update_session, delete_session"""
        # session_id = await session_manager.create_session(user_id, session_data)
        session_id = self.a.ask("create", user="42", data={"firm": 7})[1]["id"]
        # session_data = await session_manager.get_session(session_id)
        self.assertEqual(json.loads(self.sessions(self.pb, "GET", "login", session_id)), {"firm": 7})
        # await session_manager.update_session(session_id, updates)
        self.sessions(self.pb, "UPDATE", "login", session_id, '{"area":"north"}')
        self.assertEqual(self.a.ask("get", id=session_id)[1]["data"], {"firm": 7, "area": "north"})
        # "Session data: 30 minutes (1800s)"
        self.assertLessEqual(self.redis("PTTL", key_of(session_id)[1]), 1_800_000)
        # await session_manager.delete_session(session_id)
        self.assertEqual(self.sessions(self.pb, "END", "login", session_id), 1)
        self.assertEqual(self.a.ask("get", id=session_id)[0], 404)
        # Who is deleted is logged out, by the policy's own rule, on every instance.
        again = self.sessions(self.pb, "CREATE", "login", "42", "{}")
        self.a.talk("LARDER", "ROUTE", "DELETE", "/users/42")
        until(lambda: self.sessions(self.pb, "GET", "login", again) is None, "logged out", 10)

    def test_panic_warming(self):
        """panic button: warm_specific_cache("active_products"), POST /api/v1/admin/cache/warm, get_cache_statistics()"""
        until(lambda: self.pb.exists("active_products:all"), "it is warmed at startup", 10)
        self.pa.execute_command("LARDER", "DROP", "active_products")
        self.gone(self.pb, "active_products:all")
        before = len(self.asked("/products"))
        # POST /api/v1/admin/cache/warm {"cache_names": ["active_products", ...]}
        status, told = self.a.http("POST", "/api/v1/admin/cache/warm", {"cache_names": ["active_products"]})
        self.assertEqual((status, told["success"]), (200, True))
        # (A GET that misses promises a SET, `coalesce`; who only looks asks EXISTS.)
        until(lambda: self.pb.exists("active_products:all"), "the other instance has it", 10)
        self.assertEqual(self.pb.get("active_products:all"), "of /products")
        self.assertEqual(len(self.asked("/products")), before + 1)
        # "cache_names": [..., "coverage_areas"]: from the cache that the platform had, CacheKey.coverage_areas(firm_id), with the
        # time that is left there. What it does not have is not made.
        self.redis("SET", "firm:coverage_areas:1", "[\"north\"]", "EX", 600)
        self.redis("SET", "firm:coverage_areas:2", "[\"south\"]")
        status, told = self.b.http("POST", "/api/v1/admin/cache/warm", {"cache_names": ["firm.coverage_areas"]})
        self.assertEqual((status, told["success"]), (200, True))
        for firm, areas in (("1", '["north"]'), ("2", '["south"]')):
            until(lambda firm=firm: self.pa.exists(f"firm.coverage_areas:{firm}"), "the other instance has it", 10)
            self.assertEqual(self.pa.get(f"firm.coverage_areas:{firm}"), areas)
        self.assertLessEqual(self.pa.ttl("firm.coverage_areas:1"), 600)
        self.assertGreater(self.pa.ttl("firm.coverage_areas:2"), 600)
        self.assertEqual(self.pa.exists("firm.coverage_areas:3"), 0)
        # stats = await cache_warming_service.get_cache_statistics()
        self.assertEqual(self.b.http("GET", "/api/v1/admin/cache/stats")[0], 200)


del Flows  # a base


if __name__ == "__main__":
    unittest.main()
