# tests/integration/admin_http_test.py -- the admin API over a real socket: metrics, alerts, bad clients, Redis' figures.
import errno
import hashlib
import hmac
import http.client
import json
import pathlib
import re
import shutil
import socket
import subprocess
import unittest

from larder_program import larder
from larder_server import SOURCE, LarderServer
from post_recorder import recorder
from redis_server import RedisServer, until
from resp_talk import Talk

TOKEN = "an operator's token of a test"
SECRET = "a secret between two"
POLICY = """larder 1
namespace menu { key "{id}"; ttl 5m; log misses }
namespace user { key "{user_id}"; ttl 5m; compress brotli above 1KiB }
on write "/users/{user_id}" { drop user "{user_id}" }
on event "user_changed" (user_id) { drop user "{user_id}" }
alert bad_rate when hit_rate < 80% for 1h -> SINKS
"""
ADMIN = 'listen = ["127.0.0.1:0"]\n'
TOKENS = '[admin.tokens]\nops = { role = "admin", secret = { env = "OPS" } }\n' \
         '[admin.entities]\nuser_id = "user_changed"\n'
CODEC = '[codec.brotli]\nplugin = "brotli"\n'
PROMETHEUS = '[exporter.metrics]\nplugin = "prometheus"\n'


def promtool(*words, **more):
    if shutil.which("promtool") is None:
        raise unittest.SkipTest("promtool is not here (Debian: prometheus)")
    return subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, timeout=60, **more)


def sink(name, server):
    return f'[sink.{name}]\nplugin = "webhook"\nurl = "http://127.0.0.1:{server.server_port}/hook?x=1"\n' \
           'secret = { env = "HOOK" }\ntimeout = "2s"\n'


class Admin:
    """A larder with an admin listener, and questions to it."""

    def serve(self, sinks="log", conf="", store="", admin=""):
        server = LarderServer(POLICY.replace("SINKS", sinks), conf=TOKENS + CODEC + PROMETHEUS + conf, store=store,
                              admin=ADMIN + admin, environment={"OPS": TOKEN, "HOOK": SECRET})
        self.server = self.enterContext(server)
        host, _, port = server.addresses["admin_http"].rpartition(":")
        self.at = (host, int(port))
        self.redis = Talk(("127.0.0.1", server.port))
        self.addCleanup(self.redis.close)

    def ask(self, method, path, body=None, token=TOKEN):
        connection = http.client.HTTPConnection(*self.at, timeout=20)
        try:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def json(self, method, path, body=None):
        status, text = self.ask(method, path, body)
        self.assertLess(status, 300, text)
        return json.loads(text)

    def raw(self, data):
        """What is answered to these bytes, until the other side closes."""
        with socket.create_connection(self.at, timeout=20) as line:
            out = b""
            try:
                line.sendall(data)
                line.shutdown(socket.SHUT_WR)
                while chunk := line.recv(65536):
                    out += chunk
            except OSError as error:  # it was closed with something unread, or before all was said
                if not isinstance(error, ConnectionError) and error.errno != errno.ENOTCONN:
                    raise
        return out


class Metrics(Admin, unittest.TestCase):
    def setUp(self):
        self.serve()

    def test_promtool_finds_nothing_wrong_with_the_metrics(self):
        for i in range(200):
            self.redis("SET", f"user:{i}", "x" * 3000)
            self.redis("GET", f"user:{i}")
        self.redis("LARDER", "ROUTE", "PUT", "/users/7", "200")
        status, text = self.ask("GET", "/metrics")
        self.assertEqual(status, 200)
        checked = promtool("check", "metrics", input=text)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))
        for name in ("larder_requests_total", "larder_request_duration_seconds_bucket", "larder_tier_requests_total", "larder_entries",
                     "larder_bytes", "larder_evictions_total", "larder_invalidations_total", "larder_compression_bytes_total",
                     "larder_breaker_state", "larder_loads_total", "larder_policy_generation", "larder_store_errors_total",
                     "larder_entry_ends_total", "process_resident_memory_bytes"):
            self.assertRegex(text, rf"(?m)^{name}[{{ ]")

    def test_metrics_follow_traffic_and_never_name_a_key(self):
        self.redis("SET", "user:thatkey", "x")
        for _ in range(10):
            self.redis("GET", "user:thatkey")
        self.redis("GET", "user:otherkey")
        _, text = self.ask("GET", "/api/v1/cache/metrics")
        self.assertIn('larder_requests_total{namespace="user",op="get",result="hit"} 10', text)
        self.assertIn('larder_requests_total{namespace="user",op="get",result="miss"} 1', text)
        self.assertNotIn("thatkey", text)
        self.assertNotIn("otherkey", text)

    def test_labels_do_not_grow_with_keys(self):
        def series():
            return len(re.findall(r"(?m)^[a-z]", self.ask("GET", "/metrics")[1]))
        self.redis("SET", "user:0", "x")
        for i in range(64):
            self.redis("GET", "user:0")
        self.ask("GET", "/metrics")
        before = series()
        for i in range(2000):
            self.redis("SET", f"user:{i}", "x")
            self.redis("GET", f"user:{i}")
        # A histogram appears with its first sample.
        self.assertLess(series(), before + 150)

    def test_refused_requests_are_counted(self):
        self.ask("GET", "/metrics", token="nobody's token at all")
        self.ask("GET", "/metrics", token=None)
        self.assertIn('larder_admin_requests_total{endpoint="none",code="401"} 2', self.ask("GET", "/metrics")[1])

    def test_a_miss_is_logged_with_its_time_and_without_its_key(self):
        self.redis("GET", "menu:verysecretkey")
        self.redis("SET", "menu:verysecretkey", "x")
        line = until(lambda: next((one for one in self.server.log if "miss of menu" in one), None), "the miss is logged")
        self.assertRegex(line, r"miss of menu key_hash=[0-9a-f]{16} took_us=\d+")
        self.assertNotIn("verysecretkey", "".join(self.server.log))


class Rules(unittest.TestCase):
    def test_the_rules_that_ship_are_valid_and_pass_their_tests(self):
        folder = SOURCE / "conf/prometheus"
        checked = promtool("check", "rules", folder / "larder.rules.yml")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        tested = promtool("test", "rules", "larder.rules.test.yml", cwd=folder)
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)

    def test_the_dashboard_asks_only_for_metrics_that_there_are(self):
        board = json.loads((SOURCE / "conf/grafana/larder.json").read_text(encoding="utf-8"))
        families = (SOURCE / "kernel/api/families.cpp").read_text(encoding="utf-8")
        rules = (SOURCE / "conf/prometheus/larder.rules.yml").read_text(encoding="utf-8")
        known = set(re.findall(r'"((?:larder|process)_[a-z_]+)"', families)) | set(re.findall(r"record: (\S+)", rules))
        text = json.dumps([panel.get("targets", []) for panel in board["panels"]])
        asked = set(re.findall(r"\b(larder[_:][a-z_:0-9]+|process_[a-z_]+)", text))
        lost = {name for name in asked if re.sub(r"_(bucket|sum|count)$", "", name) not in known}
        self.assertEqual(lost, set())
        rows = {panel["title"] for panel in board["panels"] if panel["type"] == "row"}
        self.assertLessEqual({"Cache performance", "Memory usage", "Cache types", "Error rate"}, rows)


class Alerts(Admin, unittest.TestCase):
    def test_an_alert_reaches_its_webhook_once_signed_and_is_resolved_once(self):
        hook = recorder(self)
        self.serve("webhook ops", sink("ops", hook))
        for i in range(10):
            self.redis("GET", f"user:{i}")
        told = self.json("POST", "/api/v1/alerts/check")["alerts"][0]
        self.assertEqual((told["type"], told["firing"]), ("bad_rate", True))
        until(lambda: hook.got, "the webhook hears of it")
        self.json("POST", "/api/v1/alerts/check")
        headers, body, _ = hook.got[0]
        event = json.loads(body)
        self.assertEqual((event["type"], event["state"], event["condition"]), ("bad_rate", "firing", "hit_rate < 80%"))
        self.assertEqual(event["readings"][0]["value"], 0)
        seconds, said = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers["X-Larder-Signature"]).groups()
        wanted = hmac.new(SECRET.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
        self.assertTrue(hmac.compare_digest(said, wanted))
        self.redis("SET", "user:1", "x")
        for _ in range(1000):
            self.redis("GET", "user:1")
        self.assertFalse(self.json("POST", "/api/v1/alerts/check")["alerts"][0]["firing"])
        until(lambda: len(hook.got) == 2, "it is told that it is over")
        self.assertEqual(json.loads(hook.got[1][1])["state"], "resolved")

    def test_what_a_webhook_refuses_is_sent_again(self):
        hook = recorder(self, 500)
        self.serve("webhook ops", sink("ops", hook))
        self.redis("GET", "user:1")
        self.json("POST", "/api/v1/alerts/check")
        until(lambda: len(hook.got) == 2, "it is sent again")
        self.assertEqual(hook.got[0][1], hook.got[1][1])
        self.assertEqual(hook.got[0][0]["X-Larder-Event"], hook.got[1][0]["X-Larder-Event"])

    def test_a_webhook_that_hangs_holds_neither_the_other_sinks_nor_the_api(self):
        stuck, good = recorder(self, 0, 0, 0, 0), recorder(self)
        self.serve("webhook stuck, webhook good, log", sink("stuck", stuck) + sink("good", good))
        self.redis("GET", "user:1")
        self.json("POST", "/api/v1/alerts/check")
        until(lambda: good.got, "the other webhook hears of it")
        until(lambda: any("alert bad_rate fires" in line for line in self.server.log), "the log has it")
        self.assertEqual(self.ask("GET", "/healthz")[0], 200)

    def test_the_program_says_what_alerts_measure_and_judges_at_once(self):
        self.serve()
        for i in range(10):
            self.redis("GET", f"user:{i}")
        socket_path = self.server.folder / "admin.sock"
        quiet = larder("alerts", "--socket", socket_path)
        self.assertEqual(quiet.returncode, 0, quiet.stderr)
        self.assertRegex(quiet.stdout, r"bad_rate +would fire .*\n +hit_rate < 0.8 +now 0 +holds")
        loud = larder("alerts", "--now", "--json", "--socket", socket_path)
        self.assertEqual(loud.returncode, 1, loud.stderr)
        self.assertTrue(json.loads(loud.stdout)["alerts"][0]["firing"])
        until(lambda: any("alert bad_rate fires" in line for line in self.server.log), "the log has it")


class Listener(Admin, unittest.TestCase):
    def setUp(self):
        self.serve(admin="rate = 0\nconnections = 4\n")
        self.good = f"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n".encode()

    def status(self, data):
        answer = self.raw(data)
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else None

    def test_what_is_no_request_or_too_large_is_told_so(self):
        self.assertEqual(self.status(self.good + b"\r\n"), 200)
        self.assertEqual(self.status(b"what is this\r\n\r\n"), 400)
        self.assertEqual(self.status(self.good + b"X: " + b"a" * 20_000 + b"\r\n\r\n"), 431)
        self.assertEqual(self.status(self.good + b"Content-Length: 2000000\r\n\r\n"), 413)
        self.assertEqual(self.status(self.good + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400)

    def test_several_requests_use_one_connection(self):
        connection = http.client.HTTPConnection(*self.at, timeout=20)
        self.addCleanup(connection.close)
        for _ in range(50):
            connection.request("GET", "/healthz", headers={"Authorization": f"Bearer {TOKEN}"})
            self.assertEqual(connection.getresponse().read(), b'{"status":"ok"}\n')

    def test_more_connections_than_allowed_are_closed_and_the_others_stay(self):
        lines = [socket.create_connection(self.at, timeout=20) for _ in range(4)]
        for line in lines:
            self.addCleanup(line.close)
            line.sendall(self.good + b"\r\n")
            self.assertTrue(line.recv(100).startswith(b"HTTP/1.1 200"))
        self.assertEqual(self.raw(self.good + b"\r\n"), b"")
        lines[0].sendall(self.good + b"\r\n")
        self.assertTrue(lines[0].recv(4096))

    def test_half_a_request_holds_up_nobody(self):
        with socket.create_connection(self.at, timeout=20) as slow:
            slow.sendall(self.good[:20])
            self.assertEqual(self.ask("GET", "/healthz")[0], 200)

    def test_an_address_that_others_reach_is_refused_unless_it_is_asked_for(self):
        folder = pathlib.Path(self.server.folder)
        conf = (folder / "larder.toml").read_text(encoding="utf-8").replace('listen = ["127.0.0.1:0"]', 'listen = ["0.0.0.0:0"]')
        (folder / "open.toml").write_text(conf.replace("admin.sock", "other.sock"), encoding="utf-8")
        ran = larder("serve", "--conf", folder / "open.toml", OPS=TOKEN, HOOK=SECRET)
        self.assertEqual(ran.returncode, 1, ran.stdout)
        self.assertIn("remote = true", ran.stderr)


class RedisBehind(Admin, unittest.TestCase):
    """H's fields come from the Redis behind a tier, and say so when it is gone."""

    def test_health_tells_redis_version_memory_and_clients_and_that_it_is_gone(self):
        redis = self.enterContext(RedisServer())
        self.serve(store=f'[store.l2]\nplugin = "redis"\nurl = "redis://127.0.0.1:{redis.address[1]}"\n')
        until(lambda: self.json("GET", "/v1.0/cache/health")["cache_info"]["redis_version"], "Redis was asked")
        detailed = self.json("GET", "/v1.0/cache/health/detailed")
        info = detailed["cache_info"]
        self.assertRegex(info["redis_version"], r"^\d+\.\d+\.\d+$")
        self.assertRegex(info["used_memory"], r"^\d+\.\d\d[KMG]$")
        self.assertGreaterEqual(info["connected_clients"], 1)
        statistics = detailed["detailed_statistics"]
        self.assertEqual(statistics["redis_mode"], "standalone")
        self.assertGreater(statistics["memory_usage"]["memory_fragmentation_ratio"], 0)
        self.assertGreater(statistics["connections"]["total_connections_received"], 0)
        redis.kill()

        def gone():
            self.redis("GET", "user:1")
            return self.ask("GET", "/v1.0/cache/health")[0] == 503
        until(gone, "the store says that it is gone")
        self.assertEqual(json.loads(self.ask("GET", "/v1.0/cache/health")[1]),
                         {"success": False, "error": "Redis cache not available", "cache_available": False})
        self.assertEqual(self.ask("GET", "/readyz")[0], 503)
        self.assertEqual(self.ask("GET", "/healthz")[0], 200)
        self.assertRegex(self.ask("GET", "/metrics")[1], r'larder_store_errors_total\{store="l2",kind="io"\} [1-9]')


if __name__ == "__main__":
    unittest.main()
