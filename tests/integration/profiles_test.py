# tests/integration/profiles_test.py -- conf/development.toml and conf/production.toml, served as they ship.
#
# The hotel's two environments differed in lifetimes, in the host and in the password. Here a policy's profile has
# the lifetimes, and larder.toml the rest: a reference, so that the file can be committed.
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import unittest

try:
    import redis
except ImportError:
    redis = None

from larder_server import SOURCE, find

LIFETIMES = {  # seconds, of the hotel's document
    "development": {"user_stats:all": 60, "user_list:1:all": 30, "dashboard_stats:all": 120},
    "production": {"user_stats:all": 600, "user_list:1:all": 300, "dashboard_stats:all": 1800},
}


class Environment:
    """A kernel that serves conf/NAME.toml; only what its environment may say is said."""

    def __init__(self, name, **environment):
        self.name, self.environment = name, environment

    def __enter__(self):
        program = find("larder")
        if program is None:
            raise unittest.SkipTest("larder is not built (set LARDER_BIN)")
        folder = tempfile.TemporaryDirectory(prefix="larder-profile-")
        self.folder = pathlib.Path(folder.name)
        self.close = [folder.cleanup]
        plain = {k: v for k, v in os.environ.items()
                 if not k.startswith("LARDER_") and not k.endswith("_TTL")}
        self.process = subprocess.Popen(
            [program.resolve(), "serve", "--conf", SOURCE / f"conf/{self.name}.toml"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**plain, "XDG_RUNTIME_DIR": str(self.folder), "XDG_STATE_HOME": str(self.folder), "LARDER_MEMORY": "64MiB",
                 "LARDER_LOG_FILE": str(self.folder / "log"), "LARDER_RESP": "127.0.0.1:0", "LARDER_HTTP": "127.0.0.1:0",
                 "LARDER_PLUGIN_PATH": str(program.resolve().parent / "plugins"), **self.environment})
        self.lines, self.port = [], None
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.ready.wait(30)
        return self

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            if found := re.search(r"resp=127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                self.ready.set()
        self.ready.set()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        self.reader.join(10)
        self.process.stdout.close()
        for close in self.close:
            close()

    def client(self, **more):
        assert self.port, "not ready:\n" + "".join(self.lines)
        return redis.Redis(port=self.port, decode_responses=True, **more)


@unittest.skipIf(redis is None, "python3-redis is not here")
class Profiles(unittest.TestCase):
    def check_lifetimes(self, client, name):
        for key, seconds in LIFETIMES[name].items():
            client.set(key, "x")
            self.assertTrue(seconds - 5 <= client.ttl(key) <= seconds, f"{name} {key}")

    def test_development_has_its_lifetimes_and_asks_for_no_password(self):
        with Environment("development") as kernel, kernel.client() as client:
            self.check_lifetimes(client, "development")

    def test_production_has_its_lifetimes_and_lets_in_only_who_knows_the_password(self):
        with Environment("production", LARDER_RESP_PASSWORD="secure-password") as kernel:
            with kernel.client() as stranger, self.assertRaises(redis.AuthenticationError):
                stranger.get("user_stats:all")
            with kernel.client(password="wrong") as guessing, \
                    self.assertRaises((redis.AuthenticationError, redis.ResponseError)):
                guessing.get("user_stats:all")
            with kernel.client(password="secure-password") as client:
                self.check_lifetimes(client, "production")

    def test_production_without_its_password_does_not_start(self):
        with Environment("production") as kernel:
            kernel.process.wait(30)
            kernel.reader.join(10)
            self.assertNotEqual(kernel.process.returncode, 0)
            self.assertRegex("".join(kernel.lines),
                             r"production\.toml:\d+.*the secret of option password cannot be read")

    def test_the_environment_chooses_profile_and_address_without_an_edit(self):
        with Environment("production", LARDER_RESP_PASSWORD="secure-password",
                         LARDER_PROFILE="development") as kernel, \
                kernel.client(password="secure-password") as client:
            self.check_lifetimes(client, "development")

    def test_no_password_and_no_host_stands_in_a_shipped_file(self):
        for path in (SOURCE / "conf").glob("*.toml"):
            for line in path.read_text(encoding="utf-8").splitlines():
                if re.match(r"\s*password\s*=", line):
                    self.assertRegex(line, r"=\s*\{ (env|file) = ", f"{path.name}: {line}")


if __name__ == "__main__":
    unittest.main()
