# tests/integration/runbooks_test.py -- each section of docs/runbooks.md: its symptom is made, its commands are run, and have
# to print the cause. A section without a maker here fails, and so does a maker without a section.
import json
import os
import random
import sys
import tempfile
import threading
import time
import unittest

from chaos_proxy import ChaosProxy
from larder_server import SOURCE, LarderServer, find
from redis_server import RedisServer, until
from resp_talk import Refused, Talk

sys.path.insert(0, str(SOURCE / "tests/tidy"))
from docs import blocks_of, run_block  # noqa: E402

PAGE = SOURCE / "docs/runbooks.md"
CODEC = '[codec.gzip]\nplugin = "zlib"\nformat = "gzip"\n'


def sections():
    """{heading: [its blocks of commands]}."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    headings = [(number, line[3:]) for number, line in enumerate(lines, 1) if line.startswith("## ")]
    found = {heading: [] for _, heading in headings}
    for block in blocks_of(PAGE)[0]:
        if block.words == ["console", "runbook"]:
            found[[heading for number, heading in headings if number < block.line][-1]].append(block)
    return found


def policy():
    return next(block.text for block in blocks_of(PAGE)[0] if block.words == ["larder", "runbook.larder"])


class Kernel(LarderServer):
    """Its memory is called as on the page."""
    first_tier = "l1"


class Runbooks(unittest.TestCase):
    def start(self, redis=None, more="", password=""):
        """A kernel as the page has it; without a Redis of its own its second tier is memory."""
        if redis is None:
            tier = '[store.l2]\nplugin = "memory"\n'
        else:
            tier = (f'[store.l2]\nplugin = "redis"\nurl = "redis://{redis[0]}:{redis[1]}"\n{password}'
                    f'command_timeout = "500ms"\nconnect_timeout = "500ms"\n{more}')
        self.place = self.enterContext(tempfile.TemporaryDirectory(prefix="larder-runbook-"))
        log = os.path.join(self.place, "log")
        # The tiers of the page: l1, then l2.
        self.server = Kernel(policy(), store='capacity = "1MiB"\n' + tier, conf=CODEC + f'[log]\nfile = "{log}"\n',
                             gateway='role = "admin"\n', environment={"REDIS_PASSWORD": "a wrong one"})
        self.enterContext(self.server)
        self.port = str(self.server.port)
        self.environment = {"LARDER_SOCKET": str(self.server.folder / "admin.sock"), "LARDER_LOG": log}
        self.folder = self.server.folder
        self.talk = Talk(("127.0.0.1", self.server.port))
        self.addCleanup(self.talk.close)
        return self.talk

    def leads_to_the_cause(self, heading):
        # What a person sees at a terminal: (error) ...
        shim = os.path.join(self.place, "redis-cli")
        with open(shim, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\ncase "$*" in *--scan*) exec /usr/bin/redis-cli "$@";; esac\nexec /usr/bin/redis-cli --no-raw "$@"\n')
        os.chmod(shim, 0o755)
        environment = {**os.environ, **self.environment, "NO_COLOR": "1",
                       "PATH": f"{self.place}:{find('larder').resolve().parent}:{os.environ['PATH']}"}
        blocks = sections()[heading]
        self.assertTrue(blocks, f"{heading}: no commands")
        for block in blocks:
            wrong = run_block(block, self.folder, environment, self.port)
            self.assertEqual("\n".join(wrong), "")

    def stats(self):
        return json.loads(self.talk("LARDER", "STATS"))

    def log_has(self, text):
        def there():
            with open(self.environment["LARDER_LOG"], encoding="utf-8") as log:
                return text in log.read()
        until(there, f"the log says {text!r}")

    # ---- the symptoms

    def lives_too_short(self):
        talk = self.start()
        for n in range(1, 6):
            talk("SET", f"list:{n}", "x")
        until(lambda: talk("GET", "list:5") is None, "it has ended")
        for n in range(1, 6):
            talk("GET", f"list:{n}")

    def drops_too_much(self):
        talk = self.start()
        talk("SET", "user:1", "x")
        talk("LARDER", "ROUTE", "PUT", "/users/2/name", "200")
        self.assertIsNone(talk("GET", "user:1"))

    def several_keys(self):
        talk = self.start()
        for key in ("sales:de:2024", "sales:2024:de", "SALES:de:2024 sales"):
            talk("SET", f"report:{key}", "the same")

    def nothing_warm(self):
        self.start()

    def far_away(self):
        redis = self.enterContext(RedisServer())
        proxy = self.enterContext(ChaosProxy(redis.address))
        talk = self.start(("127.0.0.1", proxy.port))
        proxy.now(delay_ms=30)
        for n in range(8):
            talk("GET", f"user:{n}")

    def slow_loads(self):
        talk = self.start()
        self.assertIsNone(talk("GET", "report:1"))
        made = time.monotonic() + 0.02  # a report takes that long to make
        while time.monotonic() < made:
            pass
        talk("SET", "report:1", "made")
        self.log_has("miss of report")

    def server_gone(self):
        redis = self.enterContext(RedisServer())
        talk = self.start(redis.address)
        redis.kill()

        def opened():
            talk("GET", "user:1")
            return self.stats()["tiers"]["l2"]["breaker"] == "open"
        until(opened, "the breaker opens")
        self.log_has("cannot connect")

    def too_much_under_way(self):
        redis = self.enterContext(RedisServer())
        self.start(redis.address, 'in_flight = 1\n')
        redis.freeze()
        self.addCleanup(redis.thaw)

        def ask(n):
            with Talk(("127.0.0.1", self.server.port)) as talk:
                talk("GET", f"user:{n}")

        def refused():
            asking = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
            return self.exhausted() > 0
        until(refused, "an operation is refused")

    def exhausted(self):
        told = self.stats()["plugin_metrics"].get("larder_plugin_org_larder_store_redis_pool_exhausted_total")
        return told["samples"][0]["value"] if told else 0

    def wrong_password(self):
        redis = self.enterContext(RedisServer(password="the right one"))
        self.start(redis.address, password='password = { env = "REDIS_PASSWORD" }\n')
        self.log_has("WRONGPASS")

    def no_kernel(self):
        self.start()
        self.talk.close()
        self.server.process.terminate()
        self.server.process.wait(20)

    def memory_full(self):
        talk = self.start()
        dice = random.Random(7)
        for n in range(400):
            talk("SET", f"report:{n}", dice.randbytes(5000))
        until(lambda: self.stats()["tiers"]["l1"]["evictions"] > 0, "something was evicted")

    def saves_little(self):
        talk = self.start()
        dice = random.Random(7)
        for n in range(200):
            talk("SET", f"report:{n}", dice.randbytes(1500))

    def value_is_old(self):
        talk = self.start()
        talk("SET", "user:1", "old")
        talk("LARDER", "ROUTE", "PUT", "/v2/users/1", "200")
        self.assertEqual(talk("GET", "user:1"), b"old")


MAKERS = {
    "The hit rate is low: lives are too short": "lives_too_short",
    "The hit rate is low: something drops too much": "drops_too_much",
    "The hit rate is low: the same thing has several keys": "several_keys",
    "The hit rate is low: nothing is warm": "nothing_warm",
    "Latency is high: the store is far away or slow": "far_away",
    "Latency is high: what is loaded takes long": "slow_loads",
    "The breaker is open: the server is gone": "server_gone",
    "The breaker is open: more is under way than may be": "too_much_under_way",
    "The cache is unavailable: the password is wrong": "wrong_password",
    "The cache is unavailable: no kernel answers": "no_kernel",
    "Memory is full": "memory_full",
    "Compression saves little": "saves_little",
    "A value is old": "value_is_old",
}


def case(heading, maker):
    def test(self):
        getattr(self, maker)()
        self.leads_to_the_cause(heading)
    test.__doc__ = f"runbook: {heading.replace(':', ',')}"
    return test


for heading_, maker_ in MAKERS.items():
    setattr(Runbooks, f"test_{maker_}", case(heading_, maker_))


class Page(unittest.TestCase):
    def test_every_symptom_of_the_page_is_made_by_a_test(self):
        self.assertEqual(list(sections()), list(MAKERS))


if __name__ == "__main__":
    unittest.main()
