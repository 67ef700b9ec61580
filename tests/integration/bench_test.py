# tests/integration/bench_test.py -- larder bench: in this process, and over a socket to larder and to Redis.
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from larder_server import LarderServer, find
from resp_clients_test import RedisServer

POLICY = """larder 1
namespace plain { key "{rest...}" }
namespace stock { key "stock-{sku}-{place}"; ttl 1h; tag "place:{place}" }
"""


class Bench(unittest.TestCase):
    def setUp(self):
        if find("larder") is None:
            self.skipTest("larder is not built (set LARDER_BIN)")
        folder = tempfile.TemporaryDirectory(prefix="larder-bench-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.policy = self.folder / "bench.larder"
        self.policy.write_text(POLICY, encoding="utf-8")

    def bench(self, *words, status=0):
        env = {key: value for key, value in os.environ.items() if not key.startswith("LARDER_")}
        ran = subprocess.run([find("larder").resolve(), "bench", "--each", "20ms", *map(str, words)],
                             cwd=self.folder, env=env, capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, status, f"{words}\n{ran.stdout}\n{ran.stderr}")
        return ran

    def test_a_policy_is_measured_in_this_process_and_nothing_listens(self):
        with LarderServer(POLICY) as running:  # has the ports and the socket that a second kernel would want
            conf = running.folder / "larder.toml"
            ran = self.bench("--conf", conf, "--policy", self.policy, "--entries", 2000)
        self.assertEqual(ran.stderr, "")
        self.assertIn('namespace stock, key "stock-{sku}-{place}"; 2,000 entries of 100 bytes', ran.stdout)
        for line in ("get, a hit", "get, 16 hits at a time", "get, no such entry", "put", "drop by tag"):
            self.assertRegex(ran.stdout, rf"(?m)^{line} +[\d,]+ +[\d.]+ [num]s +[\d.]+ [num]s")

    def test_json_has_each_line_as_numbers(self):
        report = json.loads(self.bench("--policy", self.policy, "--namespace", "plain", "--entries", 1000,
                                       "--size", "1KiB", "--json").stdout)
        self.assertEqual((report["namespace"], report["entries"], report["value_bytes"]), ("plain", 1000, 1024))
        self.assertIn("drop by key", [row["what"] for row in report["rows"]])
        for row in report["rows"]:
            self.assertGreater(row["per_second"], 0)
            self.assertGreaterEqual(row["p99_ns"], row["p50_ns"])

    def test_a_running_gateway_is_measured_and_left_as_it_was(self):
        with LarderServer(POLICY) as server:
            rows = json.loads(self.bench("--server", f"127.0.0.1:{server.port}", "--keys", "plain:{n}",
                                         "--entries", 500, "--clients", 5, "--pipeline", 1, 16,
                                         "--json").stdout)["rows"]
            self.assertEqual([row["what"] for row in rows],
                             ["GET, 1 at a time", "SET, 1 at a time", "GET, 16 at a time", "SET, 16 at a time"])
            ran = subprocess.run([find("larder").resolve(), "stats", "--socket", server.folder / "admin.sock"],
                                 capture_output=True, text=True, timeout=30)
            left = json.loads(ran.stdout)["namespaces"]["plain"]
            self.assertGreaterEqual(left["hits"], 500)
            self.assertEqual(left.get("entries", 0), 0)

    def test_a_redis_is_measured_the_same_way(self):
        if shutil.which("redis-server") is None:
            self.skipTest("redis-server is not here")
        server = RedisServer().__enter__()
        self.addCleanup(server.stop)
        ran = self.bench("--server", f"127.0.0.1:{server.port}", "--entries", 200, "--clients", 3)
        self.assertRegex(ran.stdout, r"(?m)^GET, 64 at a time +[\d,]+")

    def test_what_cannot_be_measured_is_said(self):
        self.assertIn("no policy is named", self.bench(status=2).stderr)
        self.assertIn("no namespace nowhere",
                      self.bench("--policy", self.policy, "--namespace", "nowhere", status=1).stderr)
        self.assertIn("cannot be reached", self.bench("--server", "127.0.0.1:1", status=3).stderr)
        self.assertIn("is no size", self.bench("--policy", self.policy, "--size", "big", status=2).stderr)
        with LarderServer(POLICY) as server:
            said = self.bench("--server", f"127.0.0.1:{server.port}", status=1).stderr
            self.assertRegex(said, r"key 'bench:\d+' names no namespace")
            self.assertIn("--keys", said)


if __name__ == "__main__":
    unittest.main()
