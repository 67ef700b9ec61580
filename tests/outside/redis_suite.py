# tests/outside/redis_suite.py -- Redis' own test suite, fetched from Debian, run against larder.
#
#   tests/outside/redis_suite.py [--unit UNIT]... [--port N] [--verbose]
#
# The suite is what Redis 7.0 is tested with; its external mode talks to any server. It is not part of
# this tree: apt fetches Debian's source package with a list of sources of its own (bookworm and its
# security updates) and checks its signatures; only tests/ is unpacked, under build/outside/redis.
# Every unit runs against a fresh larder, because the units leave settings and users behind.
#
# redis_suite.skip names, with the reason of each group, the tests that are about what a cache is not.
# They count as not passed.
import argparse
import dataclasses
import fcntl
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration"), str(HERE.parent / "support")]

from larder_server import SOURCE, LarderServer  # noqa: E402
from redis_server import SERVER_PORTS  # noqa: E402

UNITS = ("type/string", "type/incr", "expire", "keyspace", "scan", "protocol", "quit", "info-command",
         "multi", "pubsub", "other", "introspection", "tracking")
# What the suite says about itself: parts for a server of its own, or hours of work.
TAGS = ("-needs:debug -needs:repl -needs:config-maxmemory -needs:save -large-memory -slow")
POLICY = 'namespace legacy { key "{rest...}" }\n'
GATEWAY = 'namespace = "legacy"\nrole = "admin"\n'
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SOURCES = f"""\
deb-src [signed-by={KEYRING}] http://deb.debian.org/debian bookworm main
deb-src [signed-by={KEYRING}] http://deb.debian.org/debian-security bookworm-security main
"""
SECONDS_A_UNIT = 150
LINE = re.compile(r"^\[(?:\x1b\[[0-9;]*m)?(ok|err|skip|exception|ignore|TIMEOUT)(?:\x1b\[0m)?\]:? ?(.*)$")


class Unavailable(Exception):
    """The suite cannot be had here; the text says why."""


@dataclasses.dataclass
class Score:
    unit: str
    passed: list = dataclasses.field(default_factory=list)
    skipped: list = dataclasses.field(default_factory=list)
    failed: list = dataclasses.field(default_factory=list)  # (name, what was said)

    @property
    def total(self):
        return len(self.passed) + len(self.skipped) + len(self.failed)


# ---- fetching ------------------------------------------------------------------------------------

def folder():
    build = os.environ.get("LARDER_BUILD_DIR")
    return (pathlib.Path(build).parent if build else SOURCE / "build") / "outside" / "redis"


def fetch():
    """The folder of the unpacked suite; fetched once, whoever asks at the same time."""
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        suite = place / "suite"
        if not (suite / "tests" / "test_helper.tcl").is_file():
            _unpack(_download(place / "download"), suite)
    return suite


def _download(place):
    if shutil.which("apt-get") is None:
        raise Unavailable("there is no apt-get to fetch Debian's redis source with")
    if shutil.which("tclsh") is None:
        raise Unavailable("there is no tclsh to run Redis' suite with (package tcl)")
    for name in ("lists/partial", "cache/archives/partial"):
        (place / name).mkdir(parents=True, exist_ok=True)
    (place / "sources.list").write_text(SOURCES, encoding="utf-8")
    options = [f"Dir::Etc::SourceList={place}/sources.list", "Dir::Etc::SourceParts=/dev/null",
               f"Dir::State::Lists={place}/lists", f"Dir::Cache={place}/cache",
               "APT::Sandbox::User=", "Acquire::Retries=2", "Acquire::http::Timeout=20"]
    apt = ["apt-get", "-q", *(word for option in options for word in ("-o", option))]
    for words in (["update"], ["source", "--download-only", "redis"]):
        done = subprocess.run([*apt, *words], cwd=place, stdin=subprocess.DEVNULL, timeout=170,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Unavailable("apt cannot fetch Debian's redis source; is deb.debian.org reachable?\n"
                              + done.stdout[-2000:])
    found = sorted(place.glob("redis_*.orig.tar.gz"))
    if not found:
        raise Unavailable("Debian's redis source package has no *.orig.tar.gz any more")
    return found[-1]


def _unpack(archive, suite):
    fresh = suite.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = pathlib.PurePosixPath(member.name).parts[1:]
            if parts and parts[0] in ("tests", "runtest") and ".." not in parts:
                member.name = str(pathlib.PurePosixPath(*parts))
                tar.extract(member, fresh)
    (fresh / "src").mkdir()
    (fresh / "src" / "redis-server").touch()  # the harness looks whether it was built
    shutil.rmtree(suite, ignore_errors=True)
    fresh.rename(suite)


# ---- running -------------------------------------------------------------------------------------

def skipped_names():
    """The lines of redis_suite.skip that are neither comments nor empty."""
    text = (HERE / "redis_suite.skip").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def run(unit, port, skip=(), only=()):
    """Runs one unit against the server on this port. The suite's folder may be used side by side."""
    for _ in range(5):
        score, printed = _run_once(unit, port, skip, only)
        # Another program may have taken the port that the harness found free, or all it tries.
        if score.total or not any(said in printed for said in ("non busy port", "address already in use")):
            break
    if not score.total:
        score.failed.append((f"{unit} runs", printed[-1500:]))
    return score


def _run_once(unit, port, skip, only):
    suite = fetch()
    skip_file = folder() / f"skip-{os.getpid()}"
    skip_file.write_text("".join(f"{name}\n" for name in skip), encoding="utf-8")
    command = ["tclsh", "tests/test_helper.tcl", "--host", "127.0.0.1", "--port", str(port),
               "--baseport", str(_free_port_block()), "--single", f"unit/{unit}", "--singledb",
               "--ignore-encoding", "--ignore-digest", "--tags", TAGS, "--durable", "--dont-clean",
               "--skipfile", str(skip_file)]
    for name in only:
        command += ["--only", name]
    process = subprocess.Popen(command, cwd=suite, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace",
                               start_new_session=True)
    overdue = False
    try:
        printed, _ = process.communicate(timeout=SECONDS_A_UNIT)
    except subprocess.TimeoutExpired:
        overdue = True
        os.killpg(process.pid, signal.SIGKILL)
        printed, _ = process.communicate()
    finally:
        skip_file.unlink()
    score = _read(unit, printed)
    if overdue:
        score.failed.append((f"{unit} ends in {SECONDS_A_UNIT} s", printed[-1500:]))
    return score, printed


def _free_port_block():
    """The harness opens a port of its own: the first free one of the 32 below this, all of them below
    the ports that the system gives to outgoing connections."""
    return random.randrange(SERVER_PORTS.start + 32, SERVER_PORTS.stop)


def _read(unit, printed):
    score = Score(unit)
    said = None  # the text of the last failure goes on over several lines
    for line in printed.splitlines():
        found = LINE.match(line)
        if found is None:
            if line.startswith(("[", "***")) or "The following tests failed" in line:
                said = None
            elif said is not None:
                said.append(line)
            continue
        kind, rest = found.groups()
        said = None
        if kind == "ok":
            score.passed.append(re.sub(r" \(\d+ ms\)$", "", rest))
        elif kind == "skip":
            score.skipped.append(rest)
        elif kind != "ignore":
            said = []
            score.failed.append((re.sub(r" in tests/unit/\S+\.tcl$", "", rest), said))
    score.failed = [(name, "\n".join(text) if isinstance(text, list) else text)
                    for name, text in score.failed]
    return score


def run_against_larder(unit, only=()):
    """One unit against a larder of its own, without the tests of the skip list."""
    with LarderServer(POLICY, gateway=GATEWAY) as server:
        return run(unit, server.port, () if only else skipped_names(), only)


def main():
    parser = argparse.ArgumentParser(description="Runs Redis' own test suite against larder.")
    parser.add_argument("--unit", action="append", choices=UNITS)
    parser.add_argument("--port", type=int, help="of a server that runs already, instead of larder")
    parser.add_argument("--only", action="append", default=[], help="the name of a test")
    parser.add_argument("--verbose", action="store_true", help="say what failed, and how")
    arguments = parser.parse_args()
    passed = total = 0
    for unit in arguments.unit or UNITS:
        if arguments.port:
            score = run(unit, arguments.port, (), arguments.only)
        else:
            score = run_against_larder(unit, arguments.only)
        passed += len(score.passed)
        total += score.total
        print(f"{unit:<16} {len(score.passed):>4} of {score.total}", flush=True)
        if arguments.verbose:
            for name, said in score.failed:
                print(f"    {name}\n" + "".join(f"        {line}\n" for line in said.splitlines()[:12]))
    print(f"{'sum':<16} {passed:>4} of {total}")


if __name__ == "__main__":
    main()
