#!/usr/bin/env python3
# tests/bench/http_bench.py -- the HTTP gateway beside nginx's proxy_cache and varnish, in one run on one machine.
#
#   tests/bench/http_bench.py [--rounds 5] [--seconds 3] [--connections 16] [--body 1024] [--idle 10000]
#
# Each server has one thread for its clients and answers one cached object to wrk (one thread); rounds take
# turns, so that what else the machine does falls on all, and the median counts; beside the rate stands what the
# server's processes spent on one request, which hardly depends on who else is running. Then: what a miss adds to the
# time of an application that answers at once, what a scrape of /metrics takes, and what
# idle connections cost. Debian's nginx, varnish, wrk.
import argparse
import os
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration"), str(HERE.parent / "support")]

from http_gateway import HttpGateway  # noqa: E402

POLICY = 'larder 1\nnamespace page { key "{path...}"; ttl 1h; static }\n' \
         'on GET "/{path...}" { serve page "{path...}" }\n'
# The application is an nginx of its own: an answer from memory, kept for an hour by whoever caches.
APP = """\
daemon off; worker_processes 1; pid {folder}/app.pid; error_log /dev/null;
events {{ worker_connections 20000; }}
http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; default_type text/plain;
    location / {{ add_header Cache-Control $cc; return 200 "{body}"; }}
    location /none/ {{ add_header Cache-Control no-store; return 200 "{body}"; }} }}
  map $uri $cc {{ default max-age=3600; }} }}
"""
PROXY = """\
daemon off; worker_processes 1; pid {folder}/proxy.pid; error_log /dev/null;
events {{ worker_connections 30000; }}
http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/pb; proxy_temp_path {folder}/pp;
  fastcgi_temp_path {folder}/pf; uwsgi_temp_path {folder}/pu; scgi_temp_path {folder}/ps;
  proxy_cache_path {folder}/cache keys_zone=one:10m;
  upstream app {{ server 127.0.0.1:{app}; keepalive 64; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://app; proxy_http_version 1.1;
    proxy_set_header Connection ""; proxy_cache one; }} }} }}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on {port}")


class Process:
    def __init__(self, words, port):
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.port = port
        wait_for(port)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def pids(self):
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        return [self.process.pid] + [int(pid) for pid in children]

    def memory(self):
        """Resident KiB of it and its children."""
        return sum(int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) for pid in self.pids())

    def spent(self):
        """Seconds of processor time, user and system."""
        total = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")


def start_nginx(folder, text, name, port):
    path = folder / f"{name}.conf"
    path.write_text(text)
    return Process(["nginx", "-p", str(folder), "-c", str(path)], port)


def start_varnish(folder, app):
    port = free_port()
    return Process(["varnishd", "-F", "-n", str(folder / "varnish"), "-a", f"127.0.0.1:{port}", "-b", f"127.0.0.1:{app}",
                    "-s", "malloc,64m", "-p", "thread_pools=1", "-T", "none"], port)


def wrk(port, path, seconds, connections):
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{port}{path}"],
                         capture_output=True, text=True, check=True).stdout
    unit = {"us": 1, "ms": 1000, "s": 1_000_000}
    value, name = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    if "Non-2xx" in out:
        raise SystemExit(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), float(value) * unit[name]


def sequential(port, path, n):
    """Median microseconds of one request after the other on one connection."""
    times = []
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(n):
            text = f"GET {path}{i} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
            began = time.perf_counter_ns()
            s.sendall(text)
            head = b""
            while b"\r\n\r\n" not in head:
                head += s.recv(65536)
            size = re.search(rb"(?i)content-length: (\d+)", head)
            left = (int(size[1]) if size else 0) - len(head.partition(b"\r\n\r\n")[2])
            while left > 0:
                left -= len(s.recv(65536))
            times.append((time.perf_counter_ns() - began) / 1000)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser()
    for name, value in (("rounds", 5), ("seconds", 3), ("connections", 16), ("body", 1024), ("idle", 10000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    o = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(60000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-http-bench-"))
    folder.chmod(0o755)
    running = []
    try:
        app = free_port()
        running.append(start_nginx(folder, APP.format(folder=folder, port=app, body="x" * o.body), "app", app))
        servers = {}
        port = free_port()
        servers["nginx"] = start_nginx(folder, PROXY.format(folder=folder, port=port, app=app), "proxy", port)
        if shutil.which("varnishd"):
            servers["varnish"] = start_varnish(folder, app)
        running += servers.values()
        class App:
            url = f"http://127.0.0.1:{app}"
        with HttpGateway(POLICY, App, "threads = 1\nmax_connections = 50000\n", conf='[exporter.prometheus]\nplugin = "prometheus"\n',
                         admin='listen = ["127.0.0.1:0"]\nopen = ["metrics"]\nrate = 0\n') as gateway:
            class Larder:
                port, pids, memory, spent = gateway.http_port, Process.pids, Process.memory, Process.spent
                process = gateway.process
            servers["larder"] = Larder()
            rates, tails, costs = ({n: [] for n in servers} for _ in range(3))
            for name, server in servers.items():
                wrk(server.port, "/object", 1, o.connections)
            for _ in range(o.rounds):
                for name, server in servers.items():
                    before = server.spent()
                    rate, tail = wrk(server.port, "/object", o.seconds, o.connections)
                    costs[name].append((server.spent() - before) / (rate * o.seconds) * 1e6)
                    rates[name].append(rate)
                    tails[name].append(tail)
            print(f"cached object of {o.body} bytes, {o.connections} connections, median of {o.rounds} x {o.seconds} s")
            for name in servers:
                rate = statistics.median(rates[name])
                ratio = statistics.median(a / b for a, b in zip(rates["larder"], rates[name]))
                print(f"  {name:8} {rate:9.0f} req/s   p99 {statistics.median(tails[name]):7.0f} us   "
                      f"processor {statistics.median(costs[name]):5.1f} us a request   larder/{name}: rate {ratio:.2f}, "
                      f"requests a second of processor {statistics.median(b / a for a, b in zip(costs['larder'], costs[name])):.2f}")
            direct, through, before = [], [], servers["larder"].spent()
            for i in range(o.rounds):
                direct.append(sequential(app, f"/miss/{i}/", 2000))
                through.append(sequential(gateway.http_port, f"/miss/{i}/", 2000))
            print(f"a miss: application alone {statistics.median(direct):.0f} us, through larder {statistics.median(through):.0f} us, "
                  f"adds {statistics.median(b - a for a, b in zip(direct, through)):.0f} us "
                  f"({(servers['larder'].spent() - before) / (2000 * o.rounds) * 1e6:.0f} us of processor)")
            # Beside the rate of hits a scrape is lost in the noise; what it takes from the processor is not.
            before, scrapes = servers["larder"].spent(), 300
            for _ in range(scrapes):
                with urllib.request.urlopen(f"http://{gateway.addresses['admin_http']}/metrics", timeout=5) as answer:
                    answer.read()
            took = (servers["larder"].spent() - before) / scrapes
            print(f"a scrape of /metrics takes {took * 1e6:.0f} us of processor: one a second is {took:.2%} of a core")
            if o.idle:
                before = servers["larder"].memory()
                idle = []
                for _ in range(o.idle):
                    s = socket.create_connection(("127.0.0.1", gateway.http_port))
                    s.sendall(b"GET /object HTTP/1.1\r\nHost: bench\r\n\r\n")
                    s.recv(4096)
                    idle.append(s)
                time.sleep(3)
                print(f"{o.idle} idle connections, one request each: {(servers['larder'].memory() - before) / 1024:.1f} MiB")
                for s in idle:
                    s.close()
    finally:
        for process in running:
            process.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
