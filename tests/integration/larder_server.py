# tests/integration/larder_server.py -- starts `larder serve` for a test, on ports the system chooses, and ends it.
#
#     with LarderServer(policy) as server:
#         client = redis.Redis(port=server.port)
#
# The program is $LARDER_BIN, else bin/larder of the build under test. A test that has neither is skipped.
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

SOURCE = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                      pathlib.Path(__file__).resolve().parent.parent.parent)


def find(name):
    """The path of a built program, or None. LARDER_BIN is the larder program itself."""
    given = os.environ.get("LARDER_BIN")
    if name == "larder" and given:
        return pathlib.Path(given)
    build = os.environ.get("LARDER_BUILD_DIR")
    builds = [pathlib.Path(build)] if build else sorted(
        (SOURCE / "build").glob("*"), key=lambda folder: (folder.name != "release", folder.name))
    for folder in builds:
        for place in (folder / "bin" / name, folder / "bin" / "tests" / name):
            if place.is_file():
                return place
    return None


class LarderServer:
    """One running kernel with a RESP gateway. Everything it writes is in a folder of its own."""
    first_tier = "memory"

    def __init__(self, policy, conf="", gateway="", environment=None, listen="127.0.0.1:0",
                 store="", admin=""):
        self.policy, self.conf, self.gateway, self.listen = policy, conf, gateway, listen
        self.admin = admin
        self.store = store
        self.environment = environment or {}
        self.addresses = {}
        self.log = []

    def __enter__(self):
        program = find("larder")
        if program is None:
            raise unittest.SkipTest("larder is not built (set LARDER_BIN)")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-test-"))
        (self.folder / "test.larder").write_text(self.policy, encoding="utf-8")
        plugins = program.resolve().parent / "plugins"
        (self.folder / "larder.toml").write_text(
            f'policy = ["{self.folder}/test.larder"]\n'
            f'[plugins]\npath = ["{plugins}"]\ntrust_path = true\n'
            f'[store.{self.first_tier}]\nplugin = "memory"\n{self.store}\n'
            f'[admin]\nsocket = "{self.folder}/admin.sock"\n{self.admin}\n'
            f'[gateway.resp]\nplugin = "resp"\nlisten = "{self.listen}"\n{self.gateway}\n'
            f'{self.conf}\n', encoding="utf-8")
        self.process = subprocess.Popen(
            [program, "serve", "--conf", self.folder / "larder.toml"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **self.environment})
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(ready,), daemon=True)
        self._reader.start()
        if not ready.wait(30) or "resp" not in self.addresses:
            self.stop()
            raise AssertionError("larder serve did not become ready:\n" + "".join(self.log))
        return self

    def _read(self, ready):
        for line in self.process.stdout:
            self.log.append(line)
            self.addresses.update(re.findall(r"(\w+)=((?:tls:)?\d+\.\d+\.\d+\.\d+:\d+)", line))
            if "resp" in self.addresses:
                ready.set()
        ready.set()

    def __exit__(self, *_):
        self.stop()

    @property
    def port(self):
        return int(self.addresses["resp"].rpartition(":")[2])

    def stop(self):
        """Ends the process as an operator would; the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.process.returncode
