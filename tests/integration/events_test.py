# tests/integration/events_test.py -- what is published elsewhere fires the policy's event rules, and what is lost is
# owned up to.
import json
import os
import pathlib
import tempfile
import time
import unittest

from certificates import Certificates
from larder_server import LarderServer
from postgres_server import PostgresServer
from redis_server import RedisServer, until
from resp_talk import Talk

POLICY = """larder 1
namespace user { key "{user_id}"; ttl 1h; tag "all" }
namespace order { key "{order_id}"; ttl 1h; tag "all" }
on event "user_changed" (user_id) { drop user "{user_id}" }
on event "order_changed" (order_id) { drop order "{order_id}" }
on event "resync" { drop tag "all" }
"""
QUICK = 'heartbeat = "200ms"\nconnect_timeout = "500ms"\n'


def bus(redis, more):
    return (f'[invalidator.bus]\nplugin = "event"\nurl = "redis://127.0.0.1:{redis.port}"\n{QUICK}{more}\n')


def database(url, more='channels = ["user_changed"]'):
    return f'[invalidator.database]\nplugin = "event"\nurl = "{url}"\n{QUICK}{more}\n'


class Kernel:
    """`larder serve` with event sources, and what these tests ask of it."""

    def __init__(self, conf, store=""):
        self.server = LarderServer(POLICY, conf, store=store)

    def __enter__(self):
        self.server.__enter__()
        self.talk = Talk(("127.0.0.1", self.server.port))
        until(self.listens, "every source listens")
        return self

    def __exit__(self, *_):
        self.talk.close()
        self.server.stop()

    def stats(self):
        return json.loads(self.talk("LARDER", "STATS"))

    def listens(self):
        sources = [plugin for name, plugin in self.stats()["plugins"].items()
                   if name.startswith("invalidator.")]
        return sources and all(plugin["health"] == "ok" for plugin in sources)

    def count(self, name):
        """A metric of the sources; 0 when it was never counted."""
        return sum(sample["value"] for key, metric in self.stats()["plugin_metrics"].items()
                   if key.endswith("invalidator_event_" + name) for sample in metric["samples"])

    def put(self, *keys):
        for key in keys:
            self.talk("SET", key, "x")

    def there(self, *keys):
        return [key for key in keys if self.talk("GET", key) is not None]

    def gone(self, *keys, seconds=30):
        until(lambda: not self.there(*keys), f"{keys} dropped", seconds)

    def logged(self, part):
        return any(part in line for line in self.server.log)


class Channels(unittest.TestCase):
    def setUp(self):
        self.redis = self.enterContext(RedisServer())

    def test_a_message_drops_what_its_event_names_and_nothing_else(self):
        more = 'channels = ["user_changed", "orders:*"]\nevents = ["orders:*=order_changed"]\nfields = ["order_id=after.id"]'
        with Kernel(bus(self.redis, more)) as kernel:
            kernel.put("user:42", "user:43", "order:7")
            self.redis("PUBLISH", "user_changed", '{"user_id": 42}')
            kernel.gone("user:42")
            self.assertEqual(kernel.there("user:43", "order:7"), ["user:43", "order:7"])
            self.redis("PUBLISH", "orders:eu", '{"after": {"id": "7"}}')
            kernel.gone("order:7")
            self.assertEqual(kernel.there("user:43"), ["user:43"])
            self.redis("PUBLISH", "orders:any", '{"event": "user_changed", "user_id": "43"}')
            kernel.gone("user:43")

    def test_a_rule_for_where_a_message_came_from_fires_whatever_its_event_is(self):
        policy = POLICY + 'on bus "shop:{name}" (order_id) { drop order "{order_id}-{name}" }\n'
        kernel = Kernel(bus(self.redis, 'channels = ["shop:*"]'))
        kernel.server.policy = policy
        with kernel:
            kernel.put("order:7-eu", "order:7-us", "user:1")
            self.redis("PUBLISH", "shop:eu", '{"order_id": 7}')
            kernel.gone("order:7-eu")
            self.assertEqual(kernel.there("order:7-us", "user:1"), ["order:7-us", "user:1"])
            self.redis("PUBLISH", "shop:us", '{"event": "user_changed", "user_id": 1, "order_id": 7}')
            kernel.gone("order:7-us", "user:1")
            self.assertEqual(kernel.count("unknown_events_total"), 0)

    def test_garbage_is_counted_and_told_and_what_comes_behind_it_is_heard(self):
        with Kernel(bus(self.redis, 'channels = ["user_changed"]\nmax_payload = "1KiB"')) as kernel:
            kernel.put("user:1", "user:2")
            for junk in ("{", "\xff\xfe", "[1]", "nonsense\n\x1b[31m", '{"event": 7}', "[" * 200):
                self.redis("PUBLISH", "user_changed", junk)
            self.redis("PUBLISH", "user_changed", json.dumps({"user_id": "x" * 2000}))
            self.redis("PUBLISH", "user_changed", '{"event": "nobody_knows"}')
            self.assertEqual(kernel.there("user:1", "user:2"), ["user:1", "user:2"])
            self.redis("PUBLISH", "user_changed", '{"user_id": 1}')
            kernel.gone("user:1")
            self.assertEqual(kernel.there("user:2"), ["user:2"])
            self.assertEqual(kernel.count("malformed_total"), 6)
            self.assertEqual(kernel.count("too_large_total"), 1)
            self.assertEqual(kernel.count("unknown_events_total"), 1)
            self.assertTrue(kernel.logged('no rule of the policy is for the event "nobody_knows"'))
            self.assertEqual(sum("cannot be read" in line for line in kernel.server.log), 1)
            self.assertFalse(kernel.logged("\x1b"))

    def test_a_value_that_is_missing_drops_wider_and_is_counted(self):
        with Kernel(bus(self.redis, 'channels = ["user_changed"]')) as kernel:
            kernel.put("user:1", "order:1")
            self.redis("PUBLISH", "user_changed", '{"id": 1}')
            kernel.gone("user:1")
            self.assertEqual(kernel.there("order:1"), ["order:1"])
            until(lambda: kernel.count("missing_values_total") == 1, "it is counted")
            until(lambda: kernel.logged("{user_id}"), "it is told")

    def test_a_server_that_was_killed_is_listened_to_again_and_the_gap_is_a_resync(self):
        with Kernel(bus(self.redis, 'channels = ["user_changed"]')) as kernel:
            kernel.put("user:1")
            self.redis.kill()
            until(lambda: not kernel.listens(), "the source is degraded")
            self.assertEqual(kernel.there("user:1"), ["user:1"])
            self.redis.start()
            until(kernel.listens, "it listens again")
            kernel.gone("user:1")
            self.assertEqual(kernel.count("resyncs_total"), 2)
            self.assertEqual(kernel.count("lost_connections_total"), 1)
            kernel.put("user:2", "user:3")
            self.redis("PUBLISH", "user_changed", '{"user_id": 2}')
            kernel.gone("user:2")
            self.assertEqual(kernel.there("user:3"), ["user:3"])

    def test_a_server_that_is_silent_is_found_out_and_left(self):
        with Kernel(bus(self.redis, 'channels = ["user_changed"]')) as kernel:
            kernel.put("user:1")
            self.redis.freeze()
            until(lambda: not kernel.listens(), "the source is degraded")
            self.redis.thaw()
            until(kernel.listens, "it listens again")
            kernel.gone("user:1")

    def test_a_burst_of_ten_thousand_messages_is_told_whole(self):
        with Kernel(bus(self.redis, 'channels = ["user_changed"]')) as kernel:
            keys = [f"user:{i}" for i in range(10_000)]
            for key in keys:
                kernel.talk.send("SET", key, "x")
            for _ in keys:
                kernel.talk.receive()
            self.assertEqual(len(kernel.there(*keys[:50])), 50)
            before = kernel.count("events_total")
            with self.redis.talk(60) as talk:
                for i in range(10_000):
                    talk.send("PUBLISH", "user_changed", f'{{"user_id": {i}}}')
                for _ in keys:
                    talk.receive()
            began = time.monotonic()
            until(lambda: kernel.count("events_total") - before == 10_000, "all are told", 60)
            print(f"told {time.monotonic() - began:.2f} s after the last was published")
            self.assertEqual(kernel.there(*keys[::97]), [])
            self.assertEqual(kernel.count("resyncs_total"), 1)

    def test_tls_and_a_password(self):
        with tempfile.TemporaryDirectory() as folder:
            made = Certificates(folder)
            with RedisServer(tls=made, password="of-a-test") as redis:
                conf = (f'[invalidator.bus]\nplugin = "event"\nurl = "rediss://localhost:{redis.port}"\n{QUICK}'
                        f'password = {{ env = "EVENTS_PASSWORD" }}\ntls_ca = "{made.certificate("server")}"\n'
                        'channels = ["user_changed"]\n')
                kernel = Kernel(conf)
                kernel.server.environment = {"EVENTS_PASSWORD": "of-a-test"}
                with kernel:
                    kernel.put("user:1", "user:2")
                    redis("PUBLISH", "user_changed", '{"user_id": 1}')
                    kernel.gone("user:1")
                    self.assertEqual(kernel.there("user:2"), ["user:2"])


class Streams(unittest.TestCase):
    def setUp(self):
        self.redis = self.enterContext(RedisServer())
        self.store = (f'[store.l2]\nplugin = "redis"\nurl = "redis://127.0.0.1:{self.redis.port}"\n')

    def change(self, user):
        """The entry's id."""
        return self.redis("XADD", "changes", "*", "event", "user_changed", "user_id", user)

    # What was added while larder was not there is handled when it is back: a shared store has no stale value.
    def test_stream_resume_after_a_restart_by_a_group(self):
        conf = bus(self.redis, 'streams = ["changes"]\ngroup = "larder"')
        with Kernel(conf, self.store) as kernel:
            self.change(1)
            kernel.put("user:2", "user:3")
        self.change(2)
        with Kernel(conf, self.store) as kernel:
            kernel.gone("user:2")
            self.assertEqual(kernel.there("user:3"), ["user:3"])
            self.assertEqual(kernel.count("resyncs_total"), 0)
            until(lambda: self.redis("XPENDING", "changes", "larder")[0] == 0, "all is acknowledged")

    def test_stream_resume_after_a_restart_by_a_position_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bus.positions")
            conf = bus(self.redis, f'streams = ["changes"]\nposition_file = "{path}"')
            with Kernel(conf, self.store) as kernel:
                kernel.put("user:1", "user:2", "user:3")
                first = self.change(1)
                kernel.gone("user:1")
                until(lambda: first in pathlib.Path(path).read_bytes(), "its position is kept")
            self.change(2)
            with Kernel(conf, self.store) as kernel:
                kernel.gone("user:2")
                self.assertEqual(kernel.there("user:3"), ["user:3"])
                self.assertEqual(kernel.count("resyncs_total"), 0)
                until(lambda: kernel.count("events_total") == 1, "it was one entry")

    def test_a_process_that_was_killed_loses_no_entry(self):
        conf = bus(self.redis, 'streams = ["changes"]\ngroup = "larder"')
        with Kernel(conf, self.store) as kernel:
            keys = [f"user:{i}" for i in range(300)]
            kernel.put(*keys)
            for i in range(300):
                self.change(i)
            kernel.server.process.kill()
            kernel.server.process.wait()
        with Kernel(conf, self.store) as kernel:
            kernel.gone(*keys)
            until(lambda: self.redis("XPENDING", "changes", "larder")[0] == 0, "all is acknowledged")

    def test_what_is_added_while_redis_restarts_is_read_when_it_is_back(self):
        more = 'streams = ["changes"]'
        redis = self.enterContext(RedisServer("--appendonly", "yes", "--appendfsync", "always"))
        with Kernel(bus(redis, more)) as kernel:
            redis("XADD", "changes", "*", "event", "user_changed", "user_id", 1)
            until(lambda: kernel.count("events_total") == 1, "it is told")
            kernel.put("user:2", "user:3")
            redis.restart()
            redis("XADD", "changes", "*", "event", "user_changed", "user_id", 2)
            until(kernel.listens, "it listens again")
            kernel.gone("user:2")
            self.assertEqual(kernel.there("user:3"), ["user:3"])
            self.assertEqual(kernel.count("resyncs_total"), 1)

    def test_entries_that_were_trimmed_before_they_were_read_are_a_resync(self):
        conf = bus(self.redis, 'streams = ["changes"]\ngroup = "larder"')
        with Kernel(conf, self.store) as kernel:
            self.change(1)
            until(lambda: kernel.count("events_total") == 1, "it is told")
            kernel.put("user:2", "user:3")
        self.change(2)
        self.change(9)
        self.redis("XTRIM", "changes", "MAXLEN", 1)
        with Kernel(conf, self.store) as kernel:
            kernel.gone("user:2", "user:3")
            self.assertEqual(kernel.count("resyncs_total"), 1)
            self.assertTrue(kernel.logged("the entry last handled is gone"))

    def test_a_stream_that_is_flushed_is_begun_anew_and_is_a_resync(self):
        for more in ('group = "larder"', ""):
            with self.subTest(more):
                with Kernel(bus(self.redis, f'streams = ["changes"]\n{more}')) as kernel:
                    self.change(1)
                    until(lambda: kernel.count("events_total") == 1, "it is told")
                    kernel.put("user:2")
                    self.redis("DEL", "changes")
                    # By itself the new stream might give the id of the old one's last entry, in the same millisecond.
                    self.redis("XADD", "changes", "9999999999999-0", "event", "user_changed", "user_id", 2)
                    kernel.gone("user:2")
                    until(kernel.listens, "it listens")
                    kernel.put("user:3", "user:4")
                    self.change(3)
                    kernel.gone("user:3")
                    self.assertEqual(kernel.there("user:4"), ["user:4"])
                self.redis("DEL", "changes")

    def test_an_entry_that_a_lost_node_never_acknowledged_is_taken_over(self):
        self.redis("XGROUP", "CREATE", "changes", "larder", "$", "MKSTREAM")
        more = 'streams = ["changes"]\ngroup = "larder"\nconsumer = "b"\nclaim_after = "1s"'
        with Kernel(bus(self.redis, more)) as kernel:
            kernel.put("user:1", "user:2")
            # Another consumer takes it within one transaction, before the blocked reader gets it, and is gone.
            with self.redis.talk() as talk:
                talk("MULTI")
                talk("XADD", "changes", "*", "event", "user_changed", "user_id", "1")
                talk("XREADGROUP", "GROUP", "larder", "a", "STREAMS", "changes", ">")
                talk("EXEC")
            kernel.gone("user:1")
            self.assertEqual(kernel.there("user:2"), ["user:2"])

    def test_two_nodes_of_a_group_share_the_entries_and_both_forget(self):
        conf = bus(self.redis, 'streams = ["changes"]\ngroup = "larder"\nresync_at_start = false')
        with Kernel(conf, self.store) as a, Kernel(conf, self.store) as b:
            keys = [f"user:{i}" for i in range(100)]
            a.put(*keys)
            b.there(*keys)
            for i in range(100):
                self.change(i)
            a.gone(*keys)
            b.gone(*keys)
            until(lambda: a.count("events_total") + b.count("events_total") == 100, "each is told once")

    def test_garbage_in_a_stream_is_passed_over(self):
        with Kernel(bus(self.redis, 'streams = ["changes"]\ngroup = "larder"')) as kernel:
            kernel.put("user:1")
            self.redis("XADD", "changes", "*", "payload", "{nonsense")
            self.redis("XADD", "changes", "*", "payload", "x" * 100_000)
            self.redis("XADD", "changes", "*", "event", "user_changed", "payload", '{"user_id": 1}')
            kernel.gone("user:1")
            self.assertEqual(kernel.count("malformed_total"), 1)
            self.assertEqual(kernel.count("too_large_total"), 1)
            until(lambda: self.redis("XPENDING", "changes", "larder")[0] == 0, "all is acknowledged")

    def test_a_stop_while_it_waits_for_an_entry_is_no_wait(self):
        conf = bus(self.redis, 'streams = ["changes"]\nchannels = ["c"]').replace('"200ms"', '"60s"')
        with Kernel(conf) as kernel:
            began = time.monotonic()
            self.assertEqual(kernel.server.stop(), 0)
            self.assertLess(time.monotonic() - began, 5)


class Notify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = cls.enterClassContext(PostgresServer())

    def test_a_notification_drops_what_its_event_names_and_nothing_else(self):
        with Kernel(database(self.postgres.url())) as kernel:
            kernel.put("user:42", "user:43")
            self.postgres.notify("user_changed", '{"user_id": 42}')
            kernel.gone("user:42")
            self.assertEqual(kernel.there("user:43"), ["user:43"])

    def test_a_trigger_tells_what_is_committed_and_nothing_that_is_rolled_back(self):
        self.postgres("""
            CREATE TABLE users (id bigint PRIMARY KEY, name text);
            INSERT INTO users VALUES (1, 'a'), (2, 'b');
            CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                PERFORM pg_notify('user_changed', json_build_object('user_id', COALESCE(NEW.id, OLD.id))::text);
                RETURN NULL;
            END $$;
            CREATE TRIGGER user_changed AFTER INSERT OR UPDATE OR DELETE ON users
                FOR EACH ROW EXECUTE FUNCTION tell();""")
        with Kernel(database(self.postgres.url(tcp=True, password=True))) as kernel:
            kernel.put("user:1", "user:2")
            self.postgres("BEGIN; UPDATE users SET name = 'x' WHERE id = 2; ROLLBACK;")
            self.postgres("UPDATE users SET name = 'y' WHERE id = 1")
            kernel.gone("user:1")
            self.assertEqual(kernel.there("user:2"), ["user:2"])

    def test_a_channel_is_named_exactly(self):
        more = 'channels = ["User-Changed"]\nevents = ["User-Changed=user_changed"]\nformat = "text"\nvalue_name = "user_id"'
        with Kernel(database(self.postgres.url(), more)) as kernel:
            kernel.put("user:a:b")
            self.postgres.notify("User-Changed", "a:b")
            kernel.gone("user:a:b")

    def test_a_burst_of_ten_thousand_notifications_is_told_whole(self):
        with Kernel(database(self.postgres.url())) as kernel:
            before = kernel.count("events_total")
            kernel.put("user:1", "user:9999", "user:10001")
            self.postgres("DO $$ BEGIN FOR i IN 1..10000 LOOP "
                          "PERFORM pg_notify('user_changed', '{\"user_id\":' || i || '}'); END LOOP; END $$")
            until(lambda: kernel.count("events_total") - before == 10_000, "all are told", 60)
            self.assertEqual(kernel.there("user:1", "user:9999", "user:10001"), ["user:10001"])

    def test_a_wrong_password_is_told_without_it_and_tried_again(self):
        conf = database(self.postgres.url(tcp=True)) + 'password = { env = "EVENTS_PASSWORD" }\n'
        server = LarderServer(POLICY, conf, environment={"EVENTS_PASSWORD": "open-sesame"})
        with server:
            until(lambda: any("authentication failed" in line for line in server.log), "it is told")
            self.assertFalse(any("open-sesame" in line for line in server.log))
            talk = Talk(("127.0.0.1", server.port))
            self.assertEqual(talk("SET", "user:1", "x"), b"OK")
            self.postgres("ALTER USER larder PASSWORD 'open-sesame'")
            self.addCleanup(self.postgres, f"ALTER USER larder PASSWORD '{self.postgres.password}'")
            until(lambda: talk("GET", "user:1") is None, "it listens, and that is a resync")
            talk.close()


class NotifyLost(unittest.TestCase):
    def setUp(self):
        self.postgres = self.enterContext(PostgresServer())

    def test_a_server_that_was_killed_is_listened_to_again_and_the_gap_is_a_resync(self):
        with Kernel(database(self.postgres.url())) as kernel:
            kernel.put("user:1")
            self.postgres.kill()
            until(lambda: not kernel.listens(), "the source is degraded")
            self.assertEqual(kernel.there("user:1"), ["user:1"])
            self.postgres.start()
            until(kernel.listens, "it listens again")
            kernel.gone("user:1")
            kernel.put("user:2", "user:3")
            self.postgres.notify("user_changed", '{"user_id": 2}')
            kernel.gone("user:2")
            self.assertEqual(kernel.there("user:3"), ["user:3"])

    def test_a_backend_that_was_ended_is_replaced(self):
        with Kernel(database(self.postgres.url())) as kernel:
            kernel.put("user:1")
            self.postgres("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'larder'")
            kernel.gone("user:1")
            until(kernel.listens, "it listens again")
            self.assertEqual(kernel.count("lost_connections_total"), 1)

    def test_a_server_that_is_silent_is_found_out_and_left(self):
        with Kernel(database(self.postgres.url())) as kernel:
            kernel.put("user:1")
            self.postgres.freeze()
            self.addCleanup(self.postgres.thaw)
            until(lambda: not kernel.listens(), "the source is degraded")
            self.postgres.thaw()
            until(kernel.listens, "it listens again")
            kernel.gone("user:1")


class Refusals(unittest.TestCase):
    def check(self, conf, part):
        server = LarderServer(POLICY, conf)
        with self.assertRaises(AssertionError) as failed:
            with server:
                pass
        self.assertIn(part, str(failed.exception))

    def test_what_cannot_be_is_refused_at_the_start_with_what_to_write_instead(self):
        head = '[invalidator.bus]\nplugin = "event"\nurl = "redis://127.0.0.1:1"\n'
        self.check(head, "channels")
        self.check(head + 'streams = ["s"]\ngroup = "g"\nposition_file = "/tmp/p"\n', "write one of the two")
        self.check(head + 'channels = ["c"]\ngroup = "g"\n', "of streams only")
        self.check(head + 'channels = ["c", "c"]\n', "named twice")
        self.check(head + 'channels = ["c"]\nfields = ["x"]\n', "VALUE=PATH")
        pg = '[invalidator.bus]\nplugin = "event"\nurl = "postgresql:///x"\n'
        self.check(pg + 'channels = ["c"]\nstreams = ["s"]\n', "of Redis only")


if __name__ == "__main__":
    unittest.main()
