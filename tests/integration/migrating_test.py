# tests/integration/migrating_test.py -- each row of docs/migrating.md, executed: a kernel is configured by the lines that the
# page gives, started with another value than the default, and has to do what the value says.
#
# The page is the table and this file is what shows it: a row without a check here fails, and so does a check without a row.
import base64
import json
import re
import tempfile
import unittest
import urllib.request

from larder_program import larder
from larder_server import SOURCE, LarderServer
from profiles_test import Environment
from redis_server import RedisServer, free_ports, until
from resp_talk import Refused, Talk

try:
    import redis
except ImportError:
    redis = None
try:
    import yaml
except ImportError:
    yaml = None
try:
    from cryptography.fernet import Fernet
except ImportError:
    Fernet = None

CODECS = ('[codec.brotli]\nplugin = "brotli"\n[codec.gzip]\nplugin = "zlib"\nformat = "gzip"\n'
          '[codec.zlib]\nplugin = "zlib"\nformat = "zlib"\n')
MEMORY_TIERS = '[store.l1]\nplugin = "memory"\n[store.l2]\nplugin = "memory"\n'
KEY = "your-32-byte-key-your-32-byte-ke"


def rows_of(page):
    """{heading's policy: [(was, where, is)]} of the page's tables."""
    found, policy = {}, None
    for line in page.splitlines():
        if heading := re.match(r"## .*policies/(\w+)\.larder", line):
            policy = heading[1]
        if line.startswith("| `") and policy:
            was, where, is_ = (cell.strip() for cell in line.strip("|").split("|"))
            found.setdefault(policy, []).append((was.strip("`"), where.strip("`"), is_.strip("`")))
    return found


PAGE = rows_of((SOURCE / "docs/migrating.md").read_text(encoding="utf-8"))


def line_of(policy, name):
    """What the page says a name becomes."""
    return next(is_ for was, _, is_ in PAGE[policy] if re.split(r"[=:]", was)[0] == name)


def in_order(text):
    return " ".join(text.split())


def policy_text(name):
    """A shipped policy in one piece."""
    text = (SOURCE / f"policies/{name}.larder").read_text(encoding="utf-8")

    def inline(use):
        shared = (SOURCE / "policies" / use[1]).read_text(encoding="utf-8")
        return shared.replace("larder 1", "", 1)
    return re.sub(r'(?m)^use "([^"]*)"$', inline, text)


@unittest.skipIf(redis is None, "python3-redis is not here")
class Moving(unittest.TestCase):
    """A kernel of one system; what its rows say of sections goes into its configuration."""

    def start(self, policy, conf, **environment):
        server = LarderServer(policy_text(policy), conf=conf + CODECS, environment=environment, gateway='role = "admin"\n',
                              admin='listen = ["127.0.0.1:0"]\nopen = ["metrics"]\n')
        self.enterContext(server)
        self.socket = str(server.folder / "admin.sock")
        client = redis.Redis(port=server.port, decode_responses=True)
        self.addCleanup(client.close)
        return server, client

    def ask(self, *words, status=0):
        ran = larder(*words, "--socket", self.socket)
        self.assertEqual(ran.returncode, status, f"{words}\n{ran.stdout}\n{ran.stderr}")
        return ran.stdout

    def stats(self, *words):
        return json.loads(self.ask("stats", *words))

    def runs_as(self, policy, *changes):
        """The kernel's policy means what the shipped one means with these literals in its place."""
        text = policy_text(policy)
        for said, literal in changes:
            self.assertIn(said, in_order(text))
            text = re.sub(r"\s+".join(map(re.escape, said.split())), literal, text, count=1)
        self.means_the_same(text)

    def planned(self, text):
        """What the kernel says it would do otherwise with another policy."""
        told = larder("plan", "--policy", self.enterContext(LiteralPolicy(text)), "--socket", self.socket)
        self.assertIn(told.returncode, (0, 1), told.stdout + told.stderr)
        return told.stdout

    def means_the_same(self, text):
        self.assertIn("the texts differ, what they mean does not", self.planned(text))

    def redis(self, *options, **more):
        return self.enterContext(RedisServer(*options, **more))

    def reaches(self, server, client, key="user_details:42"):
        def there():
            client.set(key, "x")
            return server("KEYS", "larder:v:*")
        self.assertTrue(until(there, "a put is in Redis"))


class LiteralPolicy:
    def __init__(self, text):
        self.text = text

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="larder-moving-")
        path = f"{self.folder.name}/literal.larder"
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.text)
        return path

    def __exit__(self, *_):
        self.folder.cleanup()


class Page(unittest.TestCase):
    def test_every_variable_and_key_of_the_five_documents_has_a_row(self):
        wanted = {
            "auraconnect": "REDIS_URL REDIS_PASSWORD REDIS_MAX_CONNECTIONS SESSION_ENCRYPTION_KEY CACHE_WARMING_ENABLED "
                           "CACHE_WARMING_INTERVAL_MINUTES redis.max_connections redis.socket_timeout monitoring.enabled "
                           "monitoring.alert_thresholds.hit_rate_min monitoring.alert_thresholds.latency_max_ms "
                           "monitoring.alert_thresholds.error_rate_max",
            "warehouse": "redis.host redis.port redis.db redis.password redis.max_connections types.sql_query "
                         "types.vector_search types.evidence_pack types.user_session types.config_data eviction.policy "
                         "eviction.max_memory eviction.max_memory_policy monitoring.track_hit_rate "
                         "monitoring.track_memory_usage monitoring.alert_threshold",
            "hotel": "REDIS_HOST REDIS_PORT REDIS_DB REDIS_PASSWORD USER_STATS_TTL USER_LIST_TTL USER_DETAILS_TTL "
                     "DASHBOARD_STATS_TTL SUPERADMIN_USER_LIST_TTL",
            "enhanced": "CACHE_COMPRESSION_ENABLED CACHE_COMPRESSION_THRESHOLD CACHE_COMPRESSION_ALGORITHM "
                        "MEMORY_CACHE_ENABLED MEMORY_CACHE_SIZE_PER_NAMESPACE MEMORY_CACHE_DEFAULT_TTL "
                        "PATTERN_ANALYSIS_ENABLED PATTERN_HISTORY_DAYS PATTERN_MIN_ACCESS_COUNT CACHE_PRELOAD_ENABLED "
                        "CACHE_PRELOAD_INTERVAL_MINUTES CACHE_PRELOAD_PRIORITY_THRESHOLD",
            "panic": "REDIS_URL REDIS_CACHE_TTL",
        }
        have = {policy: [re.split(r"[=:]", was)[0] for was, _, _ in rows] for policy, rows in PAGE.items()}
        self.assertEqual(have, {policy: names.split() for policy, names in wanted.items()})

    def test_every_line_that_the_page_says_is_in_a_policy_is_in_it(self):
        for policy, rows in PAGE.items():
            text = re.sub(r"\s+", " ", policy_text(policy))
            for was, where, is_ in rows:
                if where == "policy" and not was.startswith("types."):
                    with self.subTest(was):
                        self.assertIn(is_, text)


class AuraConnect(Moving):
    def conf(self, server, password=True):
        lines = [line_of("auraconnect", name) for name in
                 ("REDIS_URL", "REDIS_PASSWORD", "REDIS_MAX_CONNECTIONS", "redis.socket_timeout")
                 if password or name != "REDIS_PASSWORD"]
        return ('[store.l1]\nplugin = "memory"\n[store.l2]\nplugin = "redis"\n' + "\n".join(lines).replace('"5s"', '"200ms"') +
                f'\nconnect_timeout = "1s"\n[session.staff_login]\nplugin = "sealed"\nformat = "fernet"\n'
                f'{line_of("auraconnect", "SESSION_ENCRYPTION_KEY")}\n'
                f'[exporter.metrics]\n{line_of("auraconnect", "monitoring.enabled")}\n')

    def environment(self, server, **more):
        return {"REDIS_URL": f"redis://localhost:{server.port}/0", "REDIS_PASSWORD": "a-password",
                "REDIS_MAX_CONNECTIONS": "5", "SESSION_ENCRYPTION_KEY": KEY, **more}

    def test_url_password_connections_session_key_timeout_and_metrics_take_effect(self):
        server = self.redis(password="a-password")
        kernel, client = self.start("auraconnect", self.conf(server), **self.environment(server))
        self.reaches(server, client, "promotions.active:all:t1")

        talk = Talk(("127.0.0.1", kernel.port))
        self.addCleanup(talk.close)
        made = until(lambda: talk("LARDER", "SESSION", "CREATE", "staff_login", "42", '{"tenant":1}'), "a session is made")
        self.assertEqual(talk("LARDER", "SESSION", "GET", "staff_login", made.decode()), b'{"tenant":1}')
        if Fernet is not None:
            records = [server("GET", key) for key in server("KEYS", "larder:s:*:i:*")]
            ours = Fernet(base64.urlsafe_b64encode(KEY.encode()))
            self.assertTrue(any(b'{"tenant":1}' in ours.decrypt(record[24:]) for record in records))

        # Six at least, where it may have a hundred; the connection that asks is one more.
        pooled = server("CLIENT", "LIST").decode().splitlines()
        self.assertLessEqual(len(pooled), 5 + 1, pooled)

        host = kernel.addresses["admin_http"]
        with urllib.request.urlopen(f"http://{host}/metrics", timeout=20) as answer:
            self.assertIn("larder_requests_total", answer.read().decode())

        # `socket_timeout`: 200 ms here. A server that hangs is given up before the caller's own five seconds are over.
        server.freeze()
        try:
            client.get("orders.status:nobody")
            until(lambda: self.stats()["tiers"]["l2"]["errors"], "it was given up")
        finally:
            server.thaw()

    def test_a_wrong_password_reaches_no_redis_and_no_request_fails_for_it(self):
        server = self.redis(password="a-password")
        _, client = self.start("auraconnect", self.conf(server),
                               **self.environment(server, REDIS_PASSWORD="another"))
        client.set("promotions.active:all:t1", "x")
        self.assertEqual(server("KEYS", "larder:v:*"), [])

    def test_more_or_fewer_connections_than_there_can_be_are_told_with_their_line(self):
        with self.assertRaises(AssertionError) as raised:
            server = self.redis()
            self.start("auraconnect", self.conf(server, password=False), **self.environment(server, REDIS_MAX_CONNECTIONS="two"))
        self.assertIn("pool: expected a whole number", str(raised.exception))

    def test_warming_is_switched_and_timed_by_the_environment(self):
        said = line_of("auraconnect", "CACHE_WARMING_INTERVAL_MINUTES"), "every 7m"
        on = line_of("auraconnect", "CACHE_WARMING_ENABLED"), "if false"
        self.start("auraconnect", MEMORY_TIERS, CACHE_WARMING_INTERVAL_MINUTES="7", CACHE_WARMING_ENABLED="false")
        self.runs_as("auraconnect", said, on)
        self.start("auraconnect", MEMORY_TIERS)
        self.runs_as("auraconnect", (said[0], "every 30m"), (on[0], ""))

    def test_the_thresholds_are_alerts_that_measure(self):
        _, client = self.start("auraconnect", MEMORY_TIERS)
        for n in range(20):
            client.get(f"orders.status:{n}")
        told = {alert["type"]: alert for alert in json.loads(self.ask("alerts", "--json"))["alerts"]}
        self.assertEqual({name: alert["condition"] for name, alert in told.items()},
                         {"low_hit_rate": "hit_rate < 80%", "slow_cache": "latency_p95(l2) > 100ms",
                          "errors": "error_rate(l2) > 5%"})
        self.assertTrue(told["low_hit_rate"]["holds_now"], told)
        self.assertFalse(told["errors"]["holds_now"], told)


class Warehouse(Moving):
    ROWS = ("redis.host", "redis.port", "redis.db", "redis.max_connections")

    def conf(self, port, evicts=""):
        lines = "\n".join(line_of("warehouse", name) for name in self.ROWS).replace("6379", str(port))
        return (f'[store.l1]\nplugin = "memory"\n{line_of("warehouse", "eviction.max_memory")}\n'
                f'[store.l2]\nplugin = "redis"\n{lines}\n{evicts}\n[store.db]\nplugin = "memory"\n')

    def test_the_tree_s_redis_and_memory_are_reached_and_measured(self):
        server = self.redis()
        kernel, client = self.start("warehouse", self.conf(server.port, line_of("warehouse", "eviction.policy")))
        until(lambda: server("CONFIG", "GET", "maxmemory-policy")[1] == b"allkeys-lru", "the policy of its memory is set")
        self.reaches(server, client, "config_data:limits")
        stats = self.stats()
        self.assertEqual(stats["tiers"]["l1"]["capacity_bytes"], 2 << 30)
        self.assertFalse([line for line in kernel.log if "noeviction" in line])
        client.get("config_data:limits")
        self.assertEqual(self.stats()["namespaces"]["config_data"]["hits"], 1)
        self.assertGreater(self.stats()["tiers"]["l1"]["bytes"], 0)
        self.assertIn("memory_used(l2) > 0.8", self.ask("alerts"))

    def test_a_redis_that_would_refuse_writes_instead_of_evicting_is_warned_of(self):
        server = self.redis("--maxmemory-policy", "noeviction")
        kernel, client = self.start("warehouse", self.conf(server.port))
        until(lambda: any("noeviction" in line for line in kernel.log), "the log names the policy")

    def test_each_type_is_a_namespace_with_its_ttl_size_and_compression(self):
        kernel, client = self.start("warehouse", MEMORY_TIERS + '[store.db]\nplugin = "memory"\n')
        stats = self.stats()["namespaces"]
        changes = []
        for was, _, is_ in PAGE["warehouse"]:
            if not (row := re.match(r"types\.(\w+): \{ttl: (\d+), max_size: (\w+), compression: (\w+)\}", was)):
                continue
            name, ttl, size, packed = row.groups()
            with self.subTest(name):
                self.assertEqual(stats[name]["ttl_ms"], int(ttl) * 1000)
                clauses = is_.split("; ")
                self.assertEqual(clauses[:2], [f"ttl {ttl}s", f"limit {size}"])
                block = re.search(rf"(?ms)^namespace {name} \{{(.*?)^\}}", policy_text("warehouse"))[1]
                shipped = re.search(r"(?m)^  ttl ([^\n]*)$", block)[1]
                self.assertIn(clauses[1], block)
                self.assertIn(clauses[2], block)
                changes.append((block, block.replace(f"ttl {shipped}", clauses[0])))
                self.assertEqual("brotli" in clauses[2], packed == "true")
        # With the page's own words in the place of the shipped ones nothing would change.
        text = policy_text("warehouse")
        for before, after in changes:
            text = text.replace(before, after)
        self.means_the_same(text)
        self.assertIn("sql_query", self.planned(text.replace("limit 100MB", "limit 99MB")))

        text = json.dumps([{"row": n, "value": "the same"} for n in range(200)])
        for key in ("vector_search:q:f", "config_data:limits"):
            client.set(key, text)
        sizes = {name: one["bytes"] for name, one in self.stats()["namespaces"].items()}
        self.assertLess(sizes["vector_search"], len(text))
        self.assertGreater(sizes["config_data"], len(text))


class Hotel(Moving):
    def conf(self, *more, password=True):
        names = ["REDIS_HOST", "REDIS_PORT", "REDIS_DB"] + (["REDIS_PASSWORD"] if password else [])
        return ('[store.l2]\nplugin = "redis"\n' + "\n".join([line_of("hotel", name) for name in names] + list(more)) + "\n")

    def test_host_port_database_and_password_take_effect(self):
        server = self.redis(password="secure-password")
        _, client = self.start("hotel", self.conf("stream = false"), REDIS_HOST="127.0.0.1", REDIS_PORT=str(server.port),
                               REDIS_DB="2", REDIS_PASSWORD="secure-password")

        def there():
            client.set("user_details:42", "x")
            return "db2" in server("INFO", "keyspace").decode()
        until(there, "a put is in database 2")
        self.assertNotIn("db0", server("INFO", "keyspace").decode())

    def test_without_a_password_no_line_is_needed_and_a_host_that_is_not_there_is_no_error(self):
        [port] = free_ports(1)
        _, client = self.start("hotel", self.conf(password=False), REDIS_PORT=str(port))
        client.set("user_details:42", "x")
        self.assertEqual(client.get("user_details:42"), "x")

    def test_each_ttl_is_the_environment_s_or_the_document_s(self):
        keys = {"USER_STATS_TTL": ("user_stats:all", 300), "USER_LIST_TTL": ("user_list:1:all", 60),
                "USER_DETAILS_TTL": ("user_details:42", 180), "DASHBOARD_STATS_TTL": ("dashboard_stats:all", 600),
                "SUPERADMIN_USER_LIST_TTL": ("superadmin_user_list:1:all", 900)}
        tier = '[store.l2]\nplugin = "memory"\n'
        for factor in (1, 7):
            set_ = {name: str(7 * ttl) for name, (_, ttl) in keys.items()} if factor == 7 else {}
            _, client = self.start("hotel", tier, **set_)
            for name, (key, ttl) in keys.items():
                with self.subTest(name, factor=factor):
                    client.set(key, "x")
                    self.assertTrue(factor * ttl - 5 <= client.ttl(key) <= factor * ttl, client.ttl(key))


class Enhanced(Moving):
    def ways(self, **environment):
        """How reports of 1,500 and 4,000 bytes are kept."""
        _, client = self.start("enhanced", MEMORY_TIERS, **environment)
        client.set("reports:short", "a report line\n" * 107)
        client.set("reports:long", "a report line\n" * 285)
        told = self.stats("compression")["by_namespace"].get("reports") or {"ways": []}
        return {way["way"].split()[0]: way for way in told["ways"]}

    def packed(self, ways, codec):
        return next((way for name, way in ways.items() if name.startswith(codec)), {}).get("values", 0)

    def test_compression_has_the_algorithm_the_threshold_and_the_switch_of_the_environment(self):
        self.assertEqual(self.packed(self.ways(), "gzip"), 2)
        self.assertEqual(self.packed(self.ways(CACHE_COMPRESSION_ALGORITHM="zlib"), "zlib"), 2)
        self.assertEqual(self.packed(self.ways(CACHE_COMPRESSION_THRESHOLD="2000"), "gzip"), 1)
        self.assertEqual(self.packed(self.ways(CACHE_COMPRESSION_ENABLED="false"), "gzip"), 0)

    def test_an_algorithm_that_is_not_there_is_told_before_the_start(self):
        with self.assertRaises(AssertionError) as raised:
            self.start("enhanced", MEMORY_TIERS, CACHE_COMPRESSION_ALGORITHM="lzma")
        self.assertIn("codec `lzma` is not loaded", str(raised.exception))

    def test_memory_has_the_switch_the_life_and_the_room_of_the_environment(self):
        self.start("enhanced", MEMORY_TIERS)
        self.assertIn("kept in l1 (1m) -> l2", self.ask("explain", "entry", "api", "/menu"))
        self.start("enhanced", MEMORY_TIERS, MEMORY_CACHE_DEFAULT_TTL="45", MEMORY_CACHE_SIZE_PER_NAMESPACE="7")
        self.assertIn("kept in l1 (45s) -> l2", self.ask("explain", "entry", "api", "/menu"))
        self.runs_as("enhanced", (line_of("enhanced", "MEMORY_CACHE_SIZE_PER_NAMESPACE"), "limit 7 entries in l1"),
                     (line_of("enhanced", "MEMORY_CACHE_DEFAULT_TTL"), "tiers l1 45s"))
        self.start("enhanced", MEMORY_TIERS, MEMORY_CACHE_ENABLED="false")
        self.assertIn("kept in l2", self.ask("explain", "entry", "api", "/menu"))

    def test_patterns_and_preloading_are_as_the_environment_says(self):
        values = {"PATTERN_HISTORY_DAYS": ("3", "learn 3d"), "PATTERN_MIN_ACCESS_COUNT": ("4", "at least 4 hits"),
                  "CACHE_PRELOAD_INTERVAL_MINUTES": ("9", "every 9m"),
                  "CACHE_PRELOAD_PRIORITY_THRESHOLD": ("8", "priority 8")}
        self.start("enhanced", MEMORY_TIERS, **{name: value for name, (value, _) in values.items()})
        self.runs_as("enhanced", *((line_of("enhanced", name), literal) for name, (_, literal) in values.items()))
        for name in ("PATTERN_ANALYSIS_ENABLED", "CACHE_PRELOAD_ENABLED"):
            with self.subTest(name):
                self.start("enhanced", MEMORY_TIERS, **{name: "false"})
                self.runs_as("enhanced", (line_of("enhanced", name), "if false"))

    def test_compression_and_preloading_change_while_it_runs(self):
        kernel, client = self.start("enhanced", MEMORY_TIERS)
        text = kernel.policy
        client.set("reports:old", "a report line\n" * 285)
        above, once = line_of("enhanced", "CACHE_COMPRESSION_THRESHOLD"), "at most 20 at once"
        self.assertIn(once, text)
        changed = (text.replace(above, "above 512B").replace(once, "at most 5 at once")
                   .replace(line_of("enhanced", "CACHE_PRELOAD_PRIORITY_THRESHOLD"), "priority 7"))
        (kernel.folder / "test.larder").write_text(changed, encoding="utf-8")
        planned = self.planned(changed)
        for what in ("at most", "priority 7"):
            self.assertIn(what, planned)
        self.assertIn("compress gzip above 1024B -> gzip above 512B", self.ask("reload"))
        self.means_the_same(changed + "# the same\n")
        client.set("reports:new", "a report line\n" * 50)
        ways = {way["way"]: way for way in self.stats("compression")["by_namespace"]["reports"]["ways"]}
        self.assertEqual(sum(way["values"] for way in ways.values()), 2, ways)
        self.assertEqual(client.get("reports:old"), "a report line\n" * 285)
        (kernel.folder / "test.larder").write_text(changed.replace(line_of("enhanced", "CACHE_COMPRESSION_ENABLED"),
                                                                   "if false"), encoding="utf-8")
        self.ask("reload")
        client.set("reports:third", "a report line\n" * 285)
        self.assertEqual(client.get("reports:old"), "a report line\n" * 285)


class Panic(Moving):
    def test_the_url_and_the_default_life_are_the_environment_s(self):
        server = self.redis()
        conf = f'[store.l1]\nplugin = "memory"\n[store.l2]\nplugin = "redis"\n{line_of("panic", "REDIS_URL")}\n'
        _, client = self.start("panic", conf, REDIS_URL=f"redis://127.0.0.1:{server.port}/0", REDIS_CACHE_TTL="1000")
        self.reaches(server, client, "user.profile:9")
        self.assertTrue(900 <= client.ttl("user.profile:9") <= 1000)
        _, plain = self.start("panic", conf, REDIS_URL=f"redis://127.0.0.1:{server.port}/0")
        plain.set("user.profile:10", "x")
        self.assertTrue(3400 <= plain.ttl("user.profile:10") <= 3600)


@unittest.skipIf(yaml is None, "python3-yaml is not here")
class Compose(Moving):
    def setUp(self):
        self.compose = yaml.safe_load((SOURCE / "conf/compose.yaml").read_text(encoding="utf-8"))

    def test_it_has_redis_7_append_only_on_a_volume_behind_a_password(self):
        server = self.compose["services"]["redis"]
        self.assertTrue(server["image"].startswith("redis:7"))
        words = server["command"]
        self.assertEqual(words[words.index("--appendonly") + 1], "yes")
        self.assertIn("${REDIS_PASSWORD", words[words.index("--requirepass") + 1])
        volume, place = server["volumes"][0].split(":")
        self.assertEqual(place, "/data")
        self.assertIn(volume, self.compose["volumes"])
        self.assertNotIn("ports", server)  # only larder reaches it
        for folder in (mount.split(":")[0] for mount in self.compose["services"]["larder"]["volumes"]):
            self.assertTrue((SOURCE / "conf" / folder).resolve().is_dir())

    def test_its_command_lines_start_a_redis_and_a_larder_that_finds_it(self):
        words = self.compose["services"]["redis"]["command"][1:]
        environment = {"REDIS_PASSWORD": "of a test", "LARDER_RESP_PASSWORD": "theirs"}

        def filled(text):
            return re.sub(r"\$\{(\w+)[^}]*\}", lambda name: environment[name[1]], text)
        # What the image has and where /data is, RedisServer says.
        options = [filled(word) for word in words]
        at = options.index("--requirepass")
        del options[at:at + 2]
        server = self.redis(*options, password="of a test")
        self.assertEqual(server("CONFIG", "GET", "appendonly")[1], b"yes")
        self.assertEqual(server("CONFIG", "GET", "maxmemory-policy")[1], b"allkeys-lru")

        larder_ = self.compose["services"]["larder"]
        given = {name: filled(value) for name, value in larder_["environment"].items()}
        self.assertEqual(set(given), {"REDIS_URL", "REDIS_PASSWORD", "LARDER_RESP", "LARDER_RESP_PASSWORD"})
        given.update(REDIS_URL=given["REDIS_URL"].replace("redis:6379", f"127.0.0.1:{server.port}"))
        given.pop("LARDER_RESP")
        with Environment("compose", **given) as kernel, kernel.client(password="theirs") as client:
            def there():
                client.set("user_stats:all", "x")
                return server("KEYS", "larder:v:*")
            until(there, "a put is in Redis")
            self.assertTrue(595 <= client.ttl("user_stats:all") <= 600)  # the profile production
        # Appended: a restart has it.
        server.kill()
        server.start()
        self.assertTrue(until(lambda: server("KEYS", "larder:v:*"), "what was appended is there again"))


if __name__ == "__main__":
    unittest.main()
