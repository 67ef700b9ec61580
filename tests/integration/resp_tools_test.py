# tests/integration/resp_tools_test.py -- what redis-cli, exporters and browsers of keys ask of a server.
import re
import shutil
import subprocess
import unittest

try:
    import redis
except ImportError:
    redis = None

from larder_server import LarderServer

POLICY = 'namespace legacy { key "{rest...}" }\n'
# As redis_exporter asks on each scrape, from its source's list of commands.
EXPORTER = ("CLIENT SETNAME redis_exporter", "CONFIG GET *", "INFO ALL", "SLOWLOG LEN",
            "SLOWLOG GET 1", "LATENCY LATEST", "CLIENT LIST", "MEMORY STATS", "MODULE LIST")
# As a browser of keys asks when it connects, and for a key that is looked at.
BROWSER = ("INFO", "CONFIG GET databases", "MODULE LIST", "COMMAND INFO", "COMMAND", "DBSIZE",
           "SCAN 0 MATCH * COUNT 500 TYPE string", "TYPE a", "TTL a", "MEMORY USAGE a", "STRLEN a",
           "GET a", "OBJECT ENCODING a", "SLOWLOG GET 50", "CLIENT LIST", "PUBSUB CHANNELS",
           "ACL WHOAMI", "MEMORY DOCTOR", "COMMAND DOCS get")
FIELDS = ("redis_version", "redis_mode", "os", "process_id", "run_id", "tcp_port", "uptime_in_seconds",
          "connected_clients", "blocked_clients", "maxclients", "used_memory", "used_memory_rss",
          "used_memory_peak", "maxmemory", "maxmemory_policy", "mem_fragmentation_ratio", "loading",
          "rdb_bgsave_in_progress", "aof_enabled", "total_connections_received",
          "total_commands_processed", "instantaneous_ops_per_sec", "total_net_input_bytes",
          "keyspace_hits", "keyspace_misses", "pubsub_channels", "role", "connected_slaves",
          "used_cpu_sys", "used_cpu_user", "cluster_enabled", "db0")


class RespToolsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if redis is None or shutil.which("redis-cli") is None:
            raise unittest.SkipTest("python3-redis or redis-cli is not here")
        cls.server = LarderServer(POLICY, gateway='namespace = "legacy"\nrole = "admin"')
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.stop)
        cls.client = redis.Redis(port=cls.server.port, decode_responses=True)
        cls.addClassCleanup(cls.client.close)

    def setUp(self):
        self.client.flushall()
        self.client.mset({"a": "1" * 100, "b": "22", "c": "333"})

    def cli(self, *args, seconds=None):
        command = ["redis-cli", "-p", str(self.server.port), *args]
        if seconds:
            command = ["timeout", str(seconds), "stdbuf", "-oL", *command]  # printed as it goes
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout

    def test_diagnostics_by_hand_ping_info_memory_keys_exists_ttl_and_statistics(self):
        self.assertEqual(self.cli("PING").strip(), "PONG")
        self.assertIn("redis_version:", self.cli("INFO"))
        memory = self.cli("INFO", "memory")
        self.assertRegex(memory, r"used_memory:[1-9]\d+")
        self.assertNotIn("redis_version", memory)
        self.assertEqual(sorted(self.cli("KEYS", "*").split()), ["a", "b", "c"])
        self.assertEqual(self.cli("EXISTS", "a", "nobody").strip(), "1")
        self.cli("SET", "d", "x", "EX", "100")
        self.assertIn(self.cli("TTL", "d").strip(), ("99", "100"))
        self.cli("GET", "a")
        self.cli("GET", "nobody")
        stats = self.cli("INFO", "stats")
        self.assertRegex(stats, r"keyspace_hits:[1-9]")
        self.assertRegex(stats, r"keyspace_misses:[1-9]")

    def test_monitor_of_redis_cli_shows_what_other_clients_ask(self):
        with subprocess.Popen(["redis-cli", "-p", str(self.server.port), "MONITOR"],
                              stdout=subprocess.PIPE, text=True) as follower:
            self.assertEqual(follower.stdout.readline().strip(), "OK")
            self.client.set("a", "z")
            self.assertRegex(follower.stdout.readline(), r'\[0 127\.0\.0\.1:\d+\] "SET" "a" "z"')
            follower.terminate()

    def test_the_modes_of_redis_cli_that_walk_or_watch(self):
        self.assertRegex(self.cli("--stat", "-i", "0.1", seconds=1), r"(?m)^3 +\d")
        self.assertIn("Biggest string found", self.cli("--bigkeys"))
        self.assertIn('"a"', self.cli("--bigkeys"))
        self.assertRegex(self.cli("--memkeys"), r'Biggest string found.*"a"')
        self.assertRegex(self.cli("--latency", "-i", "1", seconds=2), r"^\d+ \d+")
        self.assertEqual(sorted(self.cli("--scan").split()), ["a", "b", "c"])

    def test_an_exporter_and_a_browser_of_keys_get_no_error(self):
        for line in EXPORTER + BROWSER:
            with self.subTest(request=line):
                self.assertNotRegex(self.cli(*line.split()), r"^(ERR|NOPERM|Error)")

    def test_info_has_the_fields_that_monitoring_reads(self):
        text = self.cli("INFO", "everything")
        missing = [field for field in FIELDS if not re.search(rf"(?m)^{field}:\S", text)]
        self.assertEqual(missing, [])
        self.assertRegex(text, r"(?m)^cmdstat_mset:calls=[1-9]")


if __name__ == "__main__":
    unittest.main()
