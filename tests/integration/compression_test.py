# tests/integration/compression_test.py -- values made small by running kernels: a dictionary that several of them, and
# those that come later, read; what `larder stats compression` says about it.
import json
import random
import shutil
import subprocess
import tempfile
import unittest

from larder_server import LarderServer, find
from redis_nodes import Node, store_of
from redis_server import RedisServer, until

POLICY = """larder 1
namespace item { key "{id}"; ttl 10m; compress zstd above 100B; tiers memory -> l2 }
namespace any { key "{id}"; ttl 10m; compress auto; tiers memory -> l2 }
"""
CODECS = '[codec.zstd]\nplugin = "zstd"\n[codec.gzip]\nplugin = "zlib"\nformat = "gzip"\n[codec.brotli]\nplugin = "brotli"\n'


def value(number):
    """About 400 bytes of one schema."""
    dice = random.Random(number)
    words = ["soup", "salad", "bread", "fish", "rice", "green", "fresh", "of the day", "small", "large", "hot", "with lemon"]
    return json.dumps({
        "id": number, "restaurant_id": dice.randrange(500), "sku": f"MI-{dice.randrange(10**6):06}",
        "name": " ".join(dice.sample(words, 3)), "category": dice.choice(["starters", "mains", "desserts"]),
        "price": {"amount": dice.randrange(6000) / 100, "currency": "EUR", "tax_rate": 0.19},
        "available": dice.random() < 0.8, "rating": dice.randrange(50) / 10,
        "image_url": f"https://cdn.example.com/menu/items/{dice.randrange(10**6)}.jpg",
        "created_at": f"2024-{1 + dice.randrange(12):02}-{1 + dice.randrange(28):02}T10:00:00Z",
        "description": " ".join(dice.choices(words, k=10)),
    })


class Kernel:
    def __init__(self, store):
        self.server = LarderServer(POLICY, store=store, conf=CODECS, gateway='fence = false\nrole = "admin"\n')
        self.node = Node(self.server.__enter__())

    def put(self, space, numbers):
        for number in numbers:
            assert self.node.set(f"{space}:{number}", value(number)) == b"OK"

    def right(self, space, numbers):
        return sum(self.node.get(f"{space}:{n}") == value(n).encode() for n in numbers)

    def report(self):
        ran = subprocess.run([find("larder"), "stats", "compression", "--socket", self.server.folder / "admin.sock"],
                             capture_output=True, text=True, check=True, timeout=30)
        return json.loads(ran.stdout)

    def dictionary(self, space):
        one = self.report()["by_namespace"].get(space)
        return one["dictionary"] and one["dictionary"]["id"]

    def stop(self):
        self.node.talk.close()
        self.server.stop()


class Dictionaries(unittest.TestCase):
    def learnt(self, kernel, space):
        kernel.put(space, range(600))
        return until(lambda: kernel.dictionary(space), "a dictionary is learnt")

    def test_a_dictionary_is_read_by_another_node_and_by_one_that_starts_later(self):
        redis = self.enterContext(RedisServer())
        store = store_of(redis.address)
        first, second = Kernel(store), Kernel(store)
        self.addCleanup(first.stop)
        self.addCleanup(second.stop)
        for kernel in (first, second):
            until(kernel.node.trusted, "the stream is proved")
        learnt = self.learnt(first, "item")
        first.put("item", range(1000, 1200))
        report = first.report()["by_namespace"]["item"]
        with_it = next(way for way in report["ways"] if way["way"] == "zstd with a dictionary")
        self.assertGreater(with_it["compression_ratio"], 60)
        self.assertEqual(second.right("item", range(1000, 1200)), 200)
        self.assertEqual(second.report()["by_namespace"]["item"]["reads_without_dictionary"], 0)
        third = Kernel(store)
        self.addCleanup(third.stop)
        self.assertEqual(third.right("item", range(1000, 1200)), 200)
        until(lambda: third.dictionary("item") == learnt and second.dictionary("item") == learnt, "all write with the same")

    def test_a_dictionary_beside_the_data_in_a_file_is_read_after_a_restart(self):
        folder = tempfile.mkdtemp(prefix="larder-dictionary-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        store = f'[store.l2]\nplugin = "lmdb"\npath = "{folder}/l2"\n'
        kernel = Kernel(store)
        learnt = self.learnt(kernel, "item")
        kernel.put("item", range(1000, 1100))
        kernel.stop()
        again = Kernel(store)
        self.addCleanup(again.stop)
        self.assertEqual(again.right("item", range(1000, 1100)), 100)
        until(lambda: again.dictionary("item") == learnt, "it writes with the same")

    def test_auto_says_what_it_tried_and_took_in_the_report(self):
        redis = self.enterContext(RedisServer())
        kernel = Kernel(store_of(redis.address))
        self.addCleanup(kernel.stop)
        self.learnt(kernel, "any")
        tried = until(lambda: kernel.report()["by_namespace"]["any"]["tried"], "ways are tried")
        taken = [one["way"] for one in tried if one["taken"]]
        self.assertEqual(len(taken), 1)
        self.assertIn("with a dictionary", taken[0])
        kernel.put("any", range(2000, 2100))
        self.assertEqual(kernel.right("any", range(2000, 2100)), 100)
        self.assertIsInstance(kernel.report()["recommendations"], list)


if __name__ == "__main__":
    unittest.main()
