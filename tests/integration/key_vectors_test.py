# tests/integration/key_vectors_test.py -- the rules of larder/key.hpp once more, in Python: equal bytes for equal calls.
#
# The C++ that has to agree is tests/unit/sdk/key_test.cpp, over the same tests/vectors/keys.json.
import hashlib
import json
import math
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or pathlib.Path(__file__).resolve().parent.parent.parent)
VECTORS = ROOT / "tests/vectors/keys.json"
LONGEST_TEXT, LONGEST_KEY, DEEPEST = 64, 200, 64
ESCAPED = set(range(0x21)) | {0x7F} | set(b"%:*{}~")
SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def number_text(number):
    if isinstance(number, int):
        if not -2**63 <= number < 2**64:
            raise ValueError("more than 64 bits")
        return str(number)
    if not math.isfinite(number):
        raise ValueError("not a number that JSON has")
    if number == 0:
        return "0"
    mantissa, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, rest = mantissa.partition(".")
    digits = (whole + rest).lstrip("0")
    point = len(whole) + int(exponent or 0) if whole.strip("0") else \
        int(exponent or 0) - (len(rest) - len(rest.lstrip("0")))
    digits = digits.rstrip("0")
    sign = "-" if number < 0 else ""
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if 0 < point <= 21:
        if len(digits) <= point:
            return sign + digits.ljust(point, "0")
        return f"{sign}{digits[:point]}.{digits[point:]}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def json_text(text):
    return '"' + "".join(SHORT.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def by_utf16(text):
    return text.encode("utf-16-be", "strict")


def canonical(value, depth=0):
    if depth > DEEPEST:
        raise ValueError("too deep")
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, str):
        return json_text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(canonical(one, depth + 1) for one in value) + "]"
    members = sorted(value.items(), key=lambda member: by_utf16(member[0]))
    return "{" + ",".join(f"{json_text(name)}:{canonical(one, depth + 1)}" for name, one in members) + "}"


def short_digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def digest(value):
    return short_digest(canonical(value))


def escaped(text):
    if not text:
        return "~"
    return b"".join(b"%%%02X" % byte if byte in ESCAPED else bytes([byte]) for byte in text.encode()).decode()


def field(value):
    if isinstance(value, str) and len(value.encode()) <= LONGEST_TEXT:
        return escaped(value)
    if isinstance(value, (bool, int, float)):
        return canonical(value)
    return "~" + digest(value)


def key(prefix, args=(), named=None):
    parts = [prefix] if prefix else []
    parts += [field(one) for one in args]
    for name in sorted(named or {}, key=by_utf16):
        parts += [escaped(name), field(named[name])]
    whole = ":".join(parts)
    if len(whole.encode()) <= LONGEST_KEY:
        return whole
    return (f"{prefix}:~" if prefix else "~") + short_digest(whole)


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
