# tests/integration/sessions_test.py -- sessions of two kernels above one Redis, from Redis clients, from hosts over HTTP
# and from Python's cryptography; the flows of the documents that asked for them.
import base64
import json
import pathlib
import sys
import tempfile
import time
import unittest

from certificates import Certificates
from larder_server import SOURCE, LarderServer
from redis_nodes import commands_of, store_of
from redis_server import RedisServer, until
from resp_talk import Refused, Talk
from session_nodes import CONF, KEY, NEW_KEY, POLICY, TOKEN, SessionNode, dump_of, key_of

sys.path.insert(0, str(SOURCE / "tests/tidy"))
from docs import blocks_of, run_block  # noqa: E402

try:
    from cryptography.fernet import Fernet, InvalidToken
except ImportError:
    Fernet = None
try:
    import redis
except ImportError:
    redis = None

class Sessions(unittest.TestCase):
    def setUp(self):
        self.redis = self.enterContext(RedisServer())

    def nodes(self, count=2, **more):
        return [SessionNode(self, store_of(self.redis.address), **more) for _ in range(count)]

    def test_what_one_node_creates_every_node_reads_changes_and_ends(self):
        a, b = self.nodes()
        made = a("CREATE", "login", "7", '{"role":"cook","cart":{"soup":1}}')
        self.assertEqual(b("GET", "login", made), '{"role":"cook","cart":{"soup":1}}')
        self.assertEqual(json.loads(b("UPDATE", "login", made, '{"cart":{"soup":null,"tea":2}}')),
                         {"role": "cook", "cart": {"tea": 2}})
        self.assertEqual(json.loads(a("GET", "login", made)), {"role": "cook", "cart": {"tea": 2}})
        fresh, cookie = [one.decode() for one in a.talk("LARDER", "SESSION", "ROTATE", "login", made, "COOKIE")]
        self.assertEqual(cookie, f"sid={fresh}; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Lax")
        self.assertEqual(b("END", "login", fresh), 1)
        self.assertIsNone(a("GET", "login", fresh))
        self.assertIsNone(a("GET", "login", made))

    def test_a_session_is_read_in_one_command_of_the_store_and_no_node_keeps_a_copy(self):
        a, b = self.nodes()
        made = a("CREATE", "login", "7", "data")
        before = commands_of(self.redis)
        for _ in range(200):
            self.assertEqual(b("GET", "login", made), "data")
        after = commands_of(self.redis)
        self.assertEqual(after["get"] - before.get("get", 0), 200)
        # A node that has just begun may make a record of its own meanwhile; a read has no script.
        self.assertLess(after.get("evalsha", 0) - before.get("evalsha", 0), 10)
        a("END", "login", made)
        self.assertIsNone(b("GET", "login", made))

    def test_a_rule_ends_all_sessions_of_a_user_on_every_node(self):
        a, b = self.nodes()
        mine = [node("CREATE", "login", "7", "x") for node in (a, b, a)]
        other = b("CREATE", "login", "8", "x")
        began = time.monotonic()
        a.talk("LARDER", "ROUTE", "DELETE", "/users/7")
        for one in mine:
            until(lambda one=one: b("GET", "login", one) is None, "the session is ended", 5)
        print(f"ended on the other node after {(time.monotonic() - began) * 1e3:.1f} ms")
        self.assertEqual(b("GET", "login", other), "x")
        b.talk("LARDER", "EVENT", "disabled", "user_id", "8")
        until(lambda: a("GET", "login", other) is None, "the session is ended", 5)

    def test_a_rule_that_fires_while_the_store_is_away_ends_the_sessions_when_it_is_back(self):
        [a] = self.nodes(1)
        made = a("CREATE", "login", "7", "x")
        self.redis.freeze()
        a.talk("LARDER", "ROUTE", "DELETE", "/users/7")
        with self.assertRaises(Refused):  # an error, and neither a logout nor an old copy
            a("GET", "login", made)
        self.assertEqual(a.http("GET", "/api/v1/sessions")[1]["waiting_to_end"], 1)
        self.redis.thaw()
        until(lambda: self.ended(a, made), "the session is ended", 10)
        until(lambda: a.http("GET", "/api/v1/sessions")[1]["waiting_to_end"] == 0, "nothing waits", 10)

    @staticmethod
    def ended(node, made):
        try:
            return node("GET", "login", made) is None
        except Refused:
            return False

    def test_dropping_everything_and_a_reload_end_no_session(self):
        [a] = self.nodes(1)
        made = a("CREATE", "login", "7", "x")
        a.talk("SET", "user:7", "x")
        status, _ = a.http("POST", "/api/v1/cache/clear")
        self.assertEqual(status, 200)
        self.assertIsNone(a.talk("GET", "user:7"))
        self.assertEqual(a("GET", "login", made), "x")
        status, _ = a.http("POST", "/api/v1/reload")
        self.assertEqual(status, 200)
        self.assertEqual(a("GET", "login", made), "x")

    def test_a_session_ends_by_itself(self):
        [a] = self.nodes(1)
        made = a("CREATE", "login", "7", "x", "PX", "300")
        self.assertEqual(a("GET", "login", made), "x")
        until(lambda: self.redis("EXISTS", key_of(made)[1]) == 0, "the store has forgotten it", 10)
        self.assertIsNone(a("GET", "login", made))
        self.assertEqual(a("LIST", "login", "7"), "[]")

    def test_the_limit_per_user_holds_for_all_nodes_together(self):
        a, b = self.nodes()
        made = [(a, b)[i % 2]("CREATE", "login", "7", str(i)) for i in range(7)]
        alive = [b("GET", "login", one) for one in made]
        self.assertEqual(alive, [None, None, "2", "3", "4", "5", "6"])
        a("CREATE", "kiosk", "7", "x")
        with self.assertRaisesRegex(Refused, "LIMIT"):
            b("CREATE", "kiosk", "7", "x")
        self.assertEqual(b.ask("create", "kiosk", user="7")[0], 409)

    def test_planted_secrets_are_in_no_dump_of_the_store_and_in_no_line_of_a_log(self):
        for form in ("gcm", "fernet"):
            a, b = self.nodes(form=form)
            made = a("CREATE", "login", "ann@example.org", '{"password":"planted-hunter2"}')
            b.ask("update", id=made, patch={"token": "planted-bearer"})
            fresh = b.ask("rotate", id=made)[1]["id"]
            a("GET", "login", fresh)
            dump = dump_of(self.redis)
            for server, line in ((a.server, "session login: created"), (b.server, "session login: rotated to")):
                until(lambda: any(line in one for one in server.log), "the log has " + line)
            logs = "".join(a.server.log + b.server.log)
            logs += json.dumps(a.http("GET", "/api/v1/events")[1]) + json.dumps(b.http("GET", "/api/v1/events")[1])
            for secret in ("planted-hunter2", "planted-bearer", "ann@example.org", "password", made, fresh, KEY):
                self.assertNotIn(secret.encode(), dump)
                self.assertNotIn(secret, logs)
            self.assertIn(key_of(fresh)[1].encode(), dump)

    @unittest.skipIf(Fernet is None, "python3-cryptography is not here")
    def test_python_s_cryptography_reads_our_fernet_records_and_we_read_its(self):
        """python's cryptography reads our fernet records and we read its"""
        [a] = self.nodes(1, form="fernet")
        made = a("CREATE", "login", "ann", '{"lang":"de"}')
        where, key = key_of(made)
        record = self.redis("GET", key)
        head, _, data = Fernet(KEY).decrypt(record[24:]).partition(b"\n")
        words = head.decode().split(" ")
        self.assertEqual(words[:4], ["larder1", "s", "login", where])
        self.assertEqual(base64.urlsafe_b64decode(words[8] + "=="), b"ann")
        self.assertEqual(json.loads(data), {"lang": "de"})
        with self.assertRaises(InvalidToken):
            Fernet(NEW_KEY).decrypt(record[24:])

        def write(session_id, at, text):
            ours = Fernet(KEY).encrypt(text.encode())
            self.redis("SET", key_of(session_id)[1], record[:24] + ours)
            return a("GET", "login", at)

        # A record that an application wrote, under an identifier of its own.
        theirs = "x" * 32
        created, ends, until_, idle = (int(word) for word in words[4:8])
        text = f'larder1 s login {key_of(theirs)[0]} {created} {ends} {until_} {idle} {words[8]}\n{{"from":"python"}}'
        self.assertEqual(write(theirs, theirs, text), '{"from":"python"}')
        self.assertEqual(json.loads(a("UPDATE", "login", theirs, '{"by":"larder"}')), {"from": "python", "by": "larder"})
        # The identifier is bound inside: the same token elsewhere, or for other sessions, opens nothing.
        self.assertIsNone(write("y" * 32, "y" * 32, text))
        self.assertIsNone(write(theirs, theirs, text.replace(" login ", " kiosk ")))

    def test_keys_are_changed_without_a_logout(self):
        [a] = self.nodes(1)
        made = a("CREATE", "login", "7", "x")
        [b] = self.nodes(1, keys=f"{NEW_KEY} {KEY}")
        self.assertEqual(b("GET", "login", made), "x")
        [c] = self.nodes(1, keys=NEW_KEY)
        self.assertEqual(c("GET", "login", made), "x")
        self.assertIsNone(a("GET", "login", made))  # a lost key is a logged-out user
        self.assertEqual(a.ask("get", id=made)[0], 404)

    def test_hosts_create_read_change_list_and_end_sessions_over_http(self):
        a, b = self.nodes()
        status, made = a.ask("create", user="7", data={"cart": [1, 2]})
        self.assertEqual(status, 200)
        self.assertIn(f"sid={made['id']}; ", made["set_cookie"])
        status, found = b.ask("get", id=made["id"])
        self.assertEqual((status, found["data"], found["user"]), (200, {"cart": [1, 2]}, "7"))
        self.assertLessEqual(found["idle_ms"], 30 * 60_000)
        self.assertEqual(a.ask("update", id=made["id"], patch={"cart": None, "lang": "de"})[1]["data"], {"lang": "de"})
        self.assertEqual(b.ask("save", id=made["id"], data="plain")[0], 200)
        self.assertEqual(a.ask("get", id=made["id"])[1]["data"], "plain")
        self.assertEqual(a.ask("update", id=made["id"], patch={})[0], 400)
        other = b.ask("create", user="7")[1]["id"]
        listed = a.ask("list", user="7")[1]["sessions"]
        self.assertEqual(len(listed), 2)
        self.assertEqual(a.ask("end-named", user="7", name=listed[0]["name"])[1]["ended"], 1)
        self.assertEqual([a.ask("get", id=one)[0] for one in (made["id"], other)].count(404), 1)
        self.assertEqual(b.ask("end-user", user="7")[1]["ended"], 1)
        self.assertEqual(b.ask("touch", id=made["id"])[0], 404)
        self.assertEqual(a.ask("create", "nobody", user="7")[0], 404)
        self.assertEqual(a.ask("conjure", id="x")[0], 404)
        self.assertEqual(a.ask("get")[0], 400)
        # Who may only read figures sees how many, and asks for none.
        status, shown = b.http("GET", "/api/v1/sessions", token="w" * 32)
        login = next(one for one in shown["sessions"] if one["name"] == "login")
        self.assertEqual((status, login["kept"], login["per_user"]), (200, True, 5))
        self.assertGreater(login["created"], 0)
        self.assertEqual(b.http("POST", "/api/v1/sessions/login/list", {"user": "7"}, token="w" * 32)[0], 403)
        text = b.http("GET", "/metrics")[1]
        self.assertRegex(text, r'larder_sessions_total\{session="login",event="created"\} 1\b')

    @unittest.skipIf(redis is None, "python3-redis is not here")
    def test_redis_py_keeps_sessions_through_either_node(self):
        a, b = self.nodes()
        one, two = (redis.Redis(port=node.server.port, decode_responses=True) for node in (a, b))
        made = one.execute_command("LARDER", "SESSION", "CREATE", "login", "7", '{"n":1}')
        self.assertEqual(two.execute_command("LARDER", "SESSION", "UPDATE", "login", made, '{"n":2}'), '{"n":2}')
        pipe = one.pipeline(transaction=False)
        pipe.execute_command("LARDER", "SESSION", "GET", "login", made)
        pipe.execute_command("LARDER", "SESSION", "GET", "login", "forged")
        self.assertEqual(pipe.execute(), ['{"n":2}', None])
        self.assertEqual(two.execute_command("LARDER", "SESSION", "ENDUSER", "login", "7"), 1)
        self.assertIsNone(one.execute_command("LARDER", "SESSION", "GET", "login", made))

    def test_monitor_shows_no_identifier(self):
        [a] = self.nodes(1)
        with Talk(("127.0.0.1", a.server.port)) as watching:
            watching("MONITOR")
            made = a("CREATE", "login", "ann", "planted")
            a("GET", "login", made)
            seen = [watching.receive() for _ in range(2)]
        told = b" ".join(line if isinstance(line, bytes) else str(line).encode() for line in seen)
        self.assertIn(b"redacted", told)
        for secret in (made.encode(), b"planted", b"ann"):
            self.assertNotIn(secret, told)

    def test_what_cannot_be_meant_is_refused(self):
        [a] = self.nodes(1)
        for words in (("CREATE", "login", "7"), ("CREATE", "login", "7", "x", "PX", "0"), ("CREATE", "login", "7", "x", "PX"),
                      ("CONJURE", "login", "7"), ("GET", "nobody", "7"), ("GET", "login", "x", "COOKIE"),
                      ("UPDATE", "login", a("CREATE", "login", "", "no json"), "{}")):
            with self.assertRaises(Refused, msg=words):
                a(*words)

    def test_the_document_s_commands_do_what_it_says(self):
        [a] = self.nodes(1)
        with tempfile.TemporaryDirectory() as place:
            ran = 0
            for block in blocks_of(pathlib.Path(SOURCE, "docs/sessions.md"))[0]:
                if block.words == ["console"]:
                    self.assertEqual(run_block(block, place, None, str(a.server.port)), [])
                    ran += 1
        self.assertEqual(ran, 1)

    # ---- the documents that asked for it

    def test_auraconnect_encrypted_shared_expiring_tracked_sessions(self):
        """Distributed Session Management: encrypted, shared by instances, expiring by themselves, tracked by user"""
        # "Encrypted session storage", "Encryption: Session data is encrypted using Fernet symmetric encryption",
        # "SESSION_ENCRYPTION_KEY=your-32-byte-key"
        key = "your-32-byte-key-your-32-byte-ke"
        a, b = self.nodes(form="fernet", keys=key)
        made = a("CREATE", "login", "42", '{"tenant":1}')
        self.assertNotIn(b"tenant", dump_of(self.redis))
        if Fernet is not None:
            ours = Fernet(base64.urlsafe_b64encode(key.encode()))
            self.assertIn(b'{"tenant":1}', ours.decrypt(self.redis("GET", key_of(made)[1])[24:]))
        # "Multi-instance session sharing"
        self.assertEqual(b("GET", "login", made), '{"tenant":1}')
        # "Automatic session expiration", "| session | 30 minutes |"
        self.assertLessEqual(self.redis("PTTL", key_of(made)[1]), 30 * 60_000)
        self.assertGreater(self.redis("PTTL", key_of(made)[1]), 29 * 60_000)
        # "User session tracking"
        self.assertEqual(len(json.loads(b("LIST", "login", "42"))), 1)

    def test_panic_session_manager(self):
        """Session Management: create_session, get_session, update_session and delete_session of a user"""
        [a] = self.nodes(1)
        # session_id = await session_manager.create_session(user_id, session_data)
        session_id = a.ask("create", user="42", data={"firm": 7})[1]["id"]
        # session_data = await session_manager.get_session(session_id)
        self.assertEqual(a.ask("get", id=session_id)[1]["data"], {"firm": 7})
        # await session_manager.update_session(session_id, updates)
        a.ask("update", id=session_id, patch={"area": "north"})
        self.assertEqual(a.ask("get", id=session_id)[1]["data"], {"firm": 7, "area": "north"})
        # await session_manager.delete_session(session_id)
        self.assertEqual(a.ask("end", id=session_id)[1]["ended"], 1)
        self.assertEqual(a.ask("get", id=session_id)[0], 404)

    def test_warehouse_user_sessions(self):
        """User Sessions: user context and conversation history, for an hour"""
        # "User Sessions: Cached user context and conversation history"; "user_session: 3600 # 1 hour"
        [a] = self.nodes(1)
        made = a("CREATE", "kiosk", "42", '{"context":{"site":"A"},"history":["where is it?"]}')
        after = json.loads(a("UPDATE", "kiosk", made, '{"history":["where is it?","aisle 7"]}'))
        self.assertEqual(after, {"context": {"site": "A"}, "history": ["where is it?", "aisle 7"]})
        self.assertLessEqual(self.redis("PTTL", key_of(made, "kiosk")[1]), 3_600_000)
        self.assertGreater(self.redis("PTTL", key_of(made, "kiosk")[1]), 3_500_000)


class Transport(unittest.TestCase):
    def test_sessions_stand_in_a_redis_with_auth_and_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            made = Certificates(folder)
            server = self.enterContext(RedisServer(tls=made, password="s3cret-of-redis"))
            store = (f'[store.l2]\nplugin = "redis"\nurl = "rediss://localhost:{server.port}"\n'
                     f'password = {{ env = "REDIS_PASSWORD" }}\ntls_ca = "{made.certificate("server")}"\n')
            larder = LarderServer(POLICY, store=store, conf=CONF.replace("FORMAT", ""), admin="",
                                  environment={"SESSION_ENCRYPTION_KEY": KEY, "OPS": TOKEN, "WATCH": "w" * 32,
                                               "REDIS_PASSWORD": "s3cret-of-redis"})
            node = self.enterContext(larder)
            with Talk(("127.0.0.1", node.port)) as talk:
                def kept():
                    return talk("LARDER", "SESSION", "TOUCH", "login", "x") == 0
                until(kept, "sessions are kept")
                one = talk("LARDER", "SESSION", "CREATE", "login", "7", "x")
                self.assertEqual(talk("LARDER", "SESSION", "GET", "login", one), b"x")
            self.assertEqual(server("EXISTS", key_of(one.decode())[1]), 1)


class Wrong(unittest.TestCase):
    def test_a_key_that_is_none_stops_the_start_and_is_not_shown(self):
        server = LarderServer(POLICY, store='[store.l2]\nplugin = "memory"\n', conf=CONF.replace("FORMAT", ""),
                              environment={"SESSION_ENCRYPTION_KEY": "planted-short-key", "OPS": TOKEN, "WATCH": "w" * 32})
        with self.assertRaises(AssertionError) as failed:
            with server:
                pass
        self.assertIn("key 1 is not 32 bytes", str(failed.exception))
        self.assertNotIn("planted-short-key", str(failed.exception))

    def test_sessions_that_nothing_keeps_are_told_of_at_the_start_and_refused(self):
        with LarderServer(POLICY, store='[store.l2]\nplugin = "memory"\n') as server:
            self.assertTrue(any("session login: nothing keeps it" in line for line in server.log), server.log)
            with Talk(("127.0.0.1", server.port)) as talk, self.assertRaisesRegex(Refused, "no \\[session.NAME\\]"):
                talk("LARDER", "SESSION", "GET", "login", "x")

    def test_sessions_in_memory_of_one_process_work_too(self):
        with LarderServer(POLICY, store='[store.l2]\nplugin = "memory"\n', conf=CONF.replace("FORMAT", ""),
                          environment={"SESSION_ENCRYPTION_KEY": KEY, "OPS": TOKEN, "WATCH": "w" * 32}) as server:
            with Talk(("127.0.0.1", server.port)) as talk:
                made = talk("LARDER", "SESSION", "CREATE", "login", "7", "x")
                talk("LARDER", "DROP", "user")
                self.assertEqual(talk("LARDER", "SESSION", "GET", "login", made), b"x")
                self.assertEqual(talk("LARDER", "SESSION", "ENDUSER", "login", "7"), 1)
                self.assertIsNone(talk("LARDER", "SESSION", "GET", "login", made))


if __name__ == "__main__":
    unittest.main()
