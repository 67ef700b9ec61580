# tests/integration/chaos_proxy_test.py -- the chaos proxy does each fault as named, and nothing when told nothing.
import socket
import subprocess
import sys
import time
import unittest

from chaos_proxy import ChaosProxy, Faults
from redis_server import RedisServer, until
from resp_frames import Frames, is_push
from resp_talk import Refused, Talk, command
from larder_server import SOURCE


class ChaosProxyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = cls.enterClassContext(RedisServer(unix=True))

    def setUp(self):
        self.redis("FLUSHALL")
        self.redis("MSET", "a", "1", "b", "2", "c", "3")
        self.proxy = self.enterContext(ChaosProxy(self.redis.address))

    def talk(self, seconds=5):
        return self.enterContext(Talk(self.proxy.address, seconds=seconds))

    def test_without_faults_every_reply_passes_unchanged(self):
        talk = self.talk()
        value = bytes(range(256)) * 4000
        self.assertEqual(talk("SET", "big", value), b"OK")
        self.assertEqual(talk("GET", "big"), value)
        self.assertEqual(talk("MGET", "a", "none", "b"), [b"1", None, b"2"])
        self.assertEqual(talk("EVAL", "return {1,{2,{'x'}},{}}", 0), [1, [2, [b"x"]], []])
        for _ in range(100):
            talk.send("GET", "a")
        self.assertEqual([talk.receive() for _ in range(100)], [b"1"] * 100)

    def test_a_unix_socket_is_reached(self):
        with ChaosProxy(self.redis.unix) as proxy, Talk(proxy.address) as talk:
            self.assertEqual(talk("GET", "a"), b"1")

    def test_a_delayed_reply_comes_no_sooner_and_in_order(self):
        talk = self.talk()
        self.proxy.now(delay_ms=100)
        began = time.monotonic()
        for key in "abc":
            talk.send("GET", key)
        self.assertEqual([talk.receive() for _ in "abc"], [b"1", b"2", b"3"])
        self.assertGreaterEqual(time.monotonic() - began, 0.1)
        # Latency, not a slow line: three replies sent at once wait once.
        self.assertLess(time.monotonic() - began, 0.25)

    def test_in_a_blackhole_nothing_comes_and_nothing_closes_and_afterwards_it_comes_late(self):
        talk = self.talk(seconds=0.2)
        self.proxy.now(blackhole=True)
        talk.send("SET", "a", "new")
        with self.assertRaises(socket.timeout):
            talk.receive()
        self.assertEqual(self.redis("GET", "a"), b"1")
        self.proxy.now()
        until(lambda: self.redis("GET", "a") == b"new", "the command arrives late")

    def test_a_lost_reply_belongs_to_a_command_that_was_done(self):
        talk = self.talk(seconds=0.2)
        self.proxy.now(lose_replies=True)
        talk.send("SET", "a", "done")
        with self.assertRaises(socket.timeout):
            talk.receive()
        self.assertEqual(self.redis("GET", "a"), b"done")

    def test_a_refused_connection_is_reset_and_open_ones_live_on(self):
        talk = self.talk()
        self.assertEqual(talk("PING"), b"PONG")
        self.proxy.now(refuse=True)
        with self.assertRaises((OSError, EOFError)), Talk(self.proxy.address) as other:
            other("PING")
        self.assertEqual(talk("PING"), b"PONG")

    def test_a_reset_breaks_every_open_connection(self):
        talks = [self.talk() for _ in range(3)]
        for talk in talks:
            talk("PING")
        self.proxy.reset()
        for talk in talks:
            with self.assertRaises((OSError, EOFError)):
                talk("PING")
        self.assertEqual(self.talk()("PING"), b"PONG")

    def test_a_reset_in_a_reply_is_a_reset_and_no_end(self):
        talk = self.talk()
        self.proxy.now(reset_at=3)
        with self.assertRaises(ConnectionResetError):
            talk("GET", "a")

    def test_a_truncated_reply_ends_after_so_many_bytes(self):
        with socket.create_connection(self.proxy.address, timeout=5) as raw:
            self.proxy.now(truncate=6)
            raw.sendall(command("GET", "a"))
            got = b""
            while piece := raw.recv(100):
                got += piece
        self.assertEqual(got, b"$1\r\n1\r")

    def test_a_half_closed_connection_ends_after_its_reply_and_still_takes_commands(self):
        with socket.create_connection(self.proxy.address, timeout=5) as raw:
            self.proxy.now(half_close=True)
            raw.sendall(command("GET", "a"))
            got = b""
            while piece := raw.recv(100):
                got += piece
            self.assertEqual(got, b"$1\r\n1\r\n")
            self.proxy.now()
            raw.sendall(command("SET", "a", "after"))
            until(lambda: self.redis("GET", "a") == b"after", "the command arrives")

    def test_a_reply_in_pieces_of_one_byte_is_the_same_reply(self):
        talk = self.talk()
        self.proxy.now(piece=1)
        self.assertEqual(talk("MGET", "a", "none", "c"), [b"1", None, b"3"])
        self.assertEqual(self.proxy.counts["piece"], 1)

    def test_swapped_replies_change_places(self):
        talk = self.talk()
        self.proxy.now(swap=True)
        talk.send("GET", "a")
        talk.send("GET", "b")
        self.assertEqual([talk.receive(), talk.receive()], [b"2", b"1"])

    def test_a_swapped_reply_that_nothing_follows_comes_alone(self):
        talk = self.talk()
        self.proxy.now(swap=True, hold_ms=20)
        self.assertEqual(talk("GET", "a"), b"1")

    def test_a_duplicated_reply_shifts_all_that_follow(self):
        talk = self.talk()
        self.proxy.now(duplicate=True)
        self.assertEqual(talk("GET", "a"), b"1")
        self.proxy.now()
        self.assertEqual(talk("GET", "b"), b"1")
        self.assertEqual(talk("GET", "c"), b"2")

    def test_pushes_are_dropped_and_replies_are_not(self):
        listener, writer = self.talk(seconds=0.2), self.talk()
        listener("SUBSCRIBE", "news")
        writer("PUBLISH", "news", "one")
        self.assertEqual(listener.receive(), [b"message", b"news", b"one"])
        self.proxy.now(drop_pushes=True)
        self.assertEqual(writer("PUBLISH", "news", "two"), 1)
        with self.assertRaises(socket.timeout):
            listener.receive()

    def test_an_error_stands_in_the_place_of_a_reply(self):
        talk = self.talk()
        self.proxy.now(instead="-LOADING Redis is loading the dataset in memory")
        with self.assertRaisesRegex(Refused, "^LOADING"):
            talk("GET", "a")

    def test_every_chooses_each_nth_reply_and_share_about_so_many(self):
        talk = self.talk()
        self.proxy.now(instead="-ERR chosen", every=3)
        self.assertEqual([self._fails(talk) for _ in range(9)].count(True), 3)
        self.proxy.now(instead="-ERR chosen", share=0.2)
        self.assertTrue(60 <= [self._fails(talk) for _ in range(500)].count(True) <= 140)

    def _fails(self, talk):
        try:
            talk("GET", "a")
            return False
        except Refused:
            return True

    def test_new_connections_go_to_another_server_when_told(self):
        with RedisServer() as other:
            other("SET", "a", "other")
            old = self.talk()
            self.assertEqual(old("GET", "a"), b"1")
            self.proxy.to(other.address)
            self.assertEqual(self.talk()("GET", "a"), b"other")
            self.assertEqual(old("GET", "a"), b"1")

    def test_the_program_takes_faults_from_its_standard_input_and_ends_with_it(self):
        program = subprocess.Popen(
            [sys.executable, SOURCE / "tests/support/chaos_proxy.py", "--to",
             f"127.0.0.1:{self.redis.port}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(program.stdout.close)
        self.addCleanup(program.kill)
        port = int(program.stdout.readline().removeprefix("listening="))

        def say(line):
            program.stdin.write(line + "\n")
            program.stdin.flush()
            return program.stdout.readline().strip()

        with Talk(("127.0.0.1", port)) as talk:
            self.assertEqual(talk("GET", "a"), b"1")
            self.assertEqual(say("instead=-OOM_command_not_allowed every=2"), "ok")
            self.assertEqual([self._fails(talk) for _ in range(4)].count(True), 2)
            self.assertIn("no fault 'instaed'", say("instaed=x"))
            self.assertEqual(say("reset"), "ok")
            with self.assertRaises((OSError, EOFError)):
                talk("GET", "a")
        program.stdin.close()
        self.assertEqual(program.wait(10), 0)


class FramesTest(unittest.TestCase):
    REPLIES = [b"+OK\r\n", b"-ERR no\r\n", b":-7\r\n", b"$-1\r\n", b"$0\r\n\r\n", b"$4\r\na\r\nb\r\n",
               b"*-1\r\n", b"*0\r\n", b"*2\r\n$1\r\nx\r\n*1\r\n:1\r\n", b"%1\r\n+k\r\n$1\r\nv\r\n",
               b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"]

    def test_a_stream_is_cut_alike_however_it_arrives(self):
        whole = b"".join(self.REPLIES)
        for size in (1, 2, 3, 5, 7, len(whole)):
            frames, got = Frames(), []
            for start in range(0, len(whole), size):
                got += frames.feed(whole[start:start + size])
            self.assertEqual(got, self.REPLIES, f"pieces of {size}")
            self.assertEqual(frames.rest(), b"")

    def test_what_is_no_resp_passes_as_it_comes(self):
        frames = Frames()
        self.assertEqual(frames.feed(b"+OK\r\n\x16\x03\x01rest"), [b"+OK\r\n", b"\x16\x03\x01rest"])
        self.assertEqual(frames.feed(b"+more"), [b"+more"])

    def test_a_push_is_told_from_a_reply(self):
        self.assertTrue(is_push(b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\nk\r\n"))
        self.assertTrue(is_push(self.REPLIES[-1]))
        self.assertFalse(is_push(b"*2\r\n$1\r\nm\r\n$7\r\nmessage\r\n"))

    def test_faults_are_parsed_from_words(self):
        self.assertEqual(Faults.parse("delay_ms=5 swap share=0.5".split()),
                         Faults(delay_ms=5, swap=True, share=0.5))


if __name__ == "__main__":
    unittest.main()
