# tests/tidy/headers.py -- every header compiles alone: whoever includes it needs nothing before it.
#
# Those of the SDK compile as C11 too, and under every warning we have, because plugins are built by
# people with warnings of their own. The objects go under the build folder and through ccache, so
# that only what changed is compiled again.
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
BUILD = pathlib.Path(os.environ.get("LARDER_BUILD_DIR", ROOT / "build/release"))
SDK = ROOT / "sdk/include"

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
CXX_WARNINGS = ["-Wold-style-cast", "-Wnon-virtual-dtor", "-Woverloaded-virtual"]


def compiler(language):
    """The compiler this build uses."""
    cache = BUILD / "CMakeCache.txt"
    if cache.exists():
        for line in cache.read_text(encoding="utf-8").splitlines():
            if line.startswith(f"CMAKE_{language}_COMPILER:"):
                return line.partition("=")[2]
    return {"C": "cc", "CXX": "c++"}[language]


def compile_alone(include, suffix, flags):
    """Compiles a file that holds `include` twice and nothing else. Returns what went wrong."""
    name = include.strip('<>"').replace("/", "__")
    folder = BUILD / "headers"
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{name}{suffix}"
    # Twice: the second one finds a guard that is missing.
    source.write_text(f"#include {include}\n#include {include}\n", encoding="utf-8")
    launcher = [shutil.which("ccache")] if shutil.which("ccache") else []
    command = [*launcher, compiler("C" if suffix == ".c" else "CXX"), *flags, "-c", str(source),
               "-o", str(source.with_suffix(f"{suffix}.o"))]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return f"{include}: {ran.stderr}" if ran.returncode else None


def all_wrong(jobs):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [what for what in pool.map(lambda job: compile_alone(*job), jobs) if what]


class Headers(unittest.TestCase):
    def test_every_sdk_header_compiles_alone_as_c11_and_as_cxx20(self):
        c = ["-std=c11", *WARNINGS, "-Wstrict-prototypes", "-I", str(SDK)]
        cxx = ["-std=c++20", *WARNINGS, *CXX_WARNINGS, "-I", str(SDK)]
        jobs = []
        for header in sorted(SDK.rglob("*.h*")):
            include = f"<{header.relative_to(SDK).as_posix()}>"
            jobs.append((include, ".cpp", cxx))
            if header.suffix == ".h":
                jobs.append((include, ".c", c))
        self.assertGreater(len(jobs), 20, "the SDK's headers were not found")
        self.assertEqual("\n".join(all_wrong(jobs)), "")

    def compile_folder(self, folder):
        flags = ["-std=c++20", *WARNINGS, *CXX_WARNINGS, "-DBOOST_DLL_USE_STD_FS",
                 "-I", str(ROOT), "-I", str(SDK)]
        if "clang" in compiler("CXX"):
            flags.append("-Wno-overloaded-shift-op-parentheses")
        jobs = [(f'"{header.relative_to(ROOT).as_posix()}"', ".cpp", flags)
                for header in sorted((ROOT / folder).rglob("*.hpp"))]
        self.assertTrue(jobs, f"{folder} has no headers")
        self.assertEqual("\n".join(all_wrong(jobs)), "")

    # A case a folder, because each header costs a compiler a second or two.
    def test_every_header_of_the_language_compiles_alone(self):
        self.compile_folder("dsl")

    def test_every_header_of_the_core_compiles_alone(self):
        self.compile_folder("kernel/core")

    def test_every_header_of_the_loader_and_the_configuration_compiles_alone(self):
        self.compile_folder("kernel/loader")
        self.compile_folder("kernel/config")

    def test_every_header_of_the_api_and_the_program_compiles_alone(self):
        for layer in ("api", "replay", "serve", "editor", "cli"):
            self.compile_folder(f"kernel/{layer}")

    def test_a_header_that_leans_on_another_is_found(self):
        planted = BUILD / "headers/planted.h"
        planted.parent.mkdir(parents=True, exist_ok=True)
        planted.write_text("#pragma once\nuint32_t needs_stdint(void);\n", encoding="utf-8")
        wrong = compile_alone(f'"{planted}"', ".c", ["-std=c11"])
        self.assertIn("uint32_t", wrong or "")


if __name__ == "__main__":
    unittest.main()
