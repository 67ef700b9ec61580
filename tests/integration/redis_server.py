# tests/integration/redis_server.py -- a redis-server of a test's own, on a free loopback port.
#
#     with RedisServer("--enable-debug-command", "yes") as server:
#         client = redis.Redis(port=server.port)
#         server.kill()       # -9; start() brings the same port back, with the same folder
#         server.freeze()     # SIGSTOP: connections open, nothing answers; thaw() ends it
#
# A server is ready when it answers PING, is ended by its pid whatever becomes of the test, and by the
# kernel if the test program itself is killed. redis_sentinel.py and redis_cluster.py are made of these.
import atexit
import ctypes
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import weakref

from resp_talk import Refused, Talk

_running = weakref.WeakSet()


def until(reached, what, seconds=30):
    """Asks reached() until it is true, and returns what it said; fails after `seconds`. A server that
    is not there yet, or refuses, is a no."""
    deadline = time.monotonic() + seconds
    told = None
    while time.monotonic() < deadline:
        try:
            told = reached()
        except (OSError, EOFError, Refused) as error:
            told = error
        else:
            if told:
                return told
        time.sleep(0.005)
    raise AssertionError(f"{what}: not within {seconds} s, at last {told!r}")


# Below the ports that the system gives to outgoing connections: one of those may take a port between
# the moment it was found free and the moment its server opens it.
SERVER_PORTS = range(10_000, 32_000)


def free_ports(count):
    """So many loopback ports that nobody listens on now."""
    found = []
    while len(found) < count:
        port = random.choice(SERVER_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class RedisServer:
    """One redis-server. `options` are its command line; `tls`, Certificates, makes it speak TLS only;
    `unix` opens a unix socket too; `conf`, text, goes into a configuration file that the server may
    rewrite, `mode` being what it is started as ("--sentinel")."""

    def __init__(self, *options, tls=None, unix=False, password=None, conf=None, mode=None):
        self._options = [str(option) for option in options]
        self.tls, self.password = tls, password
        self._unix, self._conf, self._mode = unix, conf, mode
        self.process = None

    def __enter__(self):
        program = shutil.which("redis-server")
        if program is None:
            raise unittest.SkipTest("redis-server is not here")
        self._program = program
        # Short, because a unix socket's path must fit in 108 bytes.
        self.folder = tempfile.mkdtemp(prefix="larder-redis-")
        self.unix = os.path.join(self.folder, "redis.sock") if self._unix else None
        try:
            for attempt in range(5):
                self.port, self.bus_port = free_ports(2)
                try:
                    self.start()
                    return self
                except AssertionError:
                    # Somebody else took the port between the look and the start.
                    self.kill()
                    if "Address already in use" not in self.log() or attempt == 4:
                        raise
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self.process.pid

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def command_line(self):
        words = [self._program]
        if self._conf is not None:
            path = pathlib.Path(self.folder, "redis.conf")
            if not path.exists():
                path.write_text(self._conf, encoding="utf-8")
            words.append(str(path))
        words += ["--bind", "127.0.0.1", "--dir", self.folder]
        if self._mode != "--sentinel":
            words += ["--save", ""]
        if self.tls is None:
            words += ["--port", str(self.port)]
        else:
            words += ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "optional",
                      "--tls-cert-file", self.tls.certificate("server"),
                      "--tls-key-file", self.tls.key("server"),
                      "--tls-ca-cert-file", self.tls.certificate("client")]
        if self.unix is not None:
            words += ["--unixsocket", self.unix, "--unixsocketperm", "700"]
        if self.password is not None:
            words += ["--requirepass", self.password]
        if "--cluster-enabled" in self._options:
            # By itself it would be 10,000 above the port, and there may be none.
            words += ["--cluster-port", str(self.bus_port)]
        return [*words, *self._options, *([self._mode] if self._mode else [])]

    def start(self):
        """Starts the process, the first time or again, and waits until it answers."""
        own = _die_with_parent if threading.current_thread() is threading.main_thread() else None
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(self.command_line(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, preexec_fn=own)
        _running.add(self)
        return self.ready()

    def ready(self, seconds=20):
        def answers():
            if self.process.poll() is not None:
                raise AssertionError(f"redis-server ended:\n{self.log()}")
            return self("PING") == b"PONG"
        until(answers, "redis-server answers PING", seconds)
        return self

    def log(self):
        """What the server wrote; its end if it is long."""
        path = pathlib.Path(self.folder, "log")
        return path.read_text(encoding="utf-8", errors="replace")[-4000:] if path.exists() else ""

    def talk(self, seconds=10):
        """A connection of the caller's own."""
        context = None
        if self.tls is not None:
            context = ssl.create_default_context(cafile=self.tls.certificate("server"))
        talk = Talk(self.address, context, seconds)
        if self.password is not None:
            talk("AUTH", self.password)
        return talk

    def __call__(self, *words):
        """One command on a connection of its own."""
        with self.talk() as talk:
            return talk(*words)

    def write(self, key, value, replicas):
        """SET, and back when so many replicas have it. (WAIT counts what its own connection wrote.)"""
        with self.talk() as talk:
            talk("SET", key, value)
            reached = talk("WAIT", replicas, 10_000)
        if reached < replicas:
            raise AssertionError(f"{reached} of {replicas} replicas have {key}")

    def info(self, section, field):
        for line in self("INFO", section).decode().splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return value
        return None

    def kill(self):
        """kill -9, by pid, and waits for the end."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def restart(self):
        self.kill()
        return self.start()

    def stop(self):
        """Ends it for good. Nothing is saved, so it is killed: a frozen server ends too."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@atexit.register
def _stop_what_runs():
    for server in list(_running):
        server.kill()
