# tests/integration/session_nodes.py -- several `larder serve` that keep sessions in one store, asked as Redis clients and as
# hosts over HTTP ask.
#
#     a, b = (SessionNode(self, store_of(redis.address)) for _ in range(2))
#     made = a("CREATE", "login", "7", "{}"); b.ask("get", id=made)
import base64
import hashlib
import http.client
import json

from larder_server import LarderServer
from redis_server import until
from resp_talk import Refused, Talk

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
NEW_KEY = "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
TOKEN = "an operator's token of a test"
POLICY = """larder 1
namespace user { key "{user_id}"; ttl 5m }
session login { ttl 30m sliding; store l2; encrypt; limit 5 per user; cookie "sid" secure httponly }
session kiosk { ttl 1h; store l2; encrypt; limit 1 per user then refuse }
breaker l2 { open after 5 failures; retry after 200ms; probe 1 }
on DELETE "/users/{user_id}" { drop user "{user_id}"; end session login of "{user_id}" }
on event "disabled" (user_id) { end session login of "{user_id}"; end session kiosk of "{user_id}" }
"""
CONF = ('[session.login]\nplugin = "sealed"\nkeys = { env = "SESSION_ENCRYPTION_KEY" }\nFORMAT\n'
        '[session.kiosk]\nplugin = "sealed"\nkeys = { env = "SESSION_ENCRYPTION_KEY" }\n'
        '[exporter.metrics]\nplugin = "prometheus"\n'
        '[admin.tokens]\nops = { role = "admin", secret = { env = "OPS" } }\n'
        'watch = { role = "read", secret = { env = "WATCH" } }\n')


class SessionNode:
    """One `larder serve` with sessions in the store that is given. `policy` and `conf` have others than POLICY's."""

    def __init__(self, test, store, form="gcm", keys=KEY, policy=POLICY, conf=CONF, session="login", gateway="", first_tier=None):
        self.session = session
        server = LarderServer(
            policy, store=store, gateway=gateway, admin='listen = ["127.0.0.1:0"]\n',
            conf=conf.replace("FORMAT", f'format = "{form}"'),
            environment={"SESSION_ENCRYPTION_KEY": keys, "OPS": TOKEN, "WATCH": "w" * 32})
        server.first_tier = first_tier or server.first_tier
        self.server = test.enterContext(server)
        self.talk = Talk(("127.0.0.1", self.server.port))
        test.addCleanup(self.talk.close)
        # Its store has told the time.
        until(lambda: self("TOUCH", session, "nobody's") == 0, "sessions are kept")

    def __call__(self, *words):
        reply = self.talk("LARDER", "SESSION", *words)
        return reply.decode() if isinstance(reply, bytes) else reply

    def http(self, method, path, body=None, token=TOKEN):
        host, _, port = self.server.addresses["admin_http"].rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body),
                               headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            text = answer.read().decode()
            return answer.status, json.loads(text) if text.startswith("{") else text
        finally:
            connection.close()

    def ask(self, verb, session=None, **body):
        return self.http("POST", f"/api/v1/sessions/{session or self.session}/{verb}", body)


def key_of(session_id, session="login"):
    digest = base64.urlsafe_b64encode(hashlib.sha256(session_id.encode()).digest()).decode().rstrip("=")
    return f"i:{digest}", f"larder:s:{{{session}:i:{digest}}}"


def dump_of(server):
    """Every key and value in a Redis."""
    out = b""
    for key in server("KEYS", "*"):
        out += key + b"\n"
        try:
            out += server("GET", key) or b""
        except Refused:
            pass
    return out
