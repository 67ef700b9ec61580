# tests/tidy/examples.py -- examples that are projects of their own build as their readers build them:
# against the SDK in this tree, and against an installed one.
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
BUILD = pathlib.Path(os.environ.get("LARDER_BUILD_DIR", ROOT / "build/release"))


def projects():
    return sorted(facts.parent for facts in (ROOT / "examples").glob("*/CMakeLists.txt")
                  if "\nproject(" in facts.read_text(encoding="utf-8"))


def run(*command):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return "" if ran.returncode == 0 else f"$ {' '.join(map(str, command))}\n{ran.stdout}"


class Examples(unittest.TestCase):
    def build_all(self, config_folder):
        self.assertTrue(projects(), "no example is a project of its own")
        for source in projects():
            with self.subTest(source.name), tempfile.TemporaryDirectory() as folder:
                # A copy: nothing beside it may be leaned on.
                copy = pathlib.Path(folder) / source.name
                shutil.copytree(source, copy)
                binary = pathlib.Path(folder) / "build"
                failed = run("cmake", "-G", "Ninja", "-S", copy, "-B", binary,
                             f"-Dlarder_DIR={config_folder}") or run("cmake", "--build", binary)
                self.assertEqual(failed, "")
                self.assertTrue(list(binary.glob("*.so")), "no plugin came out")

    def test_every_stand_alone_example_builds_against_the_tree(self):
        self.build_all(ROOT / "sdk/cmake")

    def test_every_stand_alone_example_builds_against_an_installed_sdk(self):
        with tempfile.TemporaryDirectory() as prefix:
            self.assertEqual(run("cmake", "--install", BUILD, "--prefix", prefix), "")
            found = list(pathlib.Path(prefix).rglob("larder-config.cmake"))
            self.assertEqual(len(found), 1, "the package is not installed, or twice")
            self.build_all(found[0].parent)


if __name__ == "__main__":
    unittest.main()
