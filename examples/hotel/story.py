#!/usr/bin/python3
# examples/hotel/story.py -- what a policy does to an application, line by line, measured while you watch.
#
#     examples/hotel/story.py [--seconds S] [--rate R] [--json] [--stay]
#
# Starts the hotel's API (app.py) and larder in front of it, and sends the same guests (load.py) in every
# step: one more piece of policy each time, taken over with `larder reload`. In the last quarter of each
# step the database is away. Every number is counted in this run: queries by the application, all else
# by the guests. Needs python3-fastapi and python3-uvicorn. --stay leaves both running until Ctrl-C.
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import load

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# What each step adds to the policy of the one before.
STEPS = [
    ("no cache", "larder 1\n"),
    ("+ a user is kept for a minute", """
namespace user { key "{user_id}"; ttl 1m }
on GET "/v1.0/user/{user_id}" { serve user "{user_id}" }
"""),
    ("+ a write drops what it changed", """
on write "/v1.0/user/update/{user_id}" { drop user "{user_id}" }
"""),
    ("+ lists and the dashboard, for 2 s", """
namespace users { key "{page}"; ttl 2s }
namespace stats { key "all"; ttl 2s }
on GET "/v1.0/users" {
    let page = query "page"
    serve users "{page}"
}
on GET "/v1.0/dashboard/stats" { serve stats "all" }
"""),
    ("+ stale while it is made anew, or on error", """
defaults { stale 10s while revalidating, 10m on error }
"""),
]

COLUMNS = f"{'step':<46}{'queries':>9}{'p50':>9}{'p99':>9}{'failed':>8}{'wrong':>7}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find_larder():
    given = os.environ.get("LARDER_BIN")
    for path in [pathlib.Path(given)] if given else [ROOT / "build/release/bin/larder", shutil.which("larder")]:
        if path and pathlib.Path(path).is_file():
            return pathlib.Path(path).resolve()
    sys.exit("story: there is no larder; `./quickstart build` makes it, $LARDER_BIN names one")


class Hotel:
    """The application on a port of its own."""

    def __init__(self, folder):
        self.database = folder / "hotel.sqlite"
        self.port = free_port()
        self.log = folder / "hotel.log"
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(self.port),
             "--log-level", "critical", "--no-access-log", "--timeout-keep-alive", "600"],
            cwd=HERE, env={**os.environ, "HOTEL_DATABASE": str(self.database)}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self.log.open("wb"))
        self._wait()

    def _wait(self):
        for _ in range(300):
            if self.process.poll() is not None:
                sys.exit("story: the application did not start (python3-fastapi, python3-uvicorn?):\n" +
                         self.log.read_text(encoding="utf-8", errors="replace"))
            try:
                self.queries()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit("story: the application does not answer")

    def figures(self):
        """Queries of the database and requests so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/debug/database", timeout=5) as answer:
            said = json.load(answer)
            return said["queries"], said["calls"]

    def queries(self):
        return self.figures()[0]

    def database_leaves(self):
        self.database.rename(self.database.with_suffix(".away"))

    def database_returns(self):
        away = self.database.with_suffix(".away")
        if away.exists():
            away.rename(self.database)


class Larder:
    """larder in front of the application; its policy is rewritten step by step."""

    def __init__(self, folder, upstream):
        self.program, self.folder = find_larder(), folder
        self.policy, self.socket = folder / "hotel.larder", folder / "admin.sock"
        self.policy.write_text(STEPS[0][1], encoding="utf-8")
        (folder / "larder.toml").write_text(
            f'policy = ["{self.policy}"]\n'
            f'[plugins]\npath = ["{self.program.parent / "plugins"}"]\ntrust_path = true\n'
            '[store.memory]\nplugin = "memory"\n'
            f'[admin]\nsocket = "{self.socket}"\n'
            f'[gateway.http]\nplugin = "http"\nlisten = "127.0.0.1:0"\nupstream = ["http://127.0.0.1:{upstream}"]\n'
            '[gateway.resp]\nplugin = "resp"\nlisten = "127.0.0.1:0"\n', encoding="utf-8")
        self.log = open(folder / "larder.log", "w+", encoding="utf-8")  # noqa: SIM115
        self.process = subprocess.Popen([self.program, "serve", "--conf", folder / "larder.toml"],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.addresses = self._wait()

    def _wait(self):
        for _ in range(300):
            said = (self.folder / "larder.log").read_text(encoding="utf-8")
            if " ready: " in said:
                return dict(re.findall(r" (\w+)=(\S+)", said[said.index(" ready: "):]))
            if self.process.poll() is not None:
                sys.exit(f"story: larder did not start:\n{said}")
            time.sleep(0.1)
        sys.exit("story: larder is not ready")

    @property
    def http(self):
        host, _, port = self.addresses["http"].rpartition(":")
        return host, int(port)

    def ask(self, *words):
        ran = subprocess.run([self.program, *words, "--socket", self.socket], capture_output=True, text=True)
        if ran.returncode:
            sys.exit(f"story: larder {' '.join(words)}: {ran.stdout}{ran.stderr}")

    def take(self, policy):
        """This policy, and nothing cached."""
        self.policy.write_text(policy, encoding="utf-8")
        self.ask("reload")
        self.ask("drop", "--all")


def tell(hotel, larder, seconds, rate, as_json):
    guests = load.Guests(*larder.http)
    policy, rows = "", []
    if not as_json:
        print(f"{int(rate * seconds)} requests a step, {rate:g} a second; the database is away for the last quarter\n")
        print(COLUMNS, flush=True)
    for title, lines in STEPS:
        policy += lines
        larder.take(policy)
        before = hotel.queries()
        tally = guests.run(rate, seconds, at=[(seconds * 0.75, hotel.database_leaves)])
        hotel.database_returns()
        row = {"step": title, "requests": tally.requests, "queries": hotel.queries() - before,
               "p50_ms": tally.percentile(0.5) * 1000, "p99_ms": tally.percentile(0.99) * 1000,
               "failed": tally.failed, "wrong": tally.wrong}
        rows.append(row)
        if not as_json:
            print(f"{title:<46}{row['queries']:>9}{row['p50_ms']:>6.0f} ms{row['p99_ms']:>6.0f} ms"
                  f"{row['failed']:>8}{row['wrong']:>7}", flush=True)
    if as_json:
        print(json.dumps(rows))
    else:
        print("\nqueries: of the database   failed: no good answer within 2 s   wrong: older than an "
              "acknowledged write\nThe policy at the end:\n")
        print("".join(f"    {line}\n" for line in policy.splitlines() if line))


def main():
    parser = argparse.ArgumentParser(description="what a policy does to an application, measured")
    parser.add_argument("--seconds", type=float, default=10, help="of each step")
    parser.add_argument("--rate", type=float, default=110, help="requests a second")
    parser.add_argument("--json", action="store_true", help="rows as JSON")
    parser.add_argument("--stay", action="store_true", help="leave application and larder running until Ctrl-C")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    started = []
    with tempfile.TemporaryDirectory(prefix="larder-story-") as name:
        try:
            folder = pathlib.Path(name)
            hotel = Hotel(folder)
            started.append(hotel.process)
            larder = Larder(folder, hotel.port)
            started.append(larder.process)
            tell(hotel, larder, arguments.seconds, arguments.rate, arguments.json)
            if arguments.stay:
                print(f"The application answers on http://127.0.0.1:{hotel.port}, larder in front of it on:")
                for gateway, address in larder.addresses.items():
                    print(f"  {gateway:<8}{address}")
                print("Ctrl-C stops them.", flush=True)
                signal.pause()
        except KeyboardInterrupt:
            pass
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
