# tests/bench/resp_bench.py -- GET and SET through the gateway beside a redis-server of its own, as a ratio.
#
#   resp_bench.py [--requests N] [--rounds N] [--clients N] [--size BYTES]
#
# Both servers run at the same time and take turns, round by round, so that a busy machine slows both. The
# best round of each counts. Beside the rate stands what the server's process spent on one operation,
# which hardly depends on who else is running. Ports are the system's choice. Without a built larder the gateway runs over
# the fake cache (a std::map under one mutex), and the heading says so.
import argparse
import contextlib
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from larder_server import find  # noqa: E402
from resp_clients_test import RedisServer, start  # noqa: E402


def spent(process):
    """Seconds of processor time, user and system, of a running process."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(server, test, depth, arguments):
    """Operations a second, as redis-benchmark says, and microseconds of the server for each."""
    requests = arguments.requests if depth > 1 else arguments.requests // 5
    before = spent(server.process)
    done = subprocess.run(
        ["redis-benchmark", "-p", str(server.port), "-t", test, "-P", str(depth), "-q",
         "-r", "10000", "-n", str(requests), "-c", str(arguments.clients),
         "-d", str(arguments.size)], capture_output=True, text=True, check=True)
    rate = float(re.findall(r"([\d.]+) requests per second", done.stdout)[-1])
    return rate, (spent(server.process) - before) / requests * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500_000, help="at depth 16; a fifth at depth 1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--size", type=int, default=100)
    arguments = parser.parse_args()
    if shutil.which("redis-benchmark") is None or shutil.which("redis-server") is None:
        print("redis-server and redis-benchmark are needed")
        return 2
    with contextlib.ExitStack() as stack:
        theirs = RedisServer().__enter__()
        stack.callback(theirs.stop)
        ours = start()
        stack.callback(ours.stop)
        what = "larder" if find("larder") is not None else "gateway over the fake cache"
        print(f"{what} beside redis-server; {arguments.clients} clients, {arguments.size} bytes, "
              f"best of {arguments.rounds} rounds; thousands of operations a second")
        print(f"{'':16}{'larder':>10}{'redis':>10}{'ratio':>8}{'us/op':>10}{'redis':>8}")
        for depth in (1, 16):
            for test in ("set", "get"):
                rates, costs = {ours: 0.0, theirs: 0.0}, {ours: math.inf, theirs: math.inf}
                for _ in range(arguments.rounds):
                    for server in (ours, theirs):
                        rate, cost = measure(server, test, depth, arguments)
                        rates[server] = max(rates[server], rate)
                        costs[server] = min(costs[server], cost)
                print(f"{test.upper():5}pipeline {depth:<3}{rates[ours] / 1000:9.1f}"
                      f"{rates[theirs] / 1000:10.1f}{rates[ours] / rates[theirs]:8.2f}"
                      f"{costs[ours]:10.2f}{costs[theirs]:8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
