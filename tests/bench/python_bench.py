# tests/bench/python_bench.py -- a hit in Python beside a GET of redis-py over loopback, in turns.
#
#   PYTHONPATH=build/release/bin/python python3 tests/bench/python_bench.py     ns a call, median of rounds
#
# In-process memory beside a shared store across a socket: two different things, and the one is what people use before the other.
# redis-server is started on a free port of its own and ended by its pid; without it only larder's rows are there.
import asyncio
import pathlib
import shutil
import statistics
import sys
import time

import larder

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / folder) for folder in ("integration", "support")]

ROUNDS, KEYS = 9, 1000
VALUE = {"name": "Ann", "mail": "ann@example.com", "roles": ["guest", "member"]}


def timed(calls, work):
    began = time.perf_counter_ns()
    work(calls)
    return (time.perf_counter_ns() - began) / calls


def rows(kernel):
    space, loop, native = kernel.space("user"), kernel._loop(), kernel.native
    keys = [str(i) for i in range(KEYS)]
    for key in keys:
        kernel.put("user", key, VALUE)

    @larder.cached("user", key=str)
    async def find(number):
        return VALUE

    def bytes_of(n):
        for i in range(n):
            native.lookup(space, keys[i % KEYS], loop, 0)

    def values(n):
        for i in range(n):
            kernel.get("user", keys[i % KEYS])

    def awaited(n):
        async def all_of_them():
            for i in range(n):
                await find(i % KEYS)
        asyncio.run(all_of_them())

    return [("larder: the bytes of a hit", 50_000, bytes_of), ("larder: kernel.get, JSON decoded", 20_000, values),
            ("larder: await of a cached function", 20_000, awaited)], keys


def main():
    kernel = larder.use(larder.Kernel(policy_text='larder 1\nnamespace user { key "{id}"; ttl 1h }\n'))
    table, keys = rows(kernel)
    server = None
    if shutil.which("redis-server"):
        import json
        import redis
        import redis_server
        server = redis_server.RedisServer().__enter__()
        client = redis.Redis(port=server.port)
        for key in keys:
            client.set(key, json.dumps(VALUE))
        table.append(("redis-py: GET over loopback, bytes", 2_000, lambda n: [client.get(keys[i % KEYS]) for i in range(n)]))
        table.append(("redis-py: GET, JSON decoded", 2_000, lambda n: [json.loads(client.get(keys[i % KEYS])) for i in range(n)]))
    found = {name: [] for name, _, _ in table}
    for _ in range(ROUNDS):
        for name, calls, work in table:
            found[name].append(timed(calls, work))
    for name, times in found.items():
        print(f"{name:40} {statistics.median(times):10.0f} ns")
    if server is not None:
        server.stop()
    kernel.close()


if __name__ == "__main__":
    main()
