# tests/integration/reloads_test.py -- policies change under load, good ones and bad ones: nobody notices but by what they say.
#
# A version of the policy is one rule with three drops that all carry its number, so that the receipt of a single event shows
# whether it was carried out by one policy, and which. LARDER_RELOADS=10000 is the promise; docs/proof/reloads.md has the run.
import json
import os
import pathlib
import sys
import threading
import time
import unittest

from larder_server import SOURCE, LarderServer

sys.path.insert(0, str(SOURCE / "tests/support"))
from resp_talk import Refused, Talk  # noqa: E402

RELOADS = int(os.environ.get("LARDER_RELOADS", 120))
NAMES = 97  # versions of names: dropping a name for ever new would be growth, too
SPACES = ("item", "other", "third")
# In turn: a word that is none, a name that is none, and a file that ends too soon.
BROKEN = ("namespace item { ttl soon }\n", 'on event "bump" { drop nobody "1" }\n', "namespace item {")


def policy(version):
    spaces = "".join(f'namespace {name} {{ key "{{id}}"; ttl {5 + version % 50}m; static }}\n' for name in SPACES)
    drops = "; ".join(f'drop {name} "v{version % NAMES}"' for name in SPACES)
    return f'larder 1\n{spaces}on event "bump" {{ {drops} }}\n'


class Reloads(unittest.TestCase):
    def put(self, text):
        beside = self.server.folder / "new"
        beside.write_text(text, encoding="utf-8")
        beside.rename(self.server.folder / "test.larder")

    def talk(self):
        return Talk(("127.0.0.1", self.server.port), seconds=60)

    @staticmethod
    def versions(talk):
        """The numbers in what one event dropped; one number, unless two policies took part."""
        answer = talk("LARDER", "EVENT", "bump")
        receipt = json.loads(answer[answer.index(b"receipt") + 1])
        assert len(receipt["changes"]) == len(SPACES), receipt
        return {change.partition('"v')[2].rstrip('"') for change in receipt["changes"]}

    def figures(self):
        """(threads, descriptors, maps, resident KiB) of the kernel."""
        folder = pathlib.Path(f"/proc/{self.server.process.pid}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        return (int(status["Threads"]), len(os.listdir(folder / "fd")), len((folder / "maps").read_text().splitlines()),
                int(status["VmRSS"].split()[0]))

    def load(self, number, stop, wrong, done):
        try:
            with self.talk() as talk:
                while not stop.is_set():
                    for n in range(20):
                        key = f"item:{number}-{n}"
                        if talk("SET", key, f"{number} {n}") != b"OK" or talk("GET", key) != f"{number} {n}".encode():
                            wrong.append(key)
                    seen = self.versions(talk)
                    if len(seen) != 1:
                        wrong.append(seen)
                    done[number] += 41
        except (Refused, OSError, EOFError, AssertionError, ValueError) as error:
            wrong.append(repr(error))

    def test_reloads_under_load_fail_no_request_and_mix_no_versions_and_a_bad_file_keeps_the_old(self):
        self.server = self.enterContext(LarderServer(policy(0), gateway='role = "admin"'))
        stop, wrong, done, good = threading.Event(), [], [0, 0], 0
        threads = [threading.Thread(target=self.load, args=(n, stop, wrong, done)) for n in range(2)]
        figures, refused, began = [], 0, time.monotonic()
        for thread in threads:
            thread.start()
        try:
            with self.talk() as talk:
                for turn in range(1, RELOADS + 1):
                    if turn % 4 == 0:
                        self.put(policy(turn) + BROKEN[turn // 4 % 3])
                        with self.assertRaisesRegex(Refused, r"test\.larder:\d+:\d+"):
                            talk("LARDER", "RELOAD")
                        refused += 1
                    else:
                        self.put(policy(turn))
                        talk("LARDER", "RELOAD")
                        good = turn
                    self.assertEqual(self.versions(talk), {str(good % NAMES)})
                    if turn % max(1, RELOADS // 40) == 0:
                        figures.append(self.figures())
                    if wrong:
                        break
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        self.assertEqual(wrong, [])
        self.assertEqual(refused, RELOADS // 4)
        self.assertGreater(sum(done), RELOADS)
        half = len(figures) // 2
        grown = [max(f[i] for f in figures[half:]) - max(f[i] for f in figures[:half]) for i in range(4)]
        self.assertLessEqual(grown[0], 0, f"threads grow: {figures}")
        self.assertLessEqual(grown[1], 0, f"descriptors grow: {figures}")
        self.assertLessEqual(grown[2], 8, f"maps grow: {figures}")
        self.assertLess(grown[3], 4096, f"resident memory grows (KiB): {figures}")
        print(f"{RELOADS} reloads, {refused} of them refused, {sum(done)} requests beside them in "
              f"{time.monotonic() - began:.0f} s; (threads, descriptors, maps, KiB) after the first {RELOADS // 40} and at the "
              f"end: {figures[0]} {figures[-1]}")


if __name__ == "__main__":
    unittest.main()
