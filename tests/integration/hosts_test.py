# tests/integration/hosts_test.py -- the example hosts, as their readers would run them.
import concurrent.futures
import http.client
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
BUILD = pathlib.Path(os.environ.get("LARDER_BUILD_DIR", ROOT / "build/release"))
EXAMPLES = BUILD / "bin/examples"
sys.path.insert(0, str(ROOT / "sdk/reference"))
import cpp_header  # noqa: E402
import pages  # noqa: E402


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


class Everything(unittest.TestCase):
    """The verbs are those that the headers' own pages are made of."""

    def ran(self, name):
        ran = subprocess.run([EXAMPLES / name], capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertTrue(ran.stdout.endswith("closed\n"), ran.stdout)
        return ran.stdout

    def test_one_example_in_c_uses_every_function_of_larder_h_and_runs(self):
        text = (ROOT / "examples/everything.c").read_text(encoding="utf-8")
        verbs = {item.name for item in pages.read()[0].items if item.kind == "function"}
        self.assertGreater(len(verbs), 40)
        self.assertEqual({verb for verb in verbs if f"{verb}(" not in text}, set())
        said = self.ran("everything_c")
        self.assertIn("the second hears           HIT Cat\n", said)
        self.assertRegex(said, r"a key that does not fit +INVALID: ")
        self.assertRegex(said, r'its data +HIT {"cart":\[\]}')
        self.assertEqual(said.count("FAILED"), 0)

    def test_one_example_in_cpp_uses_every_verb_of_larder_hpp_and_asio_hpp_and_runs(self):
        text = (ROOT / "examples/everything.cpp").read_text(encoding="utf-8")
        items = [item for _, _, some in pages.read()[1] for item in some]
        self.assertGreater(sum(len(item.members) for item in items), 40)
        self.assertEqual({item.name for item in items if not re.search(rf"\b{item.name}\b", text)}, set())
        # A constructor is what the C functions' results go through; the name of the class stands for it.
        verbs = {(item.name, member.name) for item in items for member in item.members
                 if "(" in member.code and cpp_header.needs_words(member) and member.name not in (item.name, "operator bool")}
        self.assertEqual({verb for verb in verbs if not re.search(rf"(\.|->|::){verb[1]}\b", text)}, set())
        said = self.ran("everything_cpp")
        self.assertIn("two calls, asked: 1\nafter a change, asked: 2\n", said)
        self.assertIn('session: {"cart":[]}\nchanged: {"cart":["soup"]}\n', said)
        self.assertIn("the first: LEASE\nthe second: Cat\n", said)


if __name__ == "__main__":
    unittest.main()
