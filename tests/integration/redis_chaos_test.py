# tests/integration/redis_chaos_test.py -- the chaos matrix: each fault between two kernels and their Redis, and
# what callers of one of them see.
#
# A cell asserts the same four things: every call is answered, within the command timeout and what a busy
# machine adds; no answer is a value that was never set for that key, or one that was dropped before the
# faults began; and when the fault is over the nodes agree again. docs/reliability.md shows the table.
import time
import unittest

from chaos_proxy import ChaosProxy
from redis_nodes import Nodes, coherent, settle, store_of
from redis_server import RedisServer, until
from resp_talk import Refused

# 300 ms of command timeout, for a call that is tried again two of them; the rest is the machine's.
LONGEST = 2.5

FAULTS = {
    "replies 200 ms late": {"delay_ms": 200},
    "replies later than the timeout": {"delay_ms": 500},
    "a blackhole": {"blackhole": True},
    "replies lost": {"lose_replies": True},
    "connections reset": {"reset_at": 0},
    "resets within a reply": {"reset_at": 3},
    "truncated replies": {"truncate": 5},
    "half-closed connections": {"half_close": True},
    "replies a byte at a time": {"piece": 1},
    "every third pair of replies swapped": {"swap": True, "every": 3},
    "every third reply twice": {"duplicate": True, "every": 3},
    "pushes lost": {"drop_pushes": True},
    "one reply in five reset": {"reset_at": 2, "share": 0.2},
    "LOADING": {"instead": "-LOADING Redis is loading the dataset in memory"},
    "READONLY": {"instead": "-READONLY You can't write against a read only replica."},
    "MOVED from a single server": {"instead": "-MOVED 1 127.0.0.1:1"},
    "CLUSTERDOWN": {"instead": "-CLUSTERDOWN The cluster is down"},
    "NOAUTH": {"instead": "-NOAUTH Authentication required."},
    "OOM": {"instead": "-OOM command not allowed when used memory > 'maxmemory'."},
    "MISCONF": {"instead": "-MISCONF Errors writing to the AOF file: No space left on device"},
    "OK to everything": {"instead": "+OK"},
    "a number to everything": {"instead": ":7"},
    "no RESP at all": {"instead": "HTTP/1.1 400 Bad Request"},
    "an array that is too long": {"instead": "*1000000000"},
    "a string that is too long": {"instead": "$9223372036854775807"},
}


class Chaos(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = cls.enterClassContext(RedisServer())
        cls.proxy = cls.enterClassContext(ChaosProxy(cls.redis.address))
        # One node behind the proxy, one with a clean way: what the first does wrong the second sees.
        cls.victim, = cls.enterClassContext(Nodes(store_of(cls.proxy.address), count=1))
        cls.clean, = cls.enterClassContext(Nodes(store_of(cls.redis.address), count=1))

    def setUp(self):
        self.proxy.now()
        self.addCleanup(self.proxy.now)
        coherent([self.victim, self.clean])

    def timed(self, ask):
        began = time.monotonic()
        try:
            return ask()
        except Refused as error:
            return error
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)

    def cell(self, faults):
        self.slowest = 0.0
        both = [self.victim, self.clean]
        self.clean.set("item:held", "held")
        self.clean.set("item:stored", "stored")
        settle(both, "item:held", self.redis)
        self.clean.set("item:dropped", "of before")
        self.victim.get("item:dropped")
        self.clean.drop_tag("item:dropped")
        until(lambda: self.victim.get("item:dropped") is None, "the drop arrived")

        before = dict(self.proxy.counts)
        self.proxy.now(**faults)
        for turn in range(6):
            # A hit in memory, a hit in Redis, a miss, a value, a removal, a drop.
            self.assertIn(self.timed(lambda: self.victim.get("item:held")), (b"held", None))
            self.assertIn(self.timed(lambda: self.victim.get("item:stored")), (b"stored", None))
            self.assertIsNone(self.timed(lambda: self.victim.get("item:dropped")))
            self.assertIsNone(self.timed(lambda: self.victim.get(f"item:never{turn}")))
            self.timed(lambda: self.victim.set(f"item:new{turn}", f"new{turn}"))
            self.assertIn(self.timed(lambda: self.victim.get(f"item:new{turn}")),
                          (f"new{turn}".encode(), None))
            self.timed(lambda: self.victim.talk("DEL", f"item:new{turn}"))
            self.assertIsNone(self.timed(lambda: self.victim.get(f"item:new{turn}")))
            self.timed(lambda: self.victim.drop_tag("others"))
        self.timed(lambda: self.victim.drop_tag("item:stored"))
        self.assertIsNone(self.timed(lambda: self.victim.get("item:stored")))
        self.assertLess(self.slowest, LONGEST)
        name = next(iter(faults))
        self.assertGreater(self.proxy.counts.get(name, 0), before.get(name, 0), "the fault was met")

        self.proxy.now()
        took = coherent(both)
        for node in both:
            until(lambda: node.get("item:stored") is None, "a drop under faults is delivered", 10)
            for turn in range(6):
                self.assertIsNone(node.get(f"item:new{turn}"), "a removal under faults is delivered")
        print(f"slowest call {self.slowest * 1e3:.0f} ms, coherent after {took * 1e3:.0f} ms")


    def bounded(self, faults):
        """Another node drops what this one holds while the stream is lost: seconds until it knows."""
        self.clean.set("item:held", "held")
        settle([self.victim, self.clean], "item:held", self.redis)
        self.proxy.now(**faults)
        self.clean.drop_tag("item:held")
        began = time.monotonic()
        until(lambda: self.timed(lambda: self.victim.get("item:held")) is None, "it is gone", 5)
        took = time.monotonic() - began
        print(f"gone after {took * 1e3:.0f} ms")
        return took

    def test_a_value_dropped_elsewhere_is_served_for_at_most_max_staleness_when_pushes_are_lost(self):
        """Only pushes are lost; PING and every command are answered: max_staleness (600 ms) bounds what is served."""
        self.slowest = 0.0
        for _ in range(5):
            self.assertLess(self.bounded({"drop_pushes": True}), 0.6 + 0.4)
            self.proxy.now()
            until(lambda: self.victim.trusted(), "the stream is proved again", 10)
            coherent([self.victim, self.clean])

    def test_a_value_dropped_elsewhere_is_served_for_at_most_max_staleness_in_a_blackhole(self):
        """Nothing arrives and nothing closes: max_staleness (600 ms) bounds what is served."""
        self.slowest = 0.0
        for _ in range(3):
            # A get that asks takes its own timeout on top.
            self.assertLess(self.bounded({"blackhole": True}), 0.6 + 0.3 + 0.4)
            self.proxy.now()
            coherent([self.victim, self.clean])


def _cell(faults):
    return lambda self: self.cell(faults)


for _name, _faults in FAULTS.items():
    _method = _cell(_faults)
    _method.__doc__ = f"{_name}: calls end in time, no value is wrong, and afterwards the nodes agree."
    setattr(Chaos, "test_" + "".join(c if c.isalnum() else "_" for c in _name), _method)


if __name__ == "__main__":
    unittest.main()
