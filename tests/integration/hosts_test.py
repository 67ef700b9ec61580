# tests/integration/hosts_test.py -- the example hosts, as their readers would run them.
import concurrent.futures
import http.client
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
BUILD = pathlib.Path(os.environ.get("LARDER_BUILD_DIR", ROOT / "build/release"))
EXAMPLES = BUILD / "bin/examples"


class Server:
    """An example server; ends with its standard input."""

    def __init__(self, name, *arguments):
        command = [sys.executable, ROOT / "examples" / name] if name.endswith(".py") else [EXAMPLES / name]
        self.process = subprocess.Popen([*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "PYTHONPATH": str(BUILD / "bin/python")})
        self.line = self.process.stdout.readline()
        self.port = int(self.line.rsplit(":", 1)[1]) if ":" in self.line else 0

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.process.stdin.close()
        self.status = self.process.wait(30)
        self.process.stdout.close()

    def ask(self, method, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body, answer.headers


class Hosts(unittest.TestCase):
    def test_the_c_example_loads_once_hits_and_loads_anew_after_a_write(self):
        ran = subprocess.run([EXAMPLES / "example_c", "GET 7", "GET 7", "PUT 7", "GET 7"],
                             capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        lines = ran.stdout.splitlines()
        self.assertEqual(lines[0], "LEASE dish 7, load 1")
        self.assertEqual(lines[1], "HIT dish 7, load 1")
        self.assertIn("policy.larder:3", lines[2])
        self.assertEqual(lines[3], "LEASE dish 7, load 2")

    def round(self, name, *arguments):
        with Server(name, *arguments) as server:
            first = server.ask("GET", "/menu/7")
            self.assertEqual(first[:2], (200, "load 1 of /menu/7\n"))
            self.assertEqual(server.ask("GET", "/menu/7")[1], "load 1 of /menu/7\n")
            self.assertEqual(server.ask("PUT", "/menu/7")[0], 200)
            self.assertEqual(server.ask("GET", "/menu/7")[1], "load 2 of /menu/7\n")
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                answers = list(pool.map(lambda _: server.ask("GET", "/menu/9")[1], range(16)))
            self.assertEqual(set(answers), {"load 3 of /menu/9\n"})
        self.assertEqual(server.status, 0)

    def test_the_beast_example_answers_from_the_cache_and_loads_once_for_sixteen_clients(self):
        self.round("example_beast")
        with Server("example_beast") as server:
            self.assertEqual(server.ask("GET", "/menu/7")[2]["Cache-Status"], "larder; fwd=miss")
            self.assertEqual(server.ask("GET", "/menu/7")[2]["Cache-Status"], "larder; hit")
            self.assertEqual(server.ask("GET", "/menu/7")[2]["Content-Type"], "text/plain")
            self.assertIsNone(server.ask("GET", "/other")[2]["Cache-Status"])

    def test_the_httplib_example_answers_from_the_cache_and_loads_once_for_sixteen_clients(self):
        if not (EXAMPLES / "example_httplib").exists():
            self.skipTest("cpp-httplib is not installed")
        self.round("example_httplib")

    def test_the_fastapi_example_under_uvicorn_caches_a_function_and_whole_answers_until_a_write(self):
        if not (BUILD / "bin/python/larder").exists() or importlib.util.find_spec("fastapi") is None or importlib.util.find_spec("uvicorn") is None:
            self.skipTest("python3-dev, python3-fastapi or python3-uvicorn is not installed")
        with Server("fastapi/app.py") as server:
            def ask(method, path):
                status, body, headers = server.ask(method, path)
                self.assertEqual(status, 200)
                return json.loads(body), headers
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                answers = list(pool.map(lambda _: ask("GET", "/menu/7")[0]["load"], range(16)))
            self.assertEqual(set(answers), {1})
            self.assertEqual(ask("GET", "/pages/7")[1]["cache-status"], "larder; fwd=miss")
            body, headers = ask("GET", "/pages/7")
            self.assertEqual((body["page"]["load"], headers["cache-status"], headers["content-type"]), (2, "larder; hit", "application/json"))
            ask("PUT", "/menu/7")
            self.assertEqual(ask("GET", "/menu/7")[0]["load"], 3)
            self.assertEqual(ask("GET", "/pages/7")[0]["page"]["load"], 4)
        self.assertEqual(server.status, 0)

    def test_an_example_says_where_its_policy_is_wrong_and_does_not_start(self):
        with tempfile.TemporaryDirectory() as folder:
            policy = pathlib.Path(folder) / "menu.larder"
            policy.write_text("larder 1\nnamespace menu { key \"{id}\"; ttl 5 }\n")
            ran = subprocess.run([EXAMPLES / "example_beast", policy], capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("menu.larder:2:34", ran.stderr)


if __name__ == "__main__":
    unittest.main()
