# tests/tidy/symbols.py -- a plugin exports one symbol and nothing else, and liblarder the functions of its header.
#
# Whatever else it exported could bind to, or be bound by, the same name in another plugin: two
# plugins with their own brotli in one process is how that is found out otherwise.
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
BUILD = pathlib.Path(os.environ.get("LARDER_BUILD_DIR", ROOT / "build/release"))

ENTRY = "larder_plugin_abi1"


def exported(library):
    told = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library],
                          capture_output=True, text=True, check=True)
    return sorted(line.split()[0] for line in told.stdout.splitlines())


class Symbols(unittest.TestCase):
    def test_every_plugin_exports_its_descriptor_and_nothing_else(self):
        plugins = sorted((BUILD / "bin/plugins").glob("*.so"))
        self.assertTrue(plugins, f"no plugin under {BUILD}/bin/plugins")
        for plugin in plugins:
            with self.subTest(plugin=plugin.name):
                self.assertEqual(exported(plugin), [ENTRY])

    def test_a_second_exported_symbol_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "leaky.c"
            source.write_text(f"const int {ENTRY} = 1;\nint leaked(void) {{ return 1; }}\n")
            library = source.with_suffix(".so")
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
            self.assertEqual(exported(library), [ENTRY, "leaked"])


class Library(unittest.TestCase):
    library = BUILD / "bin/lib/liblarder.so"

    def test_liblarder_exports_the_functions_of_its_header_and_nothing_else(self):
        header = (ROOT / "sdk/include/larder/larder.h").read_text()
        declared = set(re.findall(r"^LARDER_EMBED_API [^(]*?(larder_\w+)\(", header, re.MULTILINE))
        self.assertGreater(len(declared), 40)
        self.assertEqual({name.split("@")[0] for name in exported(self.library)} - {"LARDER_1"}, declared)

    def test_liblarder_fits_into_the_thread_local_room_that_late_libraries_share(self):
        # glibc keeps about 1.6 KB for all libraries that are loaded after the program has begun.
        told = subprocess.run(["readelf", "-lW", self.library], capture_output=True, text=True, check=True).stdout
        size = next(int(line.split()[5], 16) for line in told.splitlines() if line.split()[:1] == ["TLS"])
        self.assertLess(size, 1024)


if __name__ == "__main__":
    unittest.main()
