# tests/integration/client_script_test.py -- redis-py, node-redis and ioredis play one script against Redis and larder.
#
# The script is data (tests/clients/script.json; its README says what a step is). Each client plays it against a
# redis-server and a larder of its own, and the answers are compared one by one, as the client hands them to its
# caller. A step that is meant to differ says why, and must differ: a list of excuses that only grows is none.
import json
import os
import re
import subprocess
import sys
import unittest

import npm_clients
from larder_server import SOURCE, LarderServer, find
from redis_server import RedisServer

CLIENTS = SOURCE / "tests" / "clients"
SCRIPT = CLIENTS / "script.json"
POLICY = 'namespace legacy { key "{rest...}" }\n'
GATEWAY = 'namespace = "legacy"\nrole = "admin"\n'
SECONDS = 60


def load():
    data = json.loads(SCRIPT.read_text(encoding="utf-8"))
    steps = [step if isinstance(step, dict) else {"args": step}
             for group in data["groups"] for step in group["steps"]]
    return steps, data["not_played"]


def told(step):
    """A step in a few words."""
    kind = next(kind for kind in ("args", "until", "call", "scan", "pipeline", "listen", "monitor")
                if kind in step)
    return " ".join(step[kind]) if kind == "args" else f"{kind} {json.dumps(step[kind])}"


# ---- answers, made comparable --------------------------------------------------------------------

def kind_of(answer):
    if isinstance(answer, dict) and set(answer) == {"error"}:
        return answer
    return {"str": "text", "NoneType": "nil"}.get(type(answer).__name__, type(answer).__name__)


def shape_of(answer):
    if isinstance(answer, list):
        return [shape_of(item) for item in answer]
    if isinstance(answer, dict) and set(answer) != {"error"}:
        return {name: shape_of(item) for name, item in answer.items()}
    return kind_of(answer)


def sorted_deep(answer):
    if isinstance(answer, list):
        return sorted(map(sorted_deep, answer), key=json.dumps)
    return answer


def fields_of(answer, names):
    if not isinstance(answer, str):
        return kind_of(answer)
    return [name for name in names if re.search(rf"(?m)(^|\s){re.escape(name)}[:=]", answer)]


def comparable(answer, how):
    if how == "kind":
        return kind_of(answer)
    if how == "shape":
        return shape_of(answer)
    if how == "unordered":
        return sorted_deep(answer)
    if how == "set":  # a scan may meet a key twice
        return sorted(set(answer)) if isinstance(answer, list) else answer
    if isinstance(how, dict) and "fields" in how:
        return fields_of(answer, how["fields"])
    return answer


def same(ours, theirs, how):
    if isinstance(how, dict) and "near" in how:
        numbers = all(isinstance(answer, (int, float)) for answer in (ours, theirs))
        return numbers and abs(ours - theirs) <= how["near"]
    return comparable(ours, how) == comparable(theirs, how)


def findings(steps, ours, theirs):
    """What is wrong with these answers, in words."""
    wrong = []
    for step, our, their in zip(steps, ours, theirs):
        how, reason = step.get("as"), step.get("differs")
        if any(isinstance(answer, dict) and "failed" in answer for answer in (our, their)):
            wrong.append(f"{told(step)}\n  the client failed. larder: {our!r}\n  Redis:  {their!r}")
        elif not same(our, their, how) and reason is None:
            wrong.append(f"{told(step)}\n  larder: {comparable(our, how)!r}\n"
                         f"  Redis:  {comparable(their, how)!r}")
        elif same(our, their, how) and reason is not None:
            wrong.append(f"{told(step)}\n  is said to differ ({reason}), and does not: {our!r}")
    return wrong


# ---- the test ------------------------------------------------------------------------------------

class ClientScriptTest(unittest.TestCase):
    def setUp(self):
        if find("larder") is None:
            self.skipTest("larder is not built (set LARDER_BIN)")
        self.steps, self.not_played = load()

    def answers(self, command, environment=None):
        """What larder and Redis answered, and the client's name with its version."""
        played = []
        for server in (LarderServer(POLICY, gateway=GATEWAY),
                       RedisServer("--enable-debug-command", "yes")):
            with server:
                done = subprocess.run(
                    [*command[:2], SCRIPT, str(server.port), *command[2:]], timeout=SECONDS,
                    env={**os.environ, **(environment or {})}, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            played.append(json.loads(done.stdout))
        return played[0]["answers"], played[1]["answers"], played[0]["client"]

    def compare(self, *command, environment=None):
        ours, theirs, client = self.answers(command, environment)
        self.assertEqual((len(ours), len(theirs)), (len(self.steps), len(self.steps)), client)
        wrong = findings(self.steps, ours, theirs)
        self.assertFalse(wrong, f"{client}: {len(wrong)} of {len(self.steps)} steps\n" + "\n".join(wrong))
        return client

    def compare_node(self, runner, *options):
        modules, why = npm_clients.attempt()
        if why is not None:
            self.fail(f"the clients for Node were not run: {why}")
        client = self.compare("node", CLIENTS / runner, *options,
                              environment={"NODE_PATH": str(modules)})
        name, version = re.match(r"(\S+) ([\d.]+)", client).groups()
        self.assertIn(f"{name} {version}", (SOURCE / "docs/resp.md").read_text(encoding="utf-8"))

    def test_redis_py_hears_the_same_from_larder_and_redis(self):
        try:
            import redis  # noqa: F401
        except ImportError:
            self.skipTest("python3-redis is not here")
        self.compare(sys.executable, CLIENTS / "play_redis_py.py")

    def test_node_redis_hears_the_same_from_larder_and_redis_in_resp2(self):
        self.compare_node("play_node_redis.js", "2")

    def test_node_redis_hears_the_same_from_larder_and_redis_in_resp3(self):
        self.compare_node("play_node_redis.js", "3")

    def test_ioredis_hears_the_same_from_larder_and_redis(self):
        self.compare_node("play_ioredis.js")

    def test_the_script_plays_every_command_or_says_why_not(self):
        played = set()
        for step in self.steps:
            words = [word.lower() for word in step.get("args", step.get("until", []))]
            played.update(words[:1], ["|".join(words[:2])])
        with LarderServer(POLICY, gateway=GATEWAY) as server:
            text = subprocess.run(["redis-cli", "-p", str(server.port), "COMMAND", "LIST"], timeout=20,
                                  capture_output=True, text=True, check=True).stdout
        names = set(text.split())
        self.assertGreater(len(names), 100)
        excused = {name for name in names
                   if name in self.not_played or name.split("|")[0] in self.not_played}
        self.assertEqual(sorted(names - played - excused), [])
        self.assertEqual(sorted(set(self.not_played) & played), [], "played after all")
        self.assertEqual(sorted(set(self.not_played) - names), [], "no such command")

    def test_the_lock_names_no_address(self):
        lock = json.loads((CLIENTS / "package-lock.json").read_text(encoding="utf-8"))
        packages = {name: entry for name, entry in lock["packages"].items() if name}
        self.assertIn("node_modules/redis", packages)
        for name, entry in packages.items():
            with self.subTest(package=name):
                self.assertNotIn("resolved", entry)
                self.assertIn("integrity", entry)


class ComparisonTest(unittest.TestCase):
    """The comparison itself tells what is the same from what is not."""

    def test_answers_are_the_same_only_where_the_step_says_how_much_may_differ(self):
        for ours, theirs, how, expected in (
                ("1", 1, None, False), (["a", "b"], ["b", "a"], None, False),
                (["a", "b"], ["b", "a"], "unordered", True), (["a", "a"], ["a"], "unordered", False),
                (["a", "a"], ["a"], "set", True), (99, 97, {"near": 3}, True),
                (99, 90, {"near": 3}, False), (None, 90, {"near": 3}, False),
                ("x", "y", "kind", True), ("1", 1, "kind", False),
                ({"error": "a"}, {"error": "b"}, "kind", False), ([1, "x"], [2, "y"], "shape", True),
                ([1, "x"], [2], "shape", False), ("a:1\nb:2", "b:3\na:4", {"fields": ["a", "b"]}, True),
                ("a:1", "b:3", {"fields": ["a", "b"]}, False)):
            with self.subTest(ours=ours, theirs=theirs, how=how):
                self.assertEqual(same(ours, theirs, how), expected)

    def test_a_reason_counts_only_while_the_answers_differ_and_a_failed_client_never_agrees(self):
        plain, meant = {"args": ["GET", "a"]}, {"args": ["SAVE"], "differs": "nothing to save"}
        failed = {"failed": "TypeError"}
        self.assertEqual(findings([plain, meant], [1, 1], [1, 2]), [])
        self.assertIn("larder: 1", findings([plain], [1], [2])[0])
        self.assertIn("does not: 1", findings([meant], [1], [1])[0])
        self.assertIn("client failed", findings([plain], [failed], [failed])[0])
        self.assertIn("client failed", findings([meant], [1], [failed])[0])


if __name__ == "__main__":
    unittest.main()
