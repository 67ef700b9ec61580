# tests/integration/install_test.py -- an installed tree, anywhere: the program finds its plugins, a plugin and a host are built
# against it and nothing else.
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

from larder_server import SOURCE, find

BUILD = pathlib.Path(os.environ.get("LARDER_BUILD_DIR") or SOURCE / "build/release")
# A sanitizer's runtime is in the program that loads the library: a host that is built without one cannot.
SANITIZED = os.environ.get("LARDER_PRESET") in ("asan", "tsan")
HOST = """#include <larder/larder.h>
#include <stdio.h>
int main(void) { printf("%u\\n", LARDER_EMBED_ABI); return 0; }
"""


def run(*words, **more):
    ran = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300, **more)
    assert ran.returncode == 0, f"{words}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def whole():
    """Whether everything that is installed has been built."""
    return all(path.exists() for path in (BUILD / "bin/lib/liblarder.so.0.1.0", BUILD / "bin/plugins/store_memory.so"))


@unittest.skipUnless(whole(), "not all of the tree is built")
class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="larder-installed-")
        cls.addClassCleanup(folder.cleanup)
        cls.prefix = pathlib.Path(folder.name, "usr")
        cls.work = pathlib.Path(folder.name, "work")
        cls.work.mkdir()
        for part in ("larder", "plugins", "liblarder", "dev"):
            run("cmake", "--install", BUILD, "--prefix", cls.prefix, "--component", part)
        cls.libraries = next(cls.prefix.glob("lib/**/pkgconfig")).parent
        # Nothing of the build is near.
        cls.environment = {"PATH": f"{cls.prefix}/bin:/usr/bin:/bin", "HOME": str(cls.work), "LD_LIBRARY_PATH": str(cls.libraries),
                           "PKG_CONFIG_PATH": str(cls.libraries / "pkgconfig")}

    def ask(self, *words):
        return run(*words, cwd=self.work, env=self.environment)

    def test_the_program_finds_its_plugins_and_serves_what_is_installed(self):
        listed = self.ask("larder", "plugins")
        self.assertIn(f"file {self.libraries}/larder/plugins-1/store_memory.so", listed)
        self.ask("larder", "check", "--conf", self.prefix / "share/larder/conf/larder.toml")
        self.ask("larder", "test", self.prefix / "share/larder/policies/hotel.larder")

    def test_manual_page_completions_and_unit_are_where_they_are_looked_for(self):
        for path in ("share/man/man1/larder.1.gz", "share/bash-completion/completions/larder", "lib/systemd/system/larder.service",
                     "share/doc/larder/LICENSE"):
            with self.subTest(path):
                self.assertGreater((self.prefix / path).stat().st_size, 100)

    def test_a_plugin_is_built_with_only_the_installed_tree_and_passes(self):
        self.ask("larder", "plugin", "new", "store", "out")
        place = self.work / "store_out"
        self.ask("cmake", "-S", place, "-B", place / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.ask("cmake", "--build", place / "build")
        self.assertIn(" 0 failed", self.ask("larder", "plugin", "test", place / "build/store_out.so"))

    def test_a_plugin_and_a_host_are_built_by_pkg_config(self):
        include = self.ask("pkg-config", "--cflags", "larder-plugin").split()
        map_ = self.ask("pkg-config", "--variable=mapfile", "larder-plugin").strip()
        self.assertTrue(pathlib.Path(map_).is_file())
        self.assertTrue(pathlib.Path(self.ask("pkg-config", "--variable=plugindir", "larder-plugin").strip()).is_dir())
        sin = self.work / "plain.c"
        sin.write_text('#include <larder/plugin/plugin.h>\nint unused;\n')
        self.ask("cc", "-shared", "-fPIC", *include, f"-Wl,--version-script={map_}", sin, "-o", "plain.so")
        (self.work / "host.c").write_text(HOST)
        self.ask("cc", "host.c", *self.ask("pkg-config", "--cflags", "--libs", "larder").split(), "-o", "host")
        self.assertTrue(self.ask("./host").strip().isdigit())

    def served(self, folder):
        """A host of examples/own_host, asked over its port."""
        project = self.work / "own_host"
        (project / "card.txt").write_text("7 soup\n")
        plugins = self.ask("pkg-config", "--variable=plugindir", "larder-plugin").strip()
        host = subprocess.Popen([folder / "dishes", project / "host.toml", f"{folder}:{plugins}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                text=True, env=self.environment, cwd=self.work)
        try:
            line = host.stdout.readline()
            self.assertRegex(line, r"^\d+\n", "the host did not start")
            with socket.create_connection(("127.0.0.1", int(line)), timeout=30) as client, client.makefile("rw") as lines:
                def ask(text):
                    lines.write(text + "\n")
                    lines.flush()
                    return lines.readline().strip()

                self.assertEqual([ask("7"), ask("9")], ["soup", "-"])
                (project / "card.txt").write_text("7 stew\n")
                self.assertEqual(ask("7"), "soup", "kept, not loaded again")
                ask("drop 7")
                self.assertEqual(ask("7"), "stew")
        finally:
            host.stdin.close()
            self.assertEqual(host.wait(30), 0)
            host.stdout.close()

    @unittest.skipIf(SANITIZED, "its library has a sanitizer, and its hosts have none")
    def test_a_host_and_the_plugin_it_loads_are_built_outside_by_find_package_and_by_pkg_config_and_serve(self):
        project = shutil.copytree(SOURCE / "examples/own_host", self.work / "own_host")
        self.ask("cmake", "-S", project, "-B", project / "found", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.ask("cmake", "--build", project / "found")
        self.served(project / "found")
        self.ask("make", "-C", project, f"OUT={project}/made")
        self.served(project / "made")
        self.assertIn(" 0 failed", self.ask("larder", "plugin", "test", project / "found/warmer_card.so", "--option", f"file={project}/card.txt"))

    def test_a_host_is_built_by_find_package(self):
        place = self.work / "host_found"
        place.mkdir()
        (place / "host.c").write_text(HOST)
        (place / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.16)\nproject(host LANGUAGES C)\nfind_package(larder REQUIRED)\n"
                                              "add_executable(host host.c)\ntarget_link_libraries(host PRIVATE larder::larder)\n")
        self.ask("cmake", "-S", place, "-B", place / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.ask("cmake", "--build", place / "build")
        self.assertTrue(self.ask(place / "build/host").strip().isdigit())


if __name__ == "__main__":
    unittest.main()
