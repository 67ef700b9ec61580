# examples/everything.py -- every verb of the Python package once, on one kernel in memory and on virtual time.
#
#     PYTHONPATH=build/release/bin/python python3 examples/everything.py
#
# Each step prints what came of it. tests/integration/python_test.py runs this file and says when a verb of
# the package is missing in it.
import asyncio
import base64
import os

import larder

POLICY = """
larder 1

namespace user    { key "{id}"; ttl 5m; stale 1m on error; with tag; tag "{tag}"; tag "users" }
namespace profile { key "{id}"; ttl 10m; depends on user "{id}" }
namespace page    { key "{path...}"; ttl 1m; tag "pages" }

session login { ttl 30m sliding; store l1; encrypt; limit 3 per user }

on GET "/pages/{id}"    { serve page "{id}" }
on write "/pages/{id}"  { drop page "{id}" }
on event "moved" (id)   { drop user "{id}" }

alert few_hits when hit_rate < 99% for 1m -> log
"""
CONFIG = """
[store.l1]
plugin = "memory"
[session.login]
plugin = "sealed"
keys = { env = "SESSION_ENCRYPTION_KEY" }
[admin]
enabled = false
[log]
level = "error"
"""


def show(what, value):
    print(f"{what:34} {value!r}")


def values(kernel):
    kernel.put("user", "42", {"name": "Ann"}, ttl=60, tags=["staff"])
    show("get", kernel.get("user", "42"))
    show("get of nothing", kernel.get("user", "43", default="nobody"))
    show("exists, ttl", (kernel.exists("user", "42"), kernel.ttl("user", "42")))
    show("expire in ten seconds", kernel.expire("user", "42", 10))
    show("keys", kernel.keys("user", "4*"))
    show("put only if new", kernel.put("user", "42", {"name": "Ben"}, flags=larder.ONLY_NEW))
    show("put over it, its life stays", kernel.put("user", "42", {"name": "Bea"}, flags=larder.ONLY_OVER | larder.KEEP_LIFE))
    show("get_or_load", kernel.get_or_load("user", "44", lambda: {"name": "loaded once"}))
    show("drop", kernel.drop("user", "44"))
    kernel.advance(11)
    show("eleven seconds later", kernel.get("user", "42"))
    show("a value is JSON", larder.decode(larder.encode({"a": [1, None]})))


def what_happened(kernel):
    """The application says what happened; the policy says what goes."""
    kernel.put("user", "42", {"name": "Ann"}, tags=["staff"])
    kernel.put("profile", "42", "long")
    kernel.put("page", "home", "<h1>")
    kernel.depend("page", "home", "user", "42")
    show("event", kernel.event("moved", id="42")["changes"])
    show("what depended on it", (kernel.get("profile", "42"), kernel.get("page", "home")))
    kernel.put("page", "7", "<p>")
    show("a write that failed", kernel.route("PUT", "/pages/7", 500)["changes"])
    show("a write", kernel.route("PUT", "/pages/7", 200)["changes"])
    kernel.put("user", "1", "x", tags=["staff"])
    show("drop a tag", kernel.invalidate("tag:staff", what=larder.DROP)["changes"])
    kernel.put("user", "1", "x")
    show("expire a namespace", kernel.invalidate("namespace", "user", what=larder.EXPIRE)["changes"])
    show("refresh a namespace", kernel.invalidate("namespace", "page", what=larder.REFRESH)["changes"])


def functions(kernel):
    calls = []

    @larder.cached("user", ttl=30, kernel=kernel)
    def find(user_id):
        calls.append(user_id)
        return {"id": user_id}

    @larder.invalidates("user:*", kernel=kernel)
    def rename(user_id):
        return f"renamed {user_id}"

    find(7), find(7)
    show("two calls, asked", calls)
    rename(7)
    find(7)
    show("after a change, asked", calls)
    show("its key", find.key_of(7))
    show("a key of arguments", larder.key("find", (7,), {"page": 2}))
    show("a digest of a value", larder.digest({"a": [1, 2]}))
    show("the key of a call", larder.call_key("find", find.__wrapped__, (7,), {}))


def sessions(kernel):
    token = kernel.session("create", "login", "42", {"cart": []})
    show("session", kernel.session("get", "login", token))
    show("changed", kernel.session("update", "login", token, {"cart": ["soup"]}))
    show("ended", kernel.session("end", "login", token))
    show("read again", kernel.session("get", "login", token))


async def event_loop(kernel):
    told = []
    kernel.watch_alerts(told.append)
    await kernel.aput("user", "42", {"name": "Ann"})
    show("aget", await kernel.aget("user", "42"))
    show("aget_or_load", await kernel.aget_or_load("user", "43", lambda: asyncio.sleep(0, {"name": "awaited"})))
    show("adrop", await kernel.adrop("user", "42"))
    show("aevent", (await kernel.aevent("moved", id="43"))["changes"])
    show("aroute", (await kernel.aroute("DELETE", "/pages/7", 200))["changes"])
    show("ainvalidate", (await kernel.ainvalidate("tag:users"))["changes"])
    token = await kernel.asession("create", "login", "7", {"lang": "de"})
    show("asession", await kernel.asession("get", "login", token))


def reports(kernel):
    show("namespaces", kernel.stats("namespaces")["namespaces"]["user"]["hits"])
    show("why", kernel.explain("PUT /pages/7").splitlines()[0])
    show("alerts", [(one["type"], one["firing"]) for one in kernel.alerts(now=True)])
    show("a report as text", kernel.report("explain GET /pages/7").splitlines()[0])
    show("has, space", (kernel.has("user"), kernel.space("user") >= 0, kernel.has("nothing")))
    try:
        show("warm", kernel.warm("user"))
    except larder.Error as problem:
        show("warm", f"{type(problem).__name__}: {problem}")
    kernel.reload()


def main():
    key = base64.urlsafe_b64encode(os.urandom(32)).decode()
    with larder.Kernel(policy_text=POLICY, config_text=CONFIG, virtual_time=True, env={"SESSION_ENCRYPTION_KEY": key}) as kernel:
        larder.use(kernel)
        assert larder.default() is kernel
        values(kernel)
        what_happened(kernel)
        functions(kernel)
        sessions(kernel)
        asyncio.run(event_loop(kernel))
        reports(kernel)
    kernel.open()  # and once more, from the beginning
    kernel.close()
    print("larder", larder.__version__)


if __name__ == "__main__":
    main()
