# tests/integration/cli_watching_test.py -- larder top and larder tail: looking at a running kernel.
import json
import os
import pty
import select
import struct
import subprocess
import termios
import time
import fcntl
import unittest

import redis

from larder_program import larder
from larder_server import LarderServer, find

POLICY = """larder 1
namespace item { ttl 5m; key "{id}" }
namespace page { ttl 5m; key "{id}" }
on write "/items/{id}" { drop item "{id}" }
"""


class Watched(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(LarderServer(POLICY))
        self.client = redis.Redis(port=self.server.port)
        self.addCleanup(self.client.close)
        self.socket = str(self.server.folder / "admin.sock")

    def ask(self, *words, status=0):
        ran = larder(*words, "--socket", self.socket)
        self.assertEqual(ran.returncode, status, ran.stderr)
        return ran


class Top(Watched):
    def test_one_screen_has_a_line_for_each_namespace_and_tier(self):
        self.client.set("item:1", "x")
        screen = self.ask("top", "--once", "--interval", "0.1").stdout
        self.assertRegex(screen, r"larder \S+  up \d+s  policy \S*test.larder")
        self.assertRegex(screen, r"(?m)^  tier memory +memory +\d+ entries .*breaker closed$")
        for name in ("item", "page"):
            self.assertRegex(screen, rf"(?m)^{name} ")

    def test_the_last_invalidations_stand_with_their_rule_and_request(self):
        self.ask("route", "PUT", "/items/7")
        screen = self.ask("top", "--once", "--interval", "0.1").stdout
        self.assertRegex(screen, r'\d\d:\d\d:\d\d  drop item "7"   by \S*test.larder:4 PUT /items/7')

    def test_rates_are_of_what_happens_between_two_looks(self):
        self.client.set("item:1", "x")
        self.client.get("item:1")  # before the first look
        process = subprocess.Popen([find("larder"), "top", "--json", "--interval", "2", "--socket", self.socket],
                                   stdout=subprocess.PIPE, text=True)
        asked = 0
        while process.poll() is None:
            self.client.get("item:1")
            self.client.get("item:none")
            asked += 1
        said = json.loads(process.communicate()[0])
        item = said["namespaces"]["item"]
        self.assertAlmostEqual(item["hit_percent"], 50, delta=2)
        self.assertLessEqual(item["reads_per_s"] * said["seconds"], 2 * asked + 2)
        self.assertGreater(item["reads_per_s"], 0)
        self.assertEqual(said["namespaces"]["page"]["reads_per_s"], 0)

    def test_without_a_kernel_it_says_so_with_status_3(self):
        ran = larder("top", "--once", "--socket", "/nowhere/larder.sock")
        self.assertEqual(ran.returncode, 3)
        self.assertIn("larder serve", ran.stderr)

    def test_on_a_terminal_keys_sort_pause_and_quit_and_the_terminal_is_as_before(self):
        keeper, terminal = pty.openpty()
        self.addCleanup(os.close, keeper)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        before = termios.tcgetattr(terminal)
        process = subprocess.Popen([find("larder"), "top", "--interval", "0.1", "--socket", self.socket],
                                   stdin=terminal, stdout=terminal, stderr=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        shown = self.read_until(keeper, b"sorted by reads")
        lines = shown.rsplit(b"\x1b[2J", 1)[1].split(b"\r\n")
        self.assertLessEqual(len(lines), 24)
        os.write(keeper, b"s")
        self.read_until(keeper, b"sorted by hit rate")
        os.write(keeper, b"p")
        self.read_until(keeper, b"paused")
        os.write(keeper, b"q")
        self.read_until(keeper, b"\x1b[?1049l")
        self.assertEqual(process.wait(10), 0)
        self.assertEqual(termios.tcgetattr(terminal), before)
        os.close(terminal)

    def read_until(self, keeper, what):
        shown, deadline = b"", time.monotonic() + 20
        while what not in shown:
            self.assertLess(time.monotonic(), deadline, shown)
            if select.select([keeper], [], [], 0.1)[0]:
                shown += os.read(keeper, 65536)
        return shown


class Tail(Watched):
    def test_an_invalidation_is_a_line_with_its_rule_and_what_it_dropped(self):
        self.ask("route", "PUT", "/items/7")
        lines = self.ask("tail", "--once", "--type", "invalidate").stdout.splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r'^\d\d:\d\d:\d\d  invalidate  .*item "7"')

    def test_it_begins_with_the_last_lines_asked_for(self):
        for number in range(5):
            self.ask("drop", "item", str(number))
        lines = self.ask("tail", "--once", "-n", "2").stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn('"4"', lines[1])

    def test_lines_without_the_text_or_of_another_type_are_left_out(self):
        self.ask("drop", "item", "1")
        self.ask("drop", "page", "2")
        self.assertEqual(len(self.ask("tail", "--once", "-g", "page").stdout.splitlines()), 1)
        self.assertEqual(self.ask("tail", "--once", "-t", "reload").stdout, "")

    def test_control_characters_of_a_key_do_not_reach_the_terminal(self):
        self.ask("drop", "item", "\x1b[31mred")
        self.assertNotIn("\x1b", self.ask("tail", "--once").stdout)

    def test_json_is_one_object_a_line(self):
        self.ask("drop", "item", "1")
        events = [json.loads(line) for line in self.ask("tail", "--once", "--json").stdout.splitlines()]
        self.assertEqual([event["number"] for event in events], list(range(1, len(events) + 1)))

    def test_it_goes_on_with_what_happens_next(self):
        process = subprocess.Popen([find("larder"), "tail", "--type", "invalidate", "--socket", self.socket],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.ask("drop", "item", "1")
        self.assertIn('item "1"', process.stdout.readline())
        self.ask("drop", "item", "2")
        self.assertIn('item "2"', process.stdout.readline())
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    unittest.main()
