# sdk/python/larder/keys.py -- the key of a call: its name and arguments, the same in every process and language.
#
# The rules are those of <larder/key.hpp>; tests/vectors/keys.json holds both to them. ValueError: an argument has
# no canonical text.
import hashlib
import math

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
