# tests/integration/redis_nodes.py -- several `larder serve` above one shared Redis, and what tests ask of them.
#
#     with Nodes(store_of(redis.address), count=2) as (a, b):
#         a.set("item:1", "x"); b.get("item:1")
#
# The policy's breaker looks again after 200 ms and the stream is proved every 50 ms, so that what takes a
# minute by default is over in a second. The gateway's fence, which judges a SET by the GET before it, is off
# where a test does not ask for it: these tests poll, and a poll is no load.
import json
import os
import time

from larder_server import LarderServer
from redis_server import until
from resp_talk import Talk

POLICY = """larder 1
breaker l2 { open after 5 failures; retry after 200ms; probe 1 }
namespace item { ttl 5m; key "{id}"; tag "all"; tag "item:{id}" }
namespace other { ttl 5m; key "{id}"; tag "others" }
"""
TIMES = ('max_staleness = "600ms"\nheartbeat = "50ms"\n'
         'command_timeout = "300ms"\nconnect_timeout = "300ms"\n')


def store_of(address, more=""):
    """[store.l2] over one server: (host, port), a unix socket's path, or a whole url."""
    if isinstance(address, tuple):
        address = f"redis://{address[0]}:{address[1]}"
    elif "://" not in address:
        address = f"unix://{address}"
    return f'[store.l2]\nplugin = "redis"\nurl = "{address}"\n{TIMES}{more}'


def times(few):
    """How often a test of kills repeats itself: LARDER_KILLS, or few."""
    return int(os.environ.get("LARDER_KILLS", few))


class Node:
    """One kernel; a connection to it that is opened when it is needed."""

    def __init__(self, server):
        self.server = server
        self.talk = Talk(("127.0.0.1", server.port))

    def get(self, key):
        return self.talk("GET", key)

    def set(self, key, value):
        return self.talk("SET", key, value)

    def drop_tag(self, tag):
        return self.talk("LARDER", "DROP", "TAG", tag)

    def stats(self):
        return json.loads(self.talk("LARDER", "STATS"))

    def trusted(self):
        """The log's last word about the stream is that it is proved."""
        told = [line for line in self.server.log if "invalidation stream" in line]
        return bool(told) and "is proved" in told[-1]

    def logged(self, text):
        return any(text in line for line in self.server.log)


class Nodes:
    def __init__(self, store, count=2, policy=POLICY, environment=None, fence=False):
        gateway = "" if fence else "fence = false\n"
        self._made = [LarderServer(policy, store=store, environment=environment, gateway=gateway)
                      for _ in range(count)]
        self.nodes = []

    def __enter__(self):
        try:
            for server in self._made:
                self.nodes.append(Node(server.__enter__()))
            return self.nodes
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for node in self.nodes:
            node.talk.close()
        for server in self._made:
            if hasattr(server, "process"):
                server.stop()


def commands_of(redis):
    """How often each command was called at a server, without what watches it."""
    calls = {}
    for line in redis("INFO", "commandstats").decode().splitlines():
        if line.startswith("cmdstat_"):
            name, _, rest = line.removeprefix("cmdstat_").partition(":calls=")
            calls[name] = int(rest.partition(",")[0])
    return calls


def held_in_memory(node, key, *servers):
    """Whether a get of the key asks no server."""
    def gets():
        return sum(calls.get("get", 0) + calls.get("mget", 0) for calls in map(commands_of, servers))
    before = gets()
    answered = node.get(key)
    return answered is not None and gets() == before


def settle(nodes, key, *servers):
    """Until every node has the key in its memory. (A node's own write comes back as a push, so that an
    entry stays at the second read.)"""
    for node in nodes:
        until(lambda: held_in_memory(node, key, *servers), f"{key} is in memory", 10)


def coherent(nodes, seconds=20):
    """Until what one sets the others get, each way; the seconds it took."""
    began = time.monotonic()
    turn = 0

    def agreed():
        nonlocal turn
        for writer in nodes:
            turn += 1
            value = f"{turn}".encode()
            writer.set("other:coherent", value)
            # A push takes a moment: what is read before is not wrong yet.
            end = time.monotonic() + 0.1
            while any(reader.get("other:coherent") != value for reader in nodes):
                if time.monotonic() > end:
                    return False
        return True
    until(agreed, "the nodes agree", seconds)
    return time.monotonic() - began
