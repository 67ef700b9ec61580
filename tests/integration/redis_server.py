# tests/integration/redis_server.py -- a redis-server of a test's own, on a free loopback port.
#
#     with RedisServer("--enable-debug-command", "yes") as server:
#         client = redis.Redis(port=server.port)
import shutil
import socket
import subprocess
import tempfile
import time
import unittest


class RedisServer:
    def __init__(self, *options):
        self._options = options

    def __enter__(self):
        program = shutil.which("redis-server")
        if program is None:
            raise unittest.SkipTest("redis-server is not here")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = tempfile.mkdtemp(prefix="larder-redis-")
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--dir", self.folder, *self._options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except OSError:
                time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)
