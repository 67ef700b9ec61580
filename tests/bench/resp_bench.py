# tests/bench/resp_bench.py -- the gateway beside a redis-server and a memcached of its own: rates, latencies, memory.
#
#   resp_bench.py [--quick] [--rounds N] [--requests N] [--clients N...] [--depths N...] [--threads N]
#                 [--only rates|memcached|memory]
#
# The servers run at the same time and take turns, round by round, so that a busy machine slows all of
# them; of each the best round counts. larder has one thread unless --threads says more. Redis and larder
# are asked by redis-benchmark, memcached and once more both by `larder bench --server`, whose client
# costs less and speaks both languages. Beside the rate stands what the server's process spent on one
# operation, which hardly depends on who else is running. What is printed is Markdown, for
# docs/performance.md. Ports are the system's choice.
import argparse
import contextlib
import csv
import io
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "integration"), str(TESTS / "support")]
from larder_server import LarderServer, find  # noqa: E402
from redis_server import free_ports  # noqa: E402
from resp_clients_test import RedisServer  # noqa: E402

POLICY = 'namespace legacy { key "{rest...}" }\n'
CONF = '[log]\nlevel = "error"\n'


class Memcached:
    """A memcached on a free port."""

    def __enter__(self):
        self.port, = free_ports(1)
        self.process = subprocess.Popen(
            ["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(self.port), "-t", "1", "-m", "2048"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError("memcached does not start")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def spent(server):
    """Seconds of processor time, user and system, of a running server."""
    stat = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text()
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(server):
    """Bytes of a server's process that are in memory."""
    pages = pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Result:
    def __init__(self, rate, p50_ms, p99_ms, cpu_us):
        self.rate, self.p50_ms, self.p99_ms, self.cpu_us = rate, p50_ms, p99_ms, cpu_us


def by_redis_benchmark(server, test, depth, clients, requests):
    before = spent(server)
    done = subprocess.run(
        ["redis-benchmark", "-p", str(server.port), "-t", test, "-P", str(depth), "--csv", "-r", "100000",
         "-n", str(requests), "-c", str(clients), "-d", "100"], capture_output=True, text=True, check=True)
    row = list(csv.reader(io.StringIO(done.stdout)))[-1]
    return Result(float(row[1]), float(row[4]), float(row[6]), (spent(server) - before) / requests * 1e6)


def by_larder_bench(server, dialect, depth, clients, each):
    """Results of GET and SET."""
    done = subprocess.run(
        [find("larder"), "bench", "--server", f"127.0.0.1:{server.port}", "--dialect", dialect, "--keys",
         "key:{n}", "--entries", "100000", "--clients", str(clients), "--pipeline", str(depth), "--each",
         each, "--json"], capture_output=True, text=True, check=True)
    return {row["what"][:3].lower(): Result(row["per_second"], row["p50_ns"] / 1e6, row["p99_ns"] / 1e6, 0)
            for row in json.loads(done.stdout)["rows"]}


def better(old, new):
    return new if old is None or new.rate > old.rate else old


def rates(ours, theirs, arguments):
    print("| clients | pipeline | | larder k/s | redis k/s | ratio | larder p50, p99 ms | redis p50, p99 ms "
          "| larder us/op | redis us/op |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for clients in arguments.clients:
        for depth in arguments.depths:
            requests = arguments.requests // {1: 6}.get(depth, 1) // {1: 4}.get(clients, 1)
            for test in ("get", "set"):
                best = {ours: None, theirs: None}
                for _ in range(arguments.rounds):
                    for server in best:
                        best[server] = better(best[server], by_redis_benchmark(server, test, depth, clients,
                                                                               requests))
                a, b = best[ours], best[theirs]
                print(f"| {clients} | {depth} | {test.upper()} | {a.rate / 1000:.0f} | {b.rate / 1000:.0f} | "
                      f"{a.rate / b.rate:.2f} | {a.p50_ms:.2f}, {a.p99_ms:.2f} | {b.p50_ms:.2f}, "
                      f"{b.p99_ms:.2f} | {a.cpu_us:.2f} | {b.cpu_us:.2f} |", flush=True)
    print()


def beside_memcached(ours, theirs, arguments):
    with contextlib.ExitStack() as stack:
        third = Memcached().__enter__()
        stack.callback(third.stop)
        servers = [("larder", ours, "resp"), ("redis", theirs, "resp"), ("memcached", third, "memcached")]
        print("| pipeline | | larder k/s | redis k/s | memcached k/s | to redis | to memcached | p99 ms |")
        print("|---|---|---|---|---|---|---|---|")
        for depth in arguments.depths:
            best = {(name, test): None for name, _, _ in servers for test in ("get", "set")}
            for _ in range(arguments.rounds):
                for name, server, dialect in servers:
                    found = by_larder_bench(server, dialect, depth, 50, arguments.each)
                    for test, result in found.items():
                        best[name, test] = better(best[name, test], result)
            for test in ("get", "set"):
                a, b, c = (best[name, test] for name, _, _ in servers)
                print(f"| {depth} | {test.upper()} | {a.rate / 1000:.0f} | {b.rate / 1000:.0f} | "
                      f"{c.rate / 1000:.0f} | {a.rate / b.rate:.2f} | {a.rate / c.rate:.2f} | {a.p99_ms:.2f}, "
                      f"{b.p99_ms:.2f}, {c.p99_ms:.2f} |", flush=True)
        print()


def fill(server, entries, ttl):
    """Puts entries of 16-byte keys and 100-byte values; bytes of memory for each."""
    before = resident(server)
    value = "v" * 100
    with socket.create_connection(("127.0.0.1", server.port)) as wire:
        answers = wire.makefile("rb")
        for start in range(0, entries, 1000):
            block = []
            for i in range(start, min(start + 1000, entries)):
                more = "$2\r\nEX\r\n$4\r\n3600\r\n" if ttl else ""
                block.append(f"*{5 if ttl else 3}\r\n$3\r\nSET\r\n$16\r\nkey:{i:012d}\r\n$100\r\n{value}\r\n{more}")
            wire.sendall("".join(block).encode())
            for _ in block:
                if answers.readline() != b"+OK\r\n":
                    raise AssertionError("a SET was refused")
    return (resident(server) - before) / entries


def memory(arguments):
    print("| 16-byte keys, 100-byte values | larder bytes | redis bytes | ratio |")
    print("|---|---|---|---|")
    for ttl in (False, True):
        found = []
        for server in (LarderServer(POLICY, CONF, 'namespace = "legacy"\nthreads = 1', store='capacity = "2GiB"'),
                       RedisServer()):
            with contextlib.ExitStack() as stack:
                server.__enter__()
                stack.callback(server.stop)
                found.append(fill(server, arguments.entries, ttl))
        print(f"| {arguments.entries:,} entries{' with a time to live' if ttl else ''} | {found[0]:.0f} | "
              f"{found[1]:.0f} | {found[0] / found[1]:.2f} |", flush=True)
    print()


def main():
    parser = argparse.ArgumentParser(description="larder's gateway beside redis-server and memcached")
    parser.add_argument("--quick", action="store_true", help="a minute instead of a quarter of an hour")
    parser.add_argument("--requests", type=int, help="a measurement; a sixth of it at depth 1")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--clients", type=int, nargs="+")
    parser.add_argument("--depths", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--threads", type=int, default=1, help="of larder")
    parser.add_argument("--entries", type=int, help="for memory")
    parser.add_argument("--only", choices=["rates", "memcached", "memory"])
    arguments = parser.parse_args()
    quick = arguments.quick
    arguments.requests = arguments.requests or (200_000 if quick else 1_000_000)
    arguments.rounds = arguments.rounds or (1 if quick else 3)
    arguments.clients = arguments.clients or ([50] if quick else [1, 50, 500])
    arguments.entries = arguments.entries or (200_000 if quick else 1_000_000)
    arguments.each = "500ms" if quick else "2s"
    if shutil.which("redis-benchmark") is None or shutil.which("redis-server") is None:
        print("redis-server and redis-benchmark are needed")
        return 2
    with contextlib.ExitStack() as stack:
        theirs = RedisServer().__enter__()
        stack.callback(theirs.stop)
        ours = LarderServer(POLICY, CONF, f'namespace = "legacy"\nthreads = {arguments.threads}').__enter__()
        stack.callback(ours.stop)
        if arguments.only in (None, "rates"):
            rates(ours, theirs, arguments)
        if arguments.only in (None, "memcached"):
            if shutil.which("memcached") is None:
                print("memcached is not here (apt install memcached)\n")
            else:
                beside_memcached(ours, theirs, arguments)
    if arguments.only in (None, "memory"):
        memory(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
