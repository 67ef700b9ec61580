# tests/integration/python_test.py -- the Python package: values, functions, asyncio, ASGI, fork, and its keys.
import asyncio
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

from http_upstream import Answer, Upstream
from redis_server import until

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
BUILD = pathlib.Path(os.environ.get("LARDER_BUILD_DIR", ROOT / "build/release"))
PACKAGE = BUILD / "bin/python"
sys.path.insert(0, str(PACKAGE))
try:
    import larder
    from larder import asgi, testing
except ImportError:
    if (PACKAGE / "larder").exists():
        raise
    larder = None

POLICY = """larder 1
namespace user { key "{call...}"; ttl 5m; with tag; tag "{tag}"; tag "users" }
namespace page { key "{path...}"; ttl 5m }
namespace gone { key "{id}"; ttl 5m; absent 10s }
namespace soft { key "{id}"; ttl 1m; stale 5m on error }
on GET "/pages/{id}" { serve page "{id}" }
on write "/pages/{id}" { drop page "{id}" }
on event "moved" (id) { drop user "{id}" }
"""


@unittest.skipIf(larder is None, "python3-dev is not installed: the package was left out")
class Case(unittest.TestCase):
    def setUp(self):
        self.kernel = larder.use(testing.memory_kernel(policy_text=POLICY))
        self.addCleanup(self.kernel.close)


class Values(Case):
    def test_what_json_can_say_comes_back_as_it_was_put_falsy_values_too(self):
        for value in ({"a": [1, 2.5, None, True]}, "", 0, False, [], {}, "ä€😀", 2**70, None):
            self.kernel.put("user", "7", value)
            self.assertEqual(self.kernel.get("user", "7", "none"), value)

    def test_what_json_cannot_say_is_a_typeerror_and_never_pickled(self):
        for value in (object(), {1: 2}, {1, 2}, b"x", float("nan"), {"a": {2: 3}}, "\ud800"):
            with self.subTest(value=repr(value)), self.assertRaises(TypeError):
                self.kernel.put("user", "7", value)
        with self.assertRaises(TypeError):
            self.kernel.get_or_load("user", "8", lambda: object())
        self.assertEqual(self.kernel.get_or_load("user", "8", lambda: 1), 1)

    def test_what_cannot_be_decoded_is_a_miss_and_is_gone(self):
        self.kernel.native.put(self.kernel.space("user"), "7", b"\x80\x04pickle", 0, None, 0, None, 0)
        self.assertIsNone(self.kernel.get("user", "7"))
        self.assertFalse(self.kernel.exists("user", "7"))
        self.kernel.native.put(self.kernel.space("user"), "7", b"{", 0, None, 0, None, 0)
        self.assertEqual(self.kernel.get_or_load("user", "7", lambda: "new"), "new")

    def test_ttl_expire_exists_drop_and_keys_say_what_is_there(self):
        self.kernel.put("user", "a:1", 1, ttl=60)
        self.kernel.put("user", "a:2", 2)
        self.assertEqual(self.kernel.ttl("user", "a:1"), 60)
        self.assertTrue(self.kernel.expire("user", "a:1", 10))
        self.kernel.advance(11)
        self.assertIsNone(self.kernel.ttl("user", "a:1"))
        self.assertEqual(self.kernel.keys("user", "a:*"), ["a:2"])
        self.assertTrue(self.kernel.drop("user", "a:2"))
        self.assertFalse(self.kernel.drop("user", "a:2"))

    def test_tags_globs_events_and_routes_drop_what_they_name(self):
        self.kernel.put("user", "1", 1, tags=("tenant:1", "hot"))
        self.kernel.put("user", "2", 1, tags=("tenant:2",))
        self.kernel.invalidate("tag:tenant:1")
        self.assertEqual([self.kernel.get("user", key) for key in "12"], [None, 1])
        self.kernel.event("moved", id=2)
        self.assertIsNone(self.kernel.get("user", "2"))
        self.kernel.put("page", "7", "x")
        self.assertIn("drop", json.dumps(self.kernel.route("PUT", "/pages/7")))
        self.assertIsNone(self.kernel.get("page", "7"))
        self.kernel.put("page", "a:7", "x")
        self.kernel.invalidate("page:a:*")
        self.assertIsNone(self.kernel.get("page", "a:7"))
        with self.assertRaises(KeyError):
            self.kernel.invalidate("nobody:*")

    def test_a_wrong_policy_is_an_error_that_says_where(self):
        with self.assertRaises(larder.Error) as caught:
            larder.Kernel(policy_text="larder 1\nnamespace x { key \"{id}\"; ttl 5 }\n").open()
        self.assertEqual(caught.exception.args[0], "POLICY")
        self.assertIn("policy.larder:2", caught.exception.args[1])

    def test_reports_are_what_the_program_prints(self):
        self.kernel.put("user", "7", 1)
        self.assertIn("user", json.dumps(self.kernel.stats()))
        self.assertIn("drop", self.kernel.explain("PUT /pages/7"))
        self.assertEqual(self.kernel.alerts(), [])
        with self.assertRaises(larder.Error):
            self.kernel.warm("user")


class Warming(unittest.TestCase):
    @unittest.skipIf(larder is None, "python3-dev is not installed: the package was left out")
    def test_what_the_policy_warms_is_there_before_anybody_asks_and_the_host_may_begin_it(self):
        with Upstream(lambda request: Answer(200, json.dumps(request.target).encode())) as app, larder.Kernel(
                policy_text="""larder 1
namespace menu { key "{id}"; ttl 5m; source api "/menu/{id}" }
namespace city { key "{id}"; ttl 5m; source api "/city/{id}" }
warm menu "{id}" { at startup; for id in "1", "2" }
warm city "{id}" { for id in "7" }
""", config_text=f'[store.l1]\nplugin = "memory"\n[source.api]\nplugin = "http"\nurl = "{app.url}"\n'
                 '[admin]\nenabled = false\n[log]\nlevel = "warn"\n') as kernel:
            until(lambda: kernel.get("menu", "2") == "/menu/2", "what is warmed at startup")
            self.assertEqual(kernel.warm("city"), 1)
            until(lambda: "demand): done" in kernel.report("warm runs"), "the host's run is done")
            self.assertEqual([request.target for request in app.requests if request.target.startswith("/city")], ["/city/7"])
            self.assertEqual(kernel.get("city", "7"), "/city/7")
            self.assertEqual(kernel.warm(), 2)


class Functions(Case):
    def test_a_function_is_called_once_for_equal_arguments_however_they_are_given(self):
        calls = []

        @larder.cached("user")
        def name(user_id, language="en"):
            calls.append(user_id)
            return f"{language}{user_id}"

        self.assertEqual([name(7), name(user_id=7), name(7, "en"), name(7, language="de")], ["en7", "en7", "en7", "de7"])
        self.assertEqual(calls, [7, 7])
        self.assertEqual(name.key_of(7), "name:language:en:user_id:7")

    def test_methods_are_cached_without_their_object(self):
        class Service:
            @larder.cached("user", name="service")
            def find(self, user_id):
                return id(self)

        self.assertEqual(Service().find(7), Service().find(7))

    def test_a_call_that_has_no_key_is_made_and_told_of(self):
        @larder.cached("user")
        def odd(thing):
            return 1

        with self.assertWarnsRegex(RuntimeWarning, "not cached"):
            self.assertEqual(odd(object()), 1)

    def test_a_call_that_raises_caches_nothing_and_is_stale_where_the_policy_says_so(self):
        def down():
            raise OSError("down")

        with self.assertRaises(OSError):
            self.kernel.get_or_load("user", "7", down)
        self.assertEqual(self.kernel.get_or_load("user", "7", lambda: 1), 1)
        self.assertEqual(self.kernel.get_or_load("soft", "7", lambda: "old"), "old")
        self.kernel.advance(61)
        self.assertEqual(self.kernel.get_or_load("soft", "7", down), "old")

    def test_what_is_invalidated_goes_after_the_call_and_not_if_it_raises(self):
        seen = []

        @larder.invalidates("user:profile:*", "tag:users")
        def update(good):
            seen.append(self.kernel.get("user", "profile:7"))
            if not good:
                raise ValueError

        self.kernel.put("user", "profile:7", 1)
        with self.assertRaises(ValueError):
            update(False)
        self.assertEqual(self.kernel.get("user", "profile:7"), 1)
        update(True)
        self.assertIsNone(self.kernel.get("user", "profile:7"))
        self.assertEqual(seen, [1, 1])

    def test_threads_share_one_load(self):
        kernel = larder.Kernel(policy_text=POLICY)
        self.addCleanup(kernel.close)
        entered, go, loads, got = threading.Event(), threading.Event(), [], []

        def load():
            loads.append(1)
            entered.set()
            go.wait(30)
            return "once"

        threads = [threading.Thread(target=lambda: got.append(kernel.get_or_load("user", "7", load))) for _ in range(8)]
        for thread in threads:
            thread.start()
        entered.wait(30)
        go.set()
        for thread in threads:
            thread.join()
        self.assertEqual((len(loads), got), (1, ["once"] * 8))

    def test_keys_are_those_of_every_other_language(self):
        vectors = json.loads((ROOT / "tests/vectors/keys.json").read_text(encoding="utf-8"))
        for call in vectors["keys"]:
            self.assertEqual(larder.key(call["prefix"], call.get("args", ()), call.get("named")), call["key"])
        for value, text in vectors["digest"]:
            self.assertEqual(larder.digest(value), text)
        for call in vectors["refused"]:
            with self.assertRaises(ValueError):
                larder.key(call["prefix"], call.get("args", ()), call.get("named"))


class Awaiting(Case):
    def setUp(self):
        super().setUp()
        self.live = larder.use(larder.Kernel(policy_text=POLICY))
        self.addCleanup(self.live.close)

    def test_coroutines_share_one_load_and_an_awaited_hit_never_touches_the_loop(self):
        loads = []

        @larder.cached("user")
        async def find(user_id):
            loads.append(user_id)
            await asyncio.sleep(0)
            return {"id": user_id}

        async def all_of_it():
            self.assertEqual(await asyncio.gather(*[find(7) for _ in range(20)]), [{"id": 7}] * 20)
            hit = find(7)
            with self.assertRaises(StopIteration) as ended:  # done at its first step: nothing was awaited
                hit.send(None)
            self.assertEqual(ended.exception.value, {"id": 7})

        asyncio.run(all_of_it())
        self.assertEqual(loads, [7])

    def test_who_is_cancelled_while_loading_gives_the_load_to_the_next(self):
        async def story():
            never = asyncio.Event()
            first = asyncio.ensure_future(self.live.aget_or_load("user", "7", never.wait))
            await asyncio.sleep(0)
            second = asyncio.ensure_future(self.live.aget_or_load("user", "7", lambda: 2))
            await asyncio.sleep(0)
            first.cancel()
            self.assertEqual(await asyncio.wait_for(second, 30), 2)
            with self.assertRaises(asyncio.CancelledError):
                await first

        asyncio.run(story())

    def test_who_is_cancelled_while_waiting_is_not_waited_for(self):
        async def story():
            go = asyncio.Event()

            async def load():
                await go.wait()
                return 1

            first = asyncio.ensure_future(self.live.aget_or_load("user", "7", load))
            await asyncio.sleep(0)
            second = asyncio.ensure_future(self.live.aget_or_load("user", "7", load))
            await asyncio.sleep(0)
            second.cancel()
            go.set()
            self.assertEqual(await first, 1)

        asyncio.run(story())

    def test_puts_drops_events_and_invalidations_are_awaited_too(self):
        async def story():
            self.assertTrue(await self.live.aput("user", "7", 1))
            self.assertEqual(await self.live.aget("user", "7"), 1)
            self.assertTrue(await self.live.adrop("user", "7"))
            await self.live.aput("user", "7", 1)
            await self.live.aevent("moved", id=7)
            self.assertIsNone(await self.live.aget("user", "7"))
            await self.live.aput("user", "7", 1)
            await self.live.ainvalidate("tag:users")
            self.assertIsNone(await self.live.aget("user", "7"))

        asyncio.run(story())

    def test_a_forked_worker_has_a_kernel_of_its_own(self):
        self.live.put("user", "7", "parent")
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                self.live.put("user", "8", "child")
                os.write(write, json.dumps([self.live.get("user", "7"), self.live.get("user", "8")]).encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        self.assertEqual(json.loads(os.read(read, 100)), [None, "child"])
        self.assertEqual(self.live.get("user", "7"), "parent")
        os.close(read)
        os.close(write)


class Application:
    """An ASGI application that counts."""

    def __init__(self):
        self.calls, self.headers, self.status = 0, [(b"content-type", b"text/plain")], 200

    async def __call__(self, scope, receive, send):
        self.calls += 1
        mine = self.calls
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"call ", "more_body": True})
        await send({"type": "http.response.body", "body": b"%d" % mine})


class Asgi(Case):
    def ask(self, app, method="GET", path="/pages/7", headers=()):
        async def once():
            sent = []

            async def receive():
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message):
                sent.append(message)

            await app({"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers},
                      receive, send)
            return sent[0]["status"], dict(sent[0]["headers"]), b"".join(one.get("body", b"") for one in sent[1:])

        return once()

    def test_a_served_get_is_answered_once_by_the_application_and_then_from_the_cache_until_a_write(self):
        inner = Application()
        app = asgi.Middleware(inner, kernel=self.kernel)

        async def story():
            answers = await asyncio.gather(*[self.ask(app) for _ in range(8)])
            self.assertEqual({body for _, _, body in answers}, {b"call 1"})
            status, headers, body = await self.ask(app)
            self.assertEqual((status, headers[b"cache-status"], headers[b"content-type"], body), (200, b"larder; hit", b"text/plain", b"call 1"))
            await self.ask(app, "PUT")
            self.assertEqual((await self.ask(app))[2], b"call 3")
            self.assertEqual((await self.ask(app, path="/other"))[2], b"call 4")
            self.assertEqual((await self.ask(app, path="/other"))[2], b"call 5")

        asyncio.run(story())

    def test_what_says_private_or_sets_a_cookie_or_fails_is_not_kept(self):
        for headers, status in (([(b"Cache-Control", b"private")], 200), ([(b"set-cookie", b"a=b")], 200), ([], 500)):
            inner = Application()
            inner.headers, inner.status = headers, status
            app = asgi.Middleware(inner, kernel=self.kernel)

            async def story():
                await self.ask(app)
                self.assertEqual((await self.ask(app))[2], b"call 2")

            asyncio.run(story())

    def test_header_fields_may_be_tuples_or_lists_of_any_bytes_and_take_part_in_keys(self):
        with larder.Kernel(policy_text="""larder 1
namespace mine { key "{who}:{id}"; ttl 5m; static }
on GET "/pages/{id}" { let who = header "X-Who"; serve mine "{who}:{id}" }
""") as kernel:
            app = asgi.Middleware(Application(), kernel=kernel)

            async def story():
                for who in ((b"x-who", b"ann"), [b"x-who", b"b\xe9n"], (b"x-who", "bén".encode())):
                    answers = [(await self.ask(app, headers=[who]))[2] for _ in range(2)]
                    self.assertEqual(answers[0], answers[1], who)
                self.assertEqual((await self.ask(app, headers=[(b"x-who", b"new")]))[2], b"call 4")

            asyncio.run(story())

    def test_who_changes_the_header_of_an_answer_changes_it_for_this_one_only(self):
        app = asgi.Middleware(Application(), kernel=self.kernel)

        async def vandal(scope, receive, send):
            async def spoilt(message):
                message.get("headers", []).clear()
                await send(message)

            await app(scope, receive, spoilt)

        async def story():
            await self.ask(app)
            self.assertEqual((await self.ask(vandal))[1], {})
            self.assertEqual((await self.ask(app))[1][b"content-type"], b"text/plain")

        asyncio.run(story())

    def test_a_write_that_failed_drops_nothing(self):
        inner = Application()
        app = asgi.Middleware(inner, kernel=self.kernel)

        async def story():
            await self.ask(app)
            inner.status = 500
            await self.ask(app, "DELETE")
            self.assertEqual((await self.ask(app))[2], b"call 1")

        asyncio.run(story())


class Tools(Case):
    def test_the_typing_stubs_name_what_the_modules_have_with_the_same_parameters(self):
        import ast
        import inspect
        from larder import _larder, functions, kernel

        def signatures(stub):
            tree = ast.parse((ROOT / f"sdk/python/larder/{stub}.pyi").read_text())
            for node in tree.body:
                inner = node.body if isinstance(node, ast.ClassDef) else [node]
                for one in inner:
                    if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
                        given = one.args
                        yield (node.name if node is not one else None), one.name, [arg.arg for arg in given.posonlyargs + given.args + given.kwonlyargs]

        for module, name in ((functions, "functions"), (kernel, "kernel")):
            told = [one for one in signatures(name) if one[0] in (None, "Kernel")]
            for owner, function, parameters in told:
                real = inspect.getattr_static(getattr(module, owner) if owner else module, function)
                real = real.fget if isinstance(real, property) else real
                found = [one.name for one in inspect.signature(real).parameters.values() if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
                self.assertEqual(found, parameters, function)
        public = {one for one in vars(kernel.Kernel) if not one.startswith("_")}
        self.assertEqual(public - {function for owner, function, _ in signatures("kernel") if owner} - {"virtual_time"}, set())
        native = {function for owner, function, _ in signatures("_larder") if owner == "Kernel"} - {"__init__"}
        self.assertEqual(native, {one for one in vars(_larder.Kernel) if not one.startswith("_")})

    def test_the_pytest_fixture_has_a_kernel_in_memory_on_time_that_tests_move(self):
        try:
            import pytest  # noqa: F401
        except ImportError:
            self.skipTest("python3-pytest is not installed")
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            test = pathlib.Path(folder) / "test_users.py"
            test.write_text("import larder, pytest\n"
                            "pytest_plugins = ['larder.testing']\n"
                            f"@pytest.mark.larder(policy={str(ROOT / 'policies/hotel.larder')!r})\n"
                            "def test_forgotten_after_three_minutes(larder_kernel):\n"
                            "    larder_kernel.put('user_details', '7', {'name': 'Ann'})\n"
                            "    larder_kernel.advance(179)\n"
                            "    assert larder_kernel.get('user_details', '7') == {'name': 'Ann'}\n"
                            "    larder_kernel.advance(1)\n"
                            "    assert larder_kernel.get('user_details', '7') is None\n"
                            "    assert larder.default() is larder_kernel\n")
            ran = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test], capture_output=True, text=True,
                                 timeout=120, env={**os.environ, "PYTHONPATH": str(PACKAGE)})
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)


@unittest.skipIf(larder is None, "python3-dev is not installed: the package was left out")
class Everything(unittest.TestCase):
    def test_one_example_uses_every_verb_of_the_package_and_runs(self):
        example = ROOT / "examples/everything.py"
        ran = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, timeout=60, check=False,
                             env={**os.environ, "PYTHONPATH": str(PACKAGE)})
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("\nlarder " + larder.__version__, ran.stdout)
        text = example.read_text()
        verbs = {name for name in vars(larder.Kernel) if not name.startswith("_")} - {"native", "virtual_time"}
        self.assertGreater(len(verbs), 30)
        self.assertEqual({verb for verb in verbs if f"kernel.{verb}(" not in text}, set())
        self.assertEqual({name for name in larder.__all__ if f"larder.{name}" not in text}, set())


if __name__ == "__main__":
    unittest.main()
