#!/usr/bin/env python3
# tests/outside/http_cache_suite.py -- npm's http-cache-tests (what cache-tests.fyi runs), run against larder.
#
#   tests/outside/http_cache_suite.py [--verbose] [--folder UNPACKED]
#
# The package is not part of this tree: npm fetches it, by name, version and hash, when the test runs, and it
# is unpacked under build/outside/http-cache-tests. Its origin server and its client are used, through
# http_cache_driver.mjs; the score is counted here as the suite's own page does: a test counts as passed when
# it and all that it depends on passed.
import argparse
import base64
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration"), str(HERE.parent / "support")]

from http_gateway import HttpGateway  # noqa: E402
from larder_server import SOURCE  # noqa: E402

NAME, VERSION = "http-cache-tests", "0.4.5"
INTEGRITY = "sha512-DjuwN9nUZXLTW+wav1LRESCZNVxl8SshwOy4z1pxuWbWt5/ay6sM9QQ1lebBaDO6P1IMBoK6mdf+PuVP/QNL8A=="
DRIVER = HERE / "http_cache_driver.mjs"
POLICY = 'larder 1\nnamespace http { key "{path...}" }\non GET "/{path...}" { serve http "{path...}" }\n'
OPTIONS = 'freshness = "origin"\nheuristic = 0.1\nkeep = "1h"\nbreaker_failures = 1000000\n'


class Unavailable(Exception):
    """The suite cannot be had here; the text says why."""


@dataclasses.dataclass
class Score:
    passed: dict  # kind -> ids
    failed: dict  # kind -> {id: why}

    def of(self, kind):
        return len(self.passed[kind]), len(self.passed[kind]) + len(self.failed[kind])


def folder():
    build = os.environ.get("LARDER_BUILD_DIR")
    return (pathlib.Path(build).parent if build else SOURCE / "build") / "outside" / NAME


def fetch():
    """The folder of the unpacked package; fetched once, whoever asks at the same time."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is not here (Debian: nodejs, npm)")
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "package" / "client" / "runner.mjs").is_file():
            _unpack(_download(place), place)
    return place / "package"


def _download(place):
    done = subprocess.run(["npm", "pack", "--silent", f"{NAME}@{VERSION}"], cwd=place, timeout=120,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    archive = place / f"{NAME}-{VERSION}.tgz"
    if done.returncode != 0 or not archive.is_file():
        raise Unavailable(f"npm cannot fetch {NAME}@{VERSION}:\n{done.stderr[-2000:]}")
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        raise Unavailable(f"{archive.name} is not the package that is expected: {found}")
    return archive


def _unpack(archive, place):
    fresh = place / "unpacked"
    shutil.rmtree(fresh, ignore_errors=True)
    with tarfile.open(archive) as tar:
        members = [m for m in tar if m.isfile() and ".." not in pathlib.PurePosixPath(m.name).parts]
        tar.extractall(fresh, members=members)
    (fresh / "package" / "package.json").write_text('{"type": "module"}')
    shutil.rmtree(place / "package", ignore_errors=True)
    (fresh / "package").rename(place / "package")


class _Origin:
    def __init__(self, package):
        self.package = package

    def __enter__(self):
        environment = {**os.environ, "npm_config_protocol": "http", "npm_config_port": "0",
                       "npm_config_pidfile": os.devnull}
        self.process = subprocess.Popen(["node", DRIVER, "server", self.package], cwd=self.package,
                                        env=environment, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        for line in self.process.stdout:
            if line.startswith("port "):
                self.url = f"http://127.0.0.1:{int(line[5:])}"
                return self
        raise Unavailable("the suite's server did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


def run_against(base, package):
    done = subprocess.run(["node", "--no-warnings", DRIVER, "run", package, base], cwd=package,
                          timeout=400, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise AssertionError("the suite's client ended badly:\n" + done.stderr[-3000:])
    return score(json.loads(done.stdout))


def score(results):
    good = {}

    def passes(name):
        if name not in good:
            test = results.get(name)
            good[name] = test is not None and test["result"] is True and all(map(passes, test["depends_on"]))
        return good[name]

    out = Score({k: [] for k in ("required", "optimal", "check")}, {k: {} for k in ("required", "optimal", "check")})
    for name, test in results.items():
        if passes(name):
            out.passed[test["kind"]].append(name)
        else:
            why = test["result"]
            out.failed[test["kind"]][name] = "depends on one that failed" if why is True else " ".join(map(str, why or ["not run"]))
    return out


def run_against_larder(package=None):
    package = package or fetch()
    with _Origin(package) as origin, HttpGateway(POLICY, origin, OPTIONS) as gateway:
        return run_against(f"http://127.0.0.1:{gateway.http_port}", package)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path)
    options = parser.parse_args()
    result = run_against_larder(options.folder)
    for kind in ("required", "optimal", "check"):
        print(kind, "%d of %d" % result.of(kind))
        if options.verbose or kind == "required":
            for name, why in sorted(result.failed[kind].items()):
                print("   ", name, "-", why[:200])


if __name__ == "__main__":
    main()
