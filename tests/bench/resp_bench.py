# tests/bench/resp_bench.py -- GET and SET through the gateway beside a redis-server of its own, as a ratio.
#
#   resp_bench.py [--requests N] [--rounds N] [--clients N] [--size BYTES]
#
# Both servers run at the same time and take turns, round by round, so that a busy machine slows both. The
# best round of each counts. Ports are the system's choice. Without a built larder the gateway runs over
# the fake cache (a std::map under one mutex), and the heading says so.
import argparse
import contextlib
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from larder_server import find  # noqa: E402
from resp_clients_test import RedisServer, start  # noqa: E402


def measure(port, test, depth, arguments):
    """Operations a second, as redis-benchmark says."""
    done = subprocess.run(
        ["redis-benchmark", "-p", str(port), "-t", test, "-P", str(depth), "-q", "-r", "10000",
         "-n", str(arguments.requests if depth > 1 else arguments.requests // 5),
         "-c", str(arguments.clients), "-d", str(arguments.size)],
        capture_output=True, text=True, check=True)
    return float(re.findall(r"([\d.]+) requests per second", done.stdout)[-1])


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
        print(f"{'':16}{'larder':>10}{'redis':>10}{'ratio':>8}")
        for depth in (1, 16):
            for test in ("set", "get"):
                best = {}
                for _ in range(arguments.rounds):
                    for name, server in (("ours", ours), ("theirs", theirs)):
                        rate = measure(server.port, test, depth, arguments)
                        best[name] = max(best.get(name, 0), rate)
                print(f"{test.upper():5}pipeline {depth:<3}{best['ours'] / 1000:9.1f}"
                      f"{best['theirs'] / 1000:10.1f}{best['ours'] / best['theirs']:8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
