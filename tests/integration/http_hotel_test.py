# tests/integration/http_hotel_test.py -- the hotel's FastAPI application, unchanged, behind larder and policies/hotel.larder.
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import fastapi  # noqa: F401
    import redis
    import uvicorn  # noqa: F401
except ImportError:
    fastapi = redis = None

from http_gateway import HttpGateway
from larder_server import SOURCE

POLICY = (SOURCE / "policies" / "hotel.larder").read_text(encoding="utf-8")


class HotelApp:
    """uvicorn with hotel_app on a socket that was bound before, so that no port can be taken from it."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.set_inheritable(True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "hotel_app:app", "--fd", str(listener.fileno()), "--log-level", "critical"],
            cwd=pathlib.Path(__file__).resolve().parent, pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOTEL_DB": f"{self.folder.name}/hotel.db", "PYTHONDONTWRITEBYTECODE": "1"})
        listener.close()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.folder.cleanup()


class HttpHotelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if fastapi is None:
            raise unittest.SkipTest("python3-fastapi, uvicorn and python3-redis are not here")
        cls.app = HotelApp().__enter__()
        cls.addClassCleanup(cls.app.__exit__)
        cls.gateway = HttpGateway(POLICY, cls.app, store='[store.l2]\nplugin = "memory"\n')
        cls.gateway.__enter__()
        cls.addClassCleanup(cls.gateway.stop)
        for _ in range(200):  # uvicorn accepts before it answers
            if cls.gateway.get("/queries").status == 200:
                break
            time.sleep(0.05)

    def queries(self):
        return json.loads(self.gateway.get("/queries").body)["count"]

    def update(self, user, name):
        return self.gateway.ask("POST", f"/v1.0/user/update/{user}", json.dumps({"name": name}),
                                {"Content-Type": "application/json"})

    def test_its_gets_come_from_the_cache(self):
        first = self.gateway.get("/v1.0/user/1")
        before = self.queries()
        for _ in range(10):
            reply = self.gateway.get("/v1.0/user/1")
            self.assertEqual((reply.cache, reply.body), ("hit", first.body))
        self.assertEqual(self.queries(), before)
        self.assertEqual(json.loads(first.body), {"id": "1", "name": "guest 1", "points": 10})

    def test_an_update_drops_what_the_policy_says_and_nothing_else(self):
        cache = redis.Redis(port=self.gateway.port, decode_responses=True)
        self.addCleanup(cache.close)
        kept = {user: self.gateway.get(f"/v1.0/user/{user}").body for user in (42, 7, 8)}
        gone = ["user_stats:all", "user_list:1:active", "dashboard_stats:all", "superadmin_user_list:1:all"]
        stays = "user_service:get_user_details:user_id:7"
        for key in [*gone, stays]:
            cache.set(key, "x")
        self.assertEqual(self.update(42, "Ada").status, 200)
        self.assertEqual(json.loads(self.gateway.get("/v1.0/user/42").body)["name"], "Ada")
        for user in (7, 8):
            reply = self.gateway.get(f"/v1.0/user/{user}")
            self.assertEqual((reply.cache, reply.body), ("hit", kept[user]))
        self.assertEqual([cache.get(key) for key in gone], [None] * 4)
        self.assertEqual(cache.get(stays), "x")

    def test_a_500_from_the_application_drops_nothing(self):
        kept = self.gateway.get("/v1.0/user/9").body
        self.assertEqual(self.update(9, "").status, 500)
        reply = self.gateway.get("/v1.0/user/9")
        self.assertEqual((reply.cache, reply.body), ("hit", kept))

    def test_what_is_not_there_is_not_kept(self):
        self.assertEqual([self.gateway.get("/v1.0/user/none").status for _ in range(2)], [404, 404])
        self.assertEqual(self.gateway.get("/v1.0/user/none").cache, "uri-miss")

    def test_a_reader_after_an_acknowledged_write_reads_it(self):
        for i in range(20):
            self.update(50, f"name {i}")
            self.assertEqual(json.loads(self.gateway.get("/v1.0/user/50").body)["name"], f"name {i}")


if __name__ == "__main__":
    unittest.main()
