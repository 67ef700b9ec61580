#!/usr/bin/env python3
# tests/bench/nginx_bench.py -- hits of larder's nginx module beside nginx' own proxy_cache, in one run on one machine.
#
#   tests/bench/nginx_bench.py [--rounds 5] [--seconds 3] [--connections 16] [--body 1024]
#
# Three nginx with one worker each and the same application behind: the module, proxy_cache, and `return 200`, which is
# what nginx itself can do. Rounds take turns, so that what else the machine does falls on all; the median of their ratios
# counts, and beside it what a worker spends on one request, which hardly depends on who else is running. Then requests that
# wait for a Redis whose every answer is 2 ms late, on one worker. Debian's nginx, wrk, redis-server.
import argparse
import pathlib
import shutil
import statistics
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration"), str(HERE.parent / "support")]

from chaos_proxy import ChaosProxy  # noqa: E402
from http_bench import APP, POLICY, PROXY, Process, free_port, start_nginx, wrk  # noqa: E402
from nginx_server import Nginx  # noqa: E402
from redis_nodes import store_of  # noqa: E402
from redis_server import RedisServer, until  # noqa: E402


class Module:
    """What the bench asks of a server, of the module's nginx."""
    pids, spent = Process.pids, Process.spent

    def __init__(self, nginx):
        self.process, self.port = nginx.process, nginx.port


def compare(servers, o):
    rates, costs = {n: [] for n in servers}, {n: [] for n in servers}
    for server in servers.values():
        wrk(server.port, "/object", 1, o.connections)
    for _ in range(o.rounds):
        for name, server in servers.items():
            before = server.spent()
            rate, _ = wrk(server.port, "/object", o.seconds, o.connections)
            rates[name].append(rate)
            costs[name].append((server.spent() - before) / (rate * o.seconds) * 1e6)
    print(f"cached object of {o.body} bytes, {o.connections} connections, median of {o.rounds} x {o.seconds} s, one worker each")
    for name in servers:
        print(f"  {name:12} {statistics.median(rates[name]):9.0f} req/s   processor {statistics.median(costs[name]):5.1f} us a request   "
              f"larder/{name}: rate {statistics.median(a / b for a, b in zip(rates['larder'], rates[name])):.2f}, "
              f"requests a second of processor {statistics.median(b / a for a, b in zip(costs['larder'], costs[name])):.2f}")


def slow_tier(app, o):
    """Every request needs Redis: no memory is above it."""
    policy = 'larder 1\nnamespace page { key "{path...}"; ttl 1h; static; tiers l2 }\n' \
             'on GET "/{path...}" { serve page "{path...}" }\n'
    with RedisServer() as redis, ChaosProxy(("127.0.0.1", redis.port)) as proxy, \
            Nginx(policy, app, store=store_of(("127.0.0.1", proxy.port))) as nginx:
        until(lambda: nginx.get("/object").cache == "hit", "nothing is kept")
        proxy.now(delay_ms=2)
        rate, tail = wrk(nginx.port, "/object", o.seconds, 64)
        one, _ = wrk(nginx.port, "/object", o.seconds, 1)
        print(f"above a Redis that is 2 ms late, one worker: 1 connection {one:.0f} req/s, 64 connections {rate:.0f} req/s, p99 {tail / 1000:.1f} ms; "
              f"a worker that stood still would do no more for 64 than for 1")


def main():
    parser = argparse.ArgumentParser()
    for name, value in (("rounds", 5), ("seconds", 3), ("connections", 16), ("body", 1024)):
        parser.add_argument(f"--{name}", type=int, default=value)
    o = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-nginx-bench-"))
    folder.chmod(0o755)
    running = []
    try:
        app = free_port()
        running.append(start_nginx(folder, APP.format(folder=folder, port=app, body="x" * o.body), "app", app))
        port = free_port()
        running.append(start_nginx(folder, PROXY.format(folder=folder, port=port, app=app), "proxy", port))
        with Nginx(POLICY, app) as nginx:
            compare({"larder": Module(nginx), "proxy_cache": running[1], "return 200": running[0]}, o)
        slow_tier(app, o)
    finally:
        for process in running:
            process.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
