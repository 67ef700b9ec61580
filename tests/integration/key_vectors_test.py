# tests/integration/key_vectors_test.py -- the keys of larder/keys.py are those of larder/key.hpp: equal bytes for equal calls.
#
# The C++ that has to agree is tests/unit/sdk/key_test.cpp, over the same tests/vectors/keys.json.
import json
import os
import pathlib
import runpy
import subprocess
import sys
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or pathlib.Path(__file__).resolve().parent.parent.parent)
VECTORS = ROOT / "tests/vectors/keys.json"
keys = runpy.run_path(str(ROOT / "sdk/python/larder/keys.py"))  # without its package, which needs a build
canonical, digest, key = keys["canonical"], keys["digest"], keys["key"]


class KeyVectors(unittest.TestCase):
    def setUp(self):
        self.vectors = json.loads(VECTORS.read_text(encoding="utf-8"))

    def test_python_writes_the_canonical_texts_that_the_vectors_have(self):
        for value, text in self.vectors["canonical"]:
            self.assertEqual(canonical(value), text)

    def test_python_makes_the_digests_that_the_vectors_have(self):
        for value, text in self.vectors["digest"]:
            self.assertEqual(digest(value), text)

    def test_python_makes_the_keys_that_the_vectors_have(self):
        for call in self.vectors["keys"]:
            self.assertEqual(key(call["prefix"], call.get("args", ()), call.get("named")), call["key"])

    def test_python_refuses_what_has_no_canonical_text(self):
        for call in self.vectors["refused"]:
            with self.subTest(call["why"]), self.assertRaises(ValueError):
                key(call["prefix"], call.get("args", ()), call.get("named"))

    def test_two_processes_with_other_hash_seeds_make_the_same_keys(self):
        # Python salts hash() anew in each process: what a key is made of must not depend on it.
        script = ("import json, key_vectors_test as k; v = json.loads(k.VECTORS.read_text());"
                  "print([k.key(c['prefix'], c.get('args', ()), c.get('named')) for c in v['keys']])")
        seen = set()
        for seed in ("1", "2"):
            environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(pathlib.Path(__file__).parent),
                           "PYTHONDONTWRITEBYTECODE": "1"}
            seen.add(subprocess.run([sys.executable, "-c", script], env=environment, check=True,
                                    capture_output=True, text=True, timeout=60).stdout)
        self.assertEqual(len(seen), 1)


if __name__ == "__main__":
    unittest.main()
