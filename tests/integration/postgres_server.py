# tests/integration/postgres_server.py -- a Postgres of a test's own, in a folder of its own, on a free loopback port.
#
#     with PostgresServer() as server:
#         server("SELECT 1")              # psql, as the superuser; what it prints
#         server.notify("users", "{}")
#         server.kill()                   # -9; start() brings the same port and data back
#         server.freeze()                 # SIGSTOP, its backends too; thaw() ends it
#
# No cluster of the system's is used or touched: initdb makes a new one, owned by a user without privileges when the
# test runs as root, for Postgres does not run as root. It is ended by its pid whatever becomes of
# the test, and by the kernel if the test program itself is killed.
import atexit
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
import weakref

from redis_server import _die_with_parent, free_ports, until

_running = weakref.WeakSet()
# What is committed is with the system, and so survives a kill -9; only the disk is not waited for.
FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off",
        "max_connections": "20", "shared_buffers": "16MB", "listen_addresses": "127.0.0.1"}


def _programs():
    """The folder of the newest server that is installed; Debian keeps each version's apart."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    if initdb is None:
        raise unittest.SkipTest("postgres is not here")
    return pathlib.Path(initdb).resolve().parent


def _owner():
    """Who the server runs as: None for whoever runs the test."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise unittest.SkipTest("Postgres does not run as root, and there is nobody else")


class PostgresServer:
    """One server with the superuser `larder` and a database of that name. Over the unix socket everybody is
    trusted; over TCP `password` is asked for, which is made up unless it is given. `settings` are those of
    postgresql.conf."""

    PASSWORD = "of-a-test"

    def __init__(self, settings=None, password=PASSWORD):
        self._settings = {**FAST, **(settings or {})}
        self.password = password
        self.process = None

    def __enter__(self):
        self._bin, self._as = _programs(), _owner()
        # Short, because a unix socket's path must fit in 108 bytes.
        # In a place that its owner can reach: a folder of the test's runner is the runner's alone.
        self.folder = tempfile.mkdtemp(prefix="larder-pg-", dir="/tmp" if self._as else None)
        try:
            secret = pathlib.Path(self.folder, "password")
            secret.write_text(self.password, encoding="utf-8")
            if self._as is not None:
                for path in (self.folder, secret):
                    os.chown(path, self._as.pw_uid, self._as.pw_gid)
            self._run("initdb", "--pgdata", self.data, "--username", "larder", "--pwfile", str(secret),
                      "--auth-local", "trust", "--auth-host", "scram-sha-256", "--encoding", "UTF8",
                      "--locale", "C", "--no-sync", "--no-instructions")
            for attempt in range(5):
                self.port = free_ports(1)[0]
                try:
                    self.start()
                    break
                except AssertionError:
                    # Somebody else took the port between the look and the start.
                    self.kill()
                    if "Address already in use" not in self.log() or attempt == 4:
                        raise
            self("CREATE DATABASE larder", database="postgres")
            return self
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    @property
    def data(self):
        return os.path.join(self.folder, "data")

    @property
    def pid(self):
        return self.process.pid

    def url(self, tcp=False, password=False):
        """As larder and psql take it; the password stands in it only if it is asked for."""
        if tcp:
            secret = f":{self.password}" if password else ""
            return f"postgresql://larder{secret}@127.0.0.1:{self.port}/larder"
        return f"postgresql://larder@/larder?host={self.folder}&port={self.port}"

    def _identity(self):
        if self._as is None:
            return {}
        return {"user": self._as.pw_uid, "group": self._as.pw_gid, "extra_groups": []}

    def _run(self, program, *words):
        ran = subprocess.run([self._bin / program, *words], stdin=subprocess.DEVNULL, cwd=self.folder,
                             capture_output=True, text=True, timeout=120, **self._identity())
        if ran.returncode != 0:
            raise AssertionError(f"{program}: {ran.stdout}{ran.stderr}")
        return ran.stdout

    def start(self):
        """Starts the process, the first time or again, and waits until it answers."""
        words = [self._bin / "postgres", "-D", self.data, "-p", str(self.port), "-k", self.folder]
        for name, value in self._settings.items():
            words += ["-c", f"{name}={value}"]
        own = _die_with_parent if threading.current_thread() is threading.main_thread() else None

        def answers():
            if self.process is None or self.process.poll() is not None:
                # After a kill -9 the orphaned backends may hold its memory for a moment.
                if self.process is not None and "still in use" not in self.log():
                    raise AssertionError(f"postgres ended:\n{self.log()}")
                path = os.path.join(self.folder, "log")
                with open(path, "wb") as log:
                    self.process = subprocess.Popen(
                        words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                        cwd=self.folder, preexec_fn=own, **self._identity())
                _running.add(self)
            return self._ready()
        self.process = None
        until(answers, "postgres answers")
        return self

    def _ready(self):
        return subprocess.run([self._bin / "pg_isready", "-q", "-h", self.folder, "-p", str(self.port)],
                              timeout=20).returncode == 0

    def log(self):
        """What the server wrote since it was started; its end if it is long."""
        path = pathlib.Path(self.folder, "log")
        return path.read_text(encoding="utf-8", errors="replace")[-4000:] if path.exists() else ""

    def __call__(self, sql, database="larder"):
        """Statements by psql, over the unix socket, as one script that stops at its first error."""
        ran = subprocess.run(
            [self._bin / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder,
             "-p", str(self.port), "-U", "larder", "-d", database],
            input=sql, capture_output=True, text=True, timeout=60)
        if ran.returncode != 0:
            raise AssertionError(f"psql: {ran.stderr}")
        return ran.stdout.strip()

    def notify(self, channel, payload=""):
        quoted = payload.replace("'", "''")
        self(f"SELECT pg_notify('{channel}', '{quoted}')")

    def listeners(self):
        """How many connections of larder's are there."""
        return int(self("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'larder'"))

    def _family(self):
        """The server's pid and those of its backends."""
        pids = [self.pid]
        try:
            children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        except OSError:
            return pids
        return pids + [int(pid) for pid in children.split()]

    def kill(self):
        """kill -9, by pid, and waits for the end; its backends end by themselves."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def _signal(self, what):
        for pid in self._family():
            try:
                os.kill(pid, what)
            except ProcessLookupError:
                pass  # a backend whose client has left meanwhile

    def freeze(self):
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def restart(self):
        self.kill()
        return self.start()

    def stop(self):
        """Ends it for good. Nothing of it is wanted, so it is killed; frozen backends are thawed, to notice."""
        if self.process is not None and self.process.poll() is None:
            family = self._family()
            self.kill()
            for pid in family[1:]:
                try:
                    os.kill(pid, signal.SIGCONT)
                except ProcessLookupError:
                    pass
        shutil.rmtree(self.folder, ignore_errors=True)


@atexit.register
def _stop_what_runs():
    for server in list(_running):
        server.kill()
