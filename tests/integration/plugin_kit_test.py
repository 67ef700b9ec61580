# tests/integration/plugin_kit_test.py -- `larder plugin`: the kit passes what ships and catches each planted sin, new plugins
# are built and pass it, files are told apart by what is in them.
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
import xml.etree.ElementTree

from larder_program import Scratch, larder
from larder_server import SOURCE, find
from postgres_server import PostgresServer
from redis_server import RedisServer

sys.path.insert(0, str(SOURCE / "tests/tidy"))
from docs import blocks_of, run_block  # noqa: E402

SINS = SOURCE / "tests/sins/sins.txt"
KINDS = ("store", "compressor", "warmer", "invalidator", "session", "exporter", "gateway")
SESSION_KEY = "your-32-byte-key-your-32-byte-ke"
# What each shipped plugin needs to be made; ports where nobody listens stand for servers that are away.
SHIPPED = {
    "store_memory": [["capacity=1MiB"]], "store_lmdb": [["path=./d", "capacity=8MiB"]], "store_spill": [["path=./s", "capacity=8MiB"]], "store_redis": [["url=REDIS"]],
    "store_postgres": [["url=POSTGRES"]],
    "compressor_brotli": [["quality=1"]], "compressor_zlib": [[], ["format=gzip"]], "compressor_zstd": [[]],
    "session_sealed": [["keys=env:KIT_KEYS"], ["keys=env:KIT_KEYS", "format=fernet"]],
    "exporter_prometheus": [[]], "exporter_webhook": [["url=http://127.0.0.1:9/"]],
    "exporter_cdn": [["shape=fastly", "id=x", "token=env:KIT_KEYS", "api=http://127.0.0.1:9"]],
    "warmer_http": [["url=http://127.0.0.1:9"]], "warmer_redis": [["url=REDIS"], ["url=redis://127.0.0.1:9"]],
    "warmer_sql": [["url=postgresql://u@127.0.0.1:9/d"]], "warmer_predictive": [[]],
    "invalidator_route": [["socket=./s"]], "invalidator_event": [["url=REDIS", "channels=x"]],
    "gateway_resp": [[]], "gateway_http": [["upstream=http://127.0.0.1:9"]],
}


def plugins():
    return find("larder").resolve().parent / "plugins"


def sins():
    for line in SINS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, name, requirement, what = line.split(" ", 3)
            yield kind, name, requirement, what


def kit(path, *words, options=()):
    told = []
    for option in options:
        told += ["--option", option]
    return larder("plugin", "test", path, *words, *told, KIT_KEYS=SESSION_KEY)


def at_once(work, items):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, items))


class Shipped(unittest.TestCase):
    def test_every_shipped_plugin_passes_every_check_of_its_kind(self):
        server = self.enterContext(RedisServer())
        there = sorted(path.stem for path in plugins().glob("*.so"))
        self.assertEqual([name for name in there if name not in SHIPPED], [], "a plugin that nobody asks")
        postgres = self.enterContext(PostgresServer()).url(tcp=True, password=True) if "store_postgres" in there else ""
        cases = [(name, [option.replace("REDIS", f"redis://127.0.0.1:{server.port}").replace("POSTGRES", postgres)
                         for option in options])
                 for name in there for options in SHIPPED[name]]
        self.assertGreaterEqual(len(cases), 10)

        def judged(case):
            name, options = case
            ran = kit(plugins() / f"{name}.so", "--format", "json", "--seed", "7", options=options)
            return name, ran
        for name, ran in at_once(judged, cases):
            with self.subTest(name):
                told = json.loads(ran.stdout)
                self.assertEqual([one for one in told["checks"] if one["outcome"] == "failed"], [], ran.stderr)
                self.assertEqual(told["waived"], 0)
                self.assertGreaterEqual(told["passed"], 12)


class Sins(unittest.TestCase):
    def test_every_planted_sin_is_caught_by_its_requirement(self):
        folder = find("larder").resolve().parent / "sins"
        if not folder.is_dir():
            self.skipTest("the planted sins are not built")

        def judged(sin):
            kind, name, requirement, what = sin
            ran = kit(folder / f"sin_{name}.so", "--only", requirement, "--limit", "2", "--format", "json")
            return sin, ran
        cases = [sin for sin in sins() if not sin[2].startswith("--")]
        self.assertGreaterEqual(len(cases), 40)
        for (kind, name, requirement, what), ran in at_once(judged, cases):
            with self.subTest(name, what=what):
                self.assertEqual(ran.returncode, 1, f"{what}: {ran.stdout}{ran.stderr}")
                [check] = json.loads(ran.stdout)["checks"]
                self.assertEqual((check["id"], check["outcome"]), (requirement, "failed"))
                self.assertTrue(check["text"])

    def sin(self, name):
        path = find("larder").resolve().parent / "sins" / f"sin_{name}.so"
        if not path.is_file():
            self.skipTest("the planted sins are not built")
        return path

    def test_what_one_seed_in_many_finds_fuzz_finds_and_its_seed_finds_it_again(self):
        for name, requirement in (("rare", "LPR-126"), ("seldom", "LPR-201")):
            with self.subTest(name):
                path = self.sin(name)
                once = json.loads(kit(path, "--only", requirement, "--seed", "1", "--format", "json").stdout)
                self.assertEqual(once["failed"], 0, "a sin that any run finds")
                ran = kit(path, "--only", requirement, "--fuzz", "300", "--seed", "1", "--format", "json")
                self.assertEqual(ran.returncode, 1, ran.stdout)
                [check] = json.loads(ran.stdout)["checks"]
                self.assertEqual((check["id"], check["outcome"]), (requirement, "failed"))
                self.assertGreater(check["seed"], 1)
                again = kit(path, "--only", requirement, "--seed", str(check["seed"]))
                self.assertEqual(again.returncode, 1, again.stdout)
                self.assertIn(check["text"], again.stdout)
        # Without a sin the same seeds find nothing, and only what is random is asked.
        told = json.loads(kit(self.sin("none_compressor"), "--fuzz", "20", "--seed", "1", "--format", "json").stdout)
        self.assertEqual((told["failed"], [check["id"] for check in told["checks"]]), (0, ["LPR-201", "LPR-204", "LPR-205"]))

    @unittest.skipIf("asan" in os.environ.get("LARDER_BUILD_DIR", ""), "the program has a runtime of its own")
    def test_a_plugin_built_with_the_sanitizer_is_asked_with_its_runtime_and_what_it_finds_is_told(self):
        path = self.sin("overruns")
        ran = kit(path, "--sanitize", "--only", "LPR-101")
        self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
        self.assertIn("ERROR: AddressSanitizer: heap-buffer-overflow", ran.stdout)
        self.assertEqual(kit(path, "--only", "LPR-102").returncode, 0, "what does not put is not found")
        refused = kit(self.sin("none_store"), "--sanitize")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("is not built with AddressSanitizer", refused.stderr)

    def test_bench_tells_what_a_call_takes_beside_larders_own_plugin(self):
        for name, rows, beside in (("none_store", ("get, hit", "get, miss", "put, replacing", "remove and put"), "store_memory"),
                                   ("none_compressor", ("compress 4 KiB", "decompress 4 KiB"), "compressor_z")):
            with self.subTest(name):
                ran = kit(self.sin(name), "--bench")
                self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
                self.assertIn(beside, ran.stdout.splitlines()[0])
                for row in rows:
                    self.assertRegex(ran.stdout, rf"(?m)^{row} +[0-9.]+ +[0-9.]+ +[0-9.]+$")
        none = kit(plugins() / "gateway_resp.so", "--bench")
        self.assertEqual(none.returncode, 1)
        self.assertIn("stores and compressors", none.stderr)

    def test_the_same_plugins_without_a_sin_pass(self):
        folder = find("larder").resolve().parent / "sins"
        if not folder.is_dir():
            self.skipTest("the planted sins are not built")
        for kind in ("store", "compressor"):
            ran = kit(folder / f"sin_none_{kind}.so", "--format", "json")
            told = json.loads(ran.stdout)
            # Built by hand: its constructor is a symbol, nothing else is.
            self.assertEqual([one for one in told["checks"] if one["outcome"] == "failed"], [])

    def test_a_crash_names_the_operation_and_a_hang_its_limit(self):
        folder = find("larder").resolve().parent / "sins"
        if not folder.is_dir():
            self.skipTest("the planted sins are not built")
        crash = kit(folder / "sin_crash.so", "--only", "LPR-102").stdout
        self.assertRegex(crash, r"ended by SIGSEGV; its last words: .*store\.kit get")
        hang = kit(folder / "sin_hang.so", "--only", "LPR-102", "--limit", "1").stdout
        self.assertIn("not over after 1 s", hang)


class Kit(Scratch, unittest.TestCase):
    def test_requirements_are_numbered_sentences_and_each_names_what_becomes_of_it_otherwise(self):
        told = self.run_larder("plugin", "test", "--list").stdout
        numbers = re.findall(r"(?m)^LPR-(\d{3})  ", told)
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertGreaterEqual(len(numbers), 60)
        self.assertEqual(told.count("otherwise: "), len(numbers))
        for kind in KINDS:
            self.assertIn(f"  {kind}: ", told)

    def test_tap_junit_and_json_say_the_same_and_the_seed_is_printed(self):
        path = plugins() / "compressor_zlib.so"
        words = ("--only", "LPR-201", "--only", "LPR-209", "--only", "LPR-208", "--seed", "42")
        tap = kit(path, *words, "--format", "tap").stdout
        self.assertIn("1..3\n# seed 42\n", tap)
        self.assertEqual(len(re.findall(r"(?m)^ok ", tap)), 3)
        self.assertRegex(tap, r"ok \d - LPR-208 .* # SKIP ")
        suite = xml.etree.ElementTree.fromstring(kit(path, *words, "--format", "junit").stdout)[0]
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("skipped")), ("3", "0", "1"))
        told = json.loads(kit(path, *words, "--format", "json").stdout)
        self.assertEqual((told["seed"], told["passed"], told["skipped"]), (42, 2, 1))
        self.assertIn("; seed 42\n", kit(path, *words).stdout)

    def test_options_that_are_none_and_those_that_lack_are_told_and_nothing_runs(self):
        wrong = kit(plugins() / "store_memory.so", options=["capacty=1MiB"])
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("capacty", wrong.stderr)
        lacking = kit(plugins() / "gateway_http.so")
        self.assertEqual(lacking.returncode, 1)
        self.assertIn("upstream", lacking.stderr)
        self.assertEqual(self.run_larder("plugin", "test", "nowhere.so", status=2).stdout, "")
        self.run_larder("plugin", "test", plugins() / "compressor_zlib.so", "--only", "LPR-999", status=1)

    def test_a_waiver_has_a_reason_and_a_waived_failure_is_no_failure(self):
        folder = find("larder").resolve().parent / "sins"
        if not folder.is_dir():
            self.skipTest("the planted sins are not built")
        waive = self.write("known", "# what is known\nLPR-103 the server cannot tell what was there\n")
        ran = self.run_larder("plugin", "test", folder / "sin_removes_always.so", "--only", "LPR-103", "--waive", waive)
        self.assertIn("1 waived", ran.stdout)
        self.assertIn("the server cannot tell", ran.stdout)
        self.write("known", "LPR-103\n")
        self.run_larder("plugin", "test", folder / "sin_removes_always.so", "--waive", waive, status=2)

    def test_info_tells_what_is_in_a_file_and_runs_nothing_of_it(self):
        told = json.loads(self.run_larder("plugin", "info", plugins() / "store_memory.so", "--json").stdout)
        self.assertEqual((told["abi"], told["exports"], told["components"][0]["name"]), ("1.0", ["larder_plugin_abi1"], "memory"))
        self.assertRegex(told["sha256"], r"^[0-9a-f]{64}$")
        text = self.run_larder("plugin", "info", plugins() / "store_memory.so").stdout
        self.assertIn(told["sha256"], text)
        self.write("not.so", "not a library")
        self.assertIn("ELF", self.run_larder("plugin", "info", "not.so", status=1).stdout)
        self.run_larder("plugin", "info", "nowhere.so", status=2)

    def test_lock_pins_what_the_configuration_names_and_a_changed_file_is_told(self):
        copies = self.folder / "plugins"
        copies.mkdir()
        for name in ("store_memory", "gateway_resp"):
            shutil.copy(plugins() / f"{name}.so", copies)
        self.write("p.larder", 'larder 1\nnamespace item { key "{id}"; ttl 5m; static }\n')
        self.write("larder.toml", f'policy = ["p.larder"]\n[plugins]\npath = ["{copies}"]\ntrust_path = true\n'
                                  '[store.l1]\nplugin = "memory"\n[gateway.r]\nplugin = "resp"\n')
        pins = self.run_larder("plugin", "lock", "--conf", "larder.toml").stdout
        self.assertEqual(len(pins.splitlines()), 2)
        self.write("plugins.lock", pins)
        self.run_larder("plugin", "lock", "--conf", "larder.toml", "--check", "plugins.lock")
        subprocess.run(["sha256sum", "--check", "--quiet", self.folder / "plugins.lock"], check=True)
        with open(copies / "store_memory.so", "ab") as file:
            file.write(b"x")
        ran = self.run_larder("plugin", "lock", "--conf", "larder.toml", "--check", "plugins.lock", status=1)
        self.assertIn("store_memory.so is not what was locked: plugins.lock has sha256", ran.stdout)


class New(Scratch, unittest.TestCase):
    """`larder plugin new`, built as its README says, passes `larder plugin test`."""

    def make(self, kind, language):
        name = f"my_{language}"
        ran = self.run_larder("plugin", "new", kind, name, "--lang", language, "--folder", f"{kind}_{language}")
        self.assertIn("Next: ", ran.stdout)
        return self.folder / f"{kind}_{language}", f"{kind}_{name}"

    def must_run(self, *words, cwd):
        env = {**os.environ, "CARGO_NET_OFFLINE": "true"}
        ran = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=300, env=env)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def judge(self, library):
        ran = kit(library, "--format", "json")
        told = json.loads(ran.stdout)
        self.assertEqual([one for one in told["checks"] if one["outcome"] == "failed"], [])
        self.assertGreaterEqual(told["passed"], 12)

    def built(self, place, file, *more):
        self.must_run("cmake", "-G", "Ninja", "-S", ".", "-B", "build", f"-Dlarder_DIR={SOURCE}/sdk/cmake",
                      "-DCMAKE_BUILD_TYPE=Debug", *more, cwd=place)
        self.must_run("cmake", "--build", "build", cwd=place)
        return place / "build" / f"{file}.so"

    def test_cpp_has_all_seven_kinds_and_each_passes(self):
        made = [self.make(kind, "cpp") for kind in KINDS]

        def work(case):
            place, file = case
            return self.built(place, file)
        for library in at_once(work, made):
            with self.subTest(library.name):
                self.judge(library)

    def test_c_has_all_seven_kinds_and_each_passes(self):
        made = [self.make(kind, "c") for kind in KINDS]
        for library in at_once(lambda case: self.built(*case), made):
            with self.subTest(library.name):
                self.judge(library)

    @unittest.skipIf(shutil.which("cargo") is None, "cargo is not here")
    def test_rust_has_all_seven_kinds_without_a_crate_and_each_passes(self):
        for kind in KINDS:
            with self.subTest(kind):
                place, file = self.make(kind, "rust")
                self.assertNotIn("[dependencies]", (place / "Cargo.toml").read_text())
                self.assertIn('edition = "2021"', (place / "Cargo.toml").read_text())
                self.must_run("cargo", "build", "--release", "--offline", cwd=place)
                self.judge(place / "target/release" / f"lib{file}.so")

    def test_what_cannot_be_made_is_told_and_nothing_is_written(self):
        for words in (["shelf", "mine"], ["store", "Mine"], ["store", "mine", "--lang", "cobol"]):
            with self.subTest(words):
                ran = self.run_larder("plugin", "new", *words, status=2)
                self.assertTrue(ran.stderr)
        self.assertEqual(list(self.folder.iterdir()), [])
        (self.folder / "store_mine").mkdir()
        self.write("store_mine/x", "here already")
        self.run_larder("plugin", "new", "store", "mine", status=2)


class Frozen(Scratch, unittest.TestCase):
    """Plugins of every kind, built against the headers as they were frozen."""

    def build(self, kind):
        def filled(path):
            text = (SOURCE / "sdk/templates" / path).read_text(encoding="utf-8")
            return text.replace("@NAME@", "frozen").replace("@DASHED@", "frozen")
        lines = "".join(json.dumps(line + "\n") + "\n" for line in filled(f"manifest/{kind}.toml").strip().splitlines())
        source = self.write(f"{kind}.c", filled(f"c/{kind}.c"))
        manifest = self.write(f"{kind}_manifest.c", "#include <larder/plugin/plugin.h>\n"
                              f"LARDER_MANIFEST_ATTR const char larder_manifest_text[] = LARDER_MANIFEST_BEGIN {lines} LARDER_MANIFEST_END;\n"
                              'const char larder_manifest_id[] = "com.example.frozen"; const char larder_manifest_version[] = "0.1.0";\n'
                              'const char larder_manifest_license[] = "MIT"; const char larder_manifest_vendor[] = "Example";\n')
        library = self.folder / f"{kind}_frozen.so"
        ran = subprocess.run(["cc", "-std=gnu11", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-I", SOURCE / "sdk/abi/1.0", source, manifest,
                              "-o", library, f"-Wl,--version-script={SOURCE}/sdk/larder-plugin.map", "-lpthread"], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return library

    def test_plugins_built_against_the_frozen_headers_load_and_pass_in_this_kernel(self):
        for library in at_once(self.build, KINDS):
            with self.subTest(library.name):
                told = json.loads(kit(library, "--format", "json").stdout)
                self.assertEqual([one for one in told["checks"] if one["outcome"] == "failed"], [])
                self.assertGreaterEqual(told["passed"], 12)


class Page(Scratch, unittest.TestCase):
    def test_the_page_for_authors_leads_to_a_plugin_that_passes(self):
        environment = {**os.environ, "LARDER_SDK": str(SOURCE / "sdk/cmake"), "CMAKE_GENERATOR": "Ninja",
                       "PATH": f"{find('larder').resolve().parent}:{os.environ['PATH']}"}
        blocks = [block for block in blocks_of(SOURCE / "docs/plugin-authors.md")[0] if block.words == ["console", "plugin"]]
        self.assertEqual(len(blocks), 4)
        for block in blocks:
            self.assertEqual("\n".join(run_block(block, self.folder, environment, "0")), "")


if __name__ == "__main__":
    unittest.main()
