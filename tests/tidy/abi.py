# tests/tidy/abi.py -- the gate of the plugin ABI: what stands in sdk/include is what was frozen, or has grown at its ends.
#
# Two judges, as each is blind for what the other sees: static assertions (sizes, offsets, enumerators) and abidiff (types of
# members and parameters). The planted changes below show that every kind of break is seen by one of them.
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
FROZEN = ROOT / "sdk/abi"
sys.path.insert(0, str(FROZEN))
import freeze  # noqa: E402

# What abidiff says of a change that a plugin built before would not survive. That a struct has grown, or a member came
# behind the others, is not among it.
BREAKS = re.compile(r"offset changed|data member deletion|data member replacement|type of '|type changed|name of '|"
                    r"parameter \d+ of type '.*' (was|changed)|parameter \d+ (was|is)|return type|anonymous data member|type size changed")
GROWTH = re.compile(r"type size changed from \d+ to \d+ \(in bits\)")


def broken(headers):
    """What is wrong with these headers against what was frozen; empty: nothing."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "frozen.c")
        source.write_text('#include "frozen_1_0.h"\n')
        ran = subprocess.run(["cc", "-std=c11", "-fsyntax-only", "-I", str(headers), "-I", str(FROZEN), str(source)],
                             capture_output=True, text=True)
        found += [line for line in ran.stderr.splitlines() if "error" in line]
        now = pathlib.Path(folder, "now.xml")
        freeze.dump(headers, now)
        ran = subprocess.run(["abidiff", "--harmless", str(FROZEN / "larder-abi1.xml"), str(now)], capture_output=True, text=True)
        if ran.returncode & 4:
            # The size of what may grow is the assertions' to judge.
            found += [line.strip() for line in ran.stdout.splitlines() if BREAKS.search(line) and not GROWTH.search(line)]
    return found


@unittest.skipIf(shutil.which("abidiff") is None, "abigail-tools are not here")
class Abi(unittest.TestCase):
    def planted(self, file, old, new):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        headers = pathlib.Path(folder, "include")
        shutil.copytree(ROOT / "sdk/include", headers)
        path = headers / "larder/plugin" / file
        text = path.read_text(encoding="utf-8")
        self.assertEqual(text.count(old), 1, f"{file}: {old}")
        path.write_text(text.replace(old, new), encoding="utf-8")
        return broken(headers)

    def test_the_headers_are_what_was_frozen_or_have_grown_at_their_ends(self):
        self.assertEqual("\n".join(broken(ROOT / "sdk/include")), "")

    def test_every_planted_break_of_the_abi_is_seen(self):
        stats = "larder_status(LARDER_CALL *stats)(void *self, uint32_t ns, larder_store_stats *out) LARDER_NOEXCEPT;"
        breaks = {
            "a slot in the middle": ("store.h", stats, "void (LARDER_CALL *fresh)(void *self) LARDER_NOEXCEPT;\n  " + stats),
            "a parameter's type": ("store.h", stats, stats.replace("uint32_t ns", "uint64_t ns")),
            "a slot's name": ("store.h", stats, stats.replace("*stats)", "*numbers)")),
            "a slot that is gone": ("store.h", stats, ""),
            "a frozen struct that grew": ("abi.h", "  void *pin; /* the owner's", "  void *more;\n  void *pin; /* the owner's"),
            "an enumerator's value": ("abi.h", "LARDER_MISS = 1,", "LARDER_MISS = 5,"),
            "a return type": ("gateway.h", "larder_status(LARDER_CALL *stats)", "void(LARDER_CALL *stats)"),
            "a member's type": ("plugin.h", "const char *name;  /* as policy files", "const void *name;  /* as policy files"),
        }
        for what, (file, old, new) in breaks.items():
            with self.subTest(what):
                self.assertTrue(self.planted(file, old, new), "was not seen")

    def test_what_is_added_at_an_end_is_no_break(self):
        grown = freeze.read(ROOT / "sdk/include")[0]["larder_gateway_v1"][-1]
        self.assertEqual(grown, "stats")
        last = "larder_status(LARDER_CALL *stats)(void *self, larder_gateway_stats *out) LARDER_NOEXCEPT;"
        self.assertEqual(self.planted("gateway.h", last, last + "\n  void (LARDER_CALL *fresh)(void *self) LARDER_NOEXCEPT;"), [])
        self.assertEqual(self.planted("abi.h", "LARDER_OK = 0,", "LARDER_OK = 0, LARDER_FRESH = 99,"), [])


if __name__ == "__main__":
    unittest.main()
