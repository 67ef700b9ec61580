# tests/integration/abuse_test.py -- 24 things that no plugin may do, each in a kernel that serves: refused, contained, or named.
#
# tests/abuse/abuses.txt is the list, and says what becomes of each; the plugins are beside it. A case starts `larder serve`
# with the plugin as the tier below memory, lets it do what it does, and looks at the kernel: it answers everybody else, says
# what happened and to whom, and ends as it should.
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from larder_program import larder
from larder_server import SOURCE, find

sys.path.insert(0, str(SOURCE / "tests/support"))
from many_plugins import many_plugins  # noqa: E402
from resp_talk import Refused, Talk  # noqa: E402

LIST = SOURCE / "tests/abuse/abuses.txt"
POLICY = """larder 1
namespace item { key "{id}"; ttl 5m; tiers memory -> bad; static }
"""
# LARDER_UNDER="valgrind -q --error-exitcode=99": what serves, serves under that, and a finding is another status.
UNDER = os.environ.get("LARDER_UNDER", "").split()
SANITIZED = "asan" in os.environ.get("LARDER_BUILD_DIR", "") or "tsan" in os.environ.get("LARDER_BUILD_DIR", "")


def abuses():
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            number, outcome, source, what = line.split(" ", 3)
            yield int(number), outcome, source, what


def library(name):
    path = find("larder").resolve().parent / "abuse" / f"{name}.so"
    if not path.is_file():
        raise unittest.SkipTest("the abusive plugins are not built")
    return path


class Host:
    """A `larder serve` with one plugin that is not to be trusted."""

    def __init__(self, folder, plugin, conf="", plugins="trust_path = true", path=()):
        self.folder = pathlib.Path(folder)
        self.environment = {"LARDER_SOCKET": str(self.folder / "admin.sock")}
        path = ", ".join(f'"{each}"' for each in [*path, find("larder").resolve().parent / "plugins"])
        (self.folder / "p.larder").write_text(POLICY, encoding="utf-8")
        self.conf = self.folder / "larder.toml"
        self.conf.write_text(
            f'policy = ["p.larder"]\n[plugins]\npath = [{path}]\n{plugins}\n[state]\nfolder = "{self.folder}/state"\n'
            f'[admin]\nsocket = "{self.folder}/admin.sock"\n[store.memory]\nplugin = "memory"\n'
            f'[store.bad]\nplugin = "{plugin}"\n{conf}\n[gateway.resp]\nplugin = "resp"\nlisten = "127.0.0.1:0"\n',
            encoding="utf-8")

    def ends(self, **more):
        """Runs it to its end, which comes by itself; (status, what it wrote)."""
        ran = larder("serve", "--conf", self.conf, **more)
        return ran.returncode, ran.stdout + ran.stderr

    def larder(self, *words):
        return larder(*words, "--conf", self.conf)

    def stats(self, section):
        """What the running kernel says of itself, as text."""
        return larder("stats", section, "--json", **self.environment).stdout

    @contextlib.contextmanager
    def serving(self, status=0, **more):
        """A Serving; afterwards it has been stopped, with that status."""
        served = Serving(self, more)
        try:
            yield served
        except BaseException:
            print("".join(served.log), file=sys.stderr)
            raise
        finally:
            served.end()
        if served.process.returncode != status:
            raise AssertionError(f"status {served.process.returncode}:\n" + "".join(served.log))


class Serving:
    def __init__(self, host, environment):
        self.host, self.log, ready = host, [], threading.Event()
        kept = {key: value for key, value in os.environ.items() if not key.startswith("LARDER_")}
        self.process = subprocess.Popen([*UNDER, find("larder").resolve(), "serve", "--conf", host.conf], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env={**kept, **environment})

        def read():
            for line in self.process.stdout:
                self.log.append(line)
                if found := re.search(r"resp=127\.0\.0\.1:(\d+)", line):
                    self.port = int(found[1])
                    ready.set()
            ready.set()
        self.port = None
        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        if not ready.wait(30) or self.port is None:
            self.end()
            raise AssertionError("it does not serve:\n" + "".join(self.log))

    def talk(self):
        return Talk(("127.0.0.1", self.port))

    def said(self):
        return "".join(self.log)

    def must_say(self, expected):
        """The log is written beside the answers: it may be a moment behind them."""
        end = time.monotonic() + 10
        while not re.search(expected, self.said()):
            if time.monotonic() > end:
                raise AssertionError(f"it does not say {expected!r}:\n{self.said()}")
            time.sleep(0.01)

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join(5)
        self.process.stdout.close()


class Abuses(unittest.TestCase):
    """Each line of the list has a method here, named for its source, or for its number and source."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="larder-abuse-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def host(self, plugin, **more):
        place = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        return Host(place, plugin, **more)

    # What becomes of them.
    def refused(self, plugin, expected, **more):
        """It does not start, and one line says which file, what is wrong and what to do."""
        host = self.host(plugin, **more)
        status, said = host.ends()
        self.assertEqual(status, 1, said)
        self.assertRegex(said, expected)
        return said

    def told(self, name, expected):
        """As refused; the plugin's own words come with the file's name and the kit that tells more."""
        said = self.refused(library(name), expected)
        self.assertRegex(said, r"larder\.toml:\d+")
        self.assertIn(f"/{name}.so", said)
        self.assertRegex(said, "`larder plugin test` on it tells more|= help: ")

    @contextlib.contextmanager
    def contained(self, name, environment=None, status=0, **more):
        """It serves: what is in memory is there for everybody, before and after."""
        with self.host(library(name), **more).serving(status, **(environment or {})) as served:
            with served.talk() as talk:
                self.assertEqual(talk("SET", "item:kept", "v"), b"OK")
                self.assertEqual(talk("GET", "item:kept"), b"v")
                yield served, talk
                self.assertEqual(talk("GET", "item:kept"), b"v")
            self.assertIsNone(served.process.poll())

    def misses(self, name, said, times=1):
        with self.contained(name) as (served, talk):
            for n in range(times):
                self.assertIsNone(talk("GET", f"item:{n}"))
            served.must_say(said)
            self.assertRegex(served.host.stats("plugins"), r'"misbehaved": ?[1-9]')

    def ends(self, name, how, operation, status, asked=None):
        """The process ends and says where; the third start goes on without the plugin, until it is released."""
        host = self.host(library(name))

        def once():
            if asked is None:
                return host.ends()
            with contextlib.suppress(AssertionError), host.serving() as served:
                with contextlib.suppress(OSError, EOFError), served.talk() as talk:
                    talk("GET", asked)
                served.process.wait(20)
            return served.process.returncode, served.said()
        for _ in range(2):
            ended, said = once()
            self.assertEqual(ended, status, said)
            self.assertRegex(said, rf"larder: {how} in \S+ {operation} \(org\.larder\.abuse 1\.0\.0\)")
        with host.serving() as served, served.talk() as talk:
            self.assertEqual(talk("SET", "item:kept", "v"), b"OK")
            self.assertEqual(talk("GET", "item:kept"), b"v")
            self.assertIsNone(talk("GET", "item:other"))
            served.must_say(rf"store\.bad: \S+/{name}\.so is in quarantine: .* ended the process twice")
            self.assertIn("is in quarantine", host.stats("plugins"))
        released = host.larder("plugin", "release", "org.larder.abuse")
        self.assertEqual((released.returncode, released.stdout.count("runs again")), (0, 1), released.stderr)
        self.assertEqual(once()[0], status)

    # 1 to 5: what is seen before anything of it runs, or before it is used.
    def magic(self):
        self.told("magic", r"is refused: its larder_plugin_abi1 is not a larder descriptor")

    def generation(self):
        self.told("generation", r"was built for plugin ABI 2\.0; this larder speaks 1\.0")

    def generation_hidden(self):
        self.told("generation_hidden", r"is refused: its descriptor is of plugin ABI generation 2")

    def short_descriptor(self):
        self.told("short_descriptor", r"is refused: its descriptor is shorter than that of ABI 1\.0")

    def short_component(self):
        self.told("short_component", r"is refused: component 0 of its descriptor is shorter than that of ABI 1\.0")

    def short_table(self):
        self.told("short_table", r"has no get, which a store with its capabilities needs")

    def long_table(self):
        with self.contained("long_table") as (served, talk):
            self.assertIsNone(talk("GET", "item:1"))

    def no_symbol(self):
        self.told("no_symbol", r"exports no larder_plugin_abi1")

    def missing_symbol(self):
        self.told("missing_symbol", r"cannot be loaded: .*undefined symbol: abuse_function_that_nobody_has")

    def null_function(self):
        self.told("null_function", r"has no touch, which a store with its capabilities needs")

    def null_create(self):
        self.told("null_create", r"is refused: store null_create has no create")

    def null_instance(self):
        self.told("null_instance", r"store\.bad: \S+: its create answered OK without an instance")

    # 6 to 9: what leaves its function by another way than return.
    def throws_std(self):
        self.misses("throws_std", r"store\.bad: get let an exception out")

    def throws_int(self):
        self.misses("throws_int", r"store\.bad: get let an exception out")

    def throws_create(self):
        self.told("throws_create", r"store\.bad: \S+: its create let an exception out")

    def throws_static(self):
        self.ends("throws_static", "SIGABRT", "load", -6)  # the dynamic linker lets no exception through

    def throws_destroy(self):
        with self.contained("throws_destroy") as (served, _):
            pass
        self.assertIn("store.bad: destroy let an exception out", served.said())

    def exits(self):
        self.ends("exits", r"exit\(\)", "init", 70)

    def aborts(self):
        self.ends("aborts", "SIGABRT", "init", -6)

    def crashes(self):
        self.ends("crashes", "SIGSEGV", "get", -11, asked="item:1")

    # 10: what does not come back in time.
    def slow(self, name):
        with self.contained(name, conf='timeout = "100ms"') as (served, talk):
            stop = threading.Event()

            def others():
                with served.talk() as mine:
                    while not stop.is_set():
                        self.assertEqual(mine("GET", "item:kept"), b"v")
            watched = threading.Thread(target=others)
            watched.start()
            try:
                for n in range(8):
                    with contextlib.suppress(Refused):
                        self.assertIsNone(talk("GET", f"item:{n}"))
            finally:
                stop.set()
                watched.join()
            self.assertRegex(served.host.stats("tiers"), r'"breaker": ?"open"')
            asked = self.bypassed(served)
            self.assertIsNone(talk("GET", "item:9"))
            self.assertGreater(self.bypassed(served), asked, "an open breaker asks the store no more")

    @staticmethod
    def bypassed(served):
        return json.loads(served.host.stats("tiers"))["tiers"]["bad"]["bypassed"]

    def blocks(self):
        self.slow("blocks")

    def blocks_sync(self):
        self.slow("blocks_sync")

    # 11 to 13: answers that are none.
    def odd_status(self):
        self.misses("odd_status", r"store\.bad: get answered with a status that does not exist", times=5)

    def huge_value(self):
        self.misses("huge_value", r"store\.bad: get answered OK with a value that is none", times=5)

    def unterminated_id(self):
        self.told("unterminated_id", r"its manifest says id org\.larder\.abuse, its descriptor x{100,130}\b")

    def unterminated_text(self):
        with self.contained("unterminated_text") as (served, _):
            told = served.host.stats("plugins")
            self.assertRegex(told, r'"health": ?"degraded"')
            self.assertRegex(told, r'[^x]x{120}[^x]')
        status, said = self.host(library("unterminated_text")).ends(LARDER_ABUSE_START="1")
        self.assertEqual(status, 1)
        self.assertRegex(said, r"store\.bad: y{400,511}\b")

    # 14 to 19: what it does to the host, and when.
    def calls_after(self):
        with self.contained("calls_after") as (_, talk):
            self.assertIsNone(talk("GET", "item:1"))

    def reenters(self):
        with self.contained("reenters") as (served, talk):
            self.assertIsNone(talk("GET", "item:1"))
            served.must_say(r"store\.bad get asks whoever asks it")

    def leaks(self):
        # What it keeps for itself a sanitizer finds, too, and that is not what is asked here.
        with self.contained("leaks", environment={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}) as (served, talk):
            for n in range(50):
                self.assertIsNone(talk("GET", f"item:{n}"))
            for n in range(200):
                talk("SET", "item:kept", f"{n}")
                self.assertEqual(talk("GET", "item:kept"), str(n).encode())
            talk("SET", "item:kept", "v")

    def frees_twice(self):
        with self.contained("frees_twice") as (_, talk):
            for n in range(20):
                self.assertIsNone(talk("GET", f"item:{n}"))

    def releases_twice(self):
        """Memory of the process is everybody's: nothing holds this back, and the page says so."""
        self.assertIn("release it twice", (SOURCE / "docs/containment.md").read_text(encoding="utf-8"))

    def lingers(self):
        with self.contained("lingers") as (_, talk):
            self.assertIsNone(talk("GET", "item:1"))

    def static_destructor(self):
        with self.contained("static_destructor") as (_, talk):
            self.assertIsNone(talk("GET", "item:1"))

    # 20 to 24: which file it is.
    def copy(self, folder, name="plain"):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder)) / folder
        folder.mkdir(mode=0o755, parents=True)
        path = folder / f"store_{name}.so"
        shutil.copy(library("plain"), path)
        path.chmod(0o644)
        return path

    def plain_20(self):
        first, second = self.copy("one"), self.copy("two")
        self.refused("plain", rf"two plugins are store plain: {first} and {second}", path=[first.parent, second.parent])

    def plain_21(self):
        path = self.copy("one")
        host = self.host(path, plugins='trust_path = true\nlock = "plugins.lock"')
        self.assertRegex(host.ends()[1], "plugins.lock cannot be read")
        wrote = host.larder("plugin", "lock", "--write")
        self.assertEqual(wrote.returncode, 0, wrote.stderr)
        with host.serving() as served, served.talk() as talk:
            # While it runs nothing that happens to the file reaches it.
            path.write_bytes(b"")
            self.assertIsNone(talk("GET", "item:1"))
        path.write_bytes(library("plain").read_bytes() + b"x")
        status, said = host.ends()
        self.assertEqual(status, 1)
        self.assertRegex(said, rf"{path} is not what was locked: \S+/plugins.lock has sha256 [0-9a-f]{{64}}, the file has [0-9a-f]{{64}};"
                               r" put the old file back, or `larder plugin lock --write`")

    def plain_22(self):
        path = self.copy("one/two")
        path.chmod(0o664)
        self.refused(path, r"is not trusted: it can be written by others; install it elsewhere", plugins="")
        path.chmod(0o644)
        path.parent.parent.chmod(0o775)
        self.refused(path, rf"is not trusted: {path.parent.parent} can be written by others", plugins="")

    def plain_23(self):
        path = self.copy("one")
        link = self.folder / "link.so"
        link.symlink_to(path)
        with self.host(link, plugins="").serving():
            pass
        path.chmod(0o666)
        self.refused(link, rf"{path} is not trusted: it can be written by others", plugins="")

    def plain_24(self):
        self.refused("./plain.so", r'a plugin is a name like "memory" or an absolute path, found "./plain.so"')

    def test_24_of_24_abusive_plugins_are_refused_contained_or_named(self):
        library("plain")
        seen = set()
        for number, outcome, source, what in abuses():
            name = source.partition(".")[0]
            with self.subTest(f"{number} {what}", outcome=outcome):
                if (SANITIZED or UNDER) and name in ("aborts", "crashes", "throws_static"):
                    continue  # a sanitizer, and what it serves under, end the process in their own ways
                getattr(self, f"{name}_{number}" if name == "plain" else name)()
            seen.add(number)
        self.assertEqual(seen, set(range(1, 25)))

    def test_check_judges_fifty_plugins_and_loads_none(self):
        conf = many_plugins(self.folder, library("many"))
        checked = larder("check", "--conf", conf)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        # The same files, where they would be loaded: the process ends in the first.
        served = larder("serve", "--conf", conf)
        self.assertEqual(served.returncode, -6, served.stderr)
        if not SANITIZED:
            self.assertRegex(served.stderr, r"larder: SIGABRT in \S+/store_many_00.so load \(org\.larder\.abuse\.many-00 1\.0\.0\)")
        # And each was read: what one of them says of itself is known.
        conf.write_text(conf.read_text() + "colour = 1\n")
        self.assertIn('store many_49 has no option "colour"', larder("check", "--conf", conf).stdout)

    def test_the_page_has_each_abuse_with_its_outcome(self):
        page = (SOURCE / "docs/containment.md").read_text(encoding="utf-8")
        rows = re.findall(r"(?m)^\| (\d+) \| ([^|]+) \| (refused|contained|ends|outside) \|", page)
        self.assertEqual([(int(number), what, outcome) for number, what, outcome in rows],
                         [(number, what, outcome) for number, outcome, _, what in abuses()])


if __name__ == "__main__":
    unittest.main()
