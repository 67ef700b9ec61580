# tests/integration/resp_clients_test.py -- unmodified clients: redis-py, redis-cli, redis-benchmark; and Redis itself.
#
# The same session runs against larder and against a redis-server of its own, and the answers are compared
# word for word: error texts are part of a protocol.
import re
import shutil
import socket
import subprocess
import time
import unittest

try:
    import redis
except ImportError:
    redis = None

from larder_server import LarderServer, find
from redis_server import RedisServer

POLICY = 'namespace legacy { key "{rest...}" }\nnamespace menu { key "{id}" }\n'


class RespHost:
    """The gateway over the fake cache: what runs these tests when the kernel is not built."""

    def __enter__(self):
        program = find("resp_host")
        if program is None:
            raise unittest.SkipTest("neither larder nor resp_host is built")
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.port = int(self.process.stdout.readline().rpartition(":")[2])
        return self

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def start():
    """larder where it is built, else the gateway alone."""
    if find("larder") is not None:
        return LarderServer(POLICY, gateway='namespace = "legacy"').__enter__()
    return RespHost().__enter__()


class RespClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = start()
        cls.addClassCleanup(cls.server.stop)

    def redis(self):
        if redis is None:
            self.skipTest("python3-redis is not here")
        client = redis.Redis(port=self.server.port, decode_responses=True)
        self.addCleanup(client.close)
        for key in client.keys("*"):
            client.delete(key)
        return client

    def cli(self, *args, text=None):
        if shutil.which("redis-cli") is None:
            self.skipTest("redis-cli is not here")
        return subprocess.run(["redis-cli", "-p", str(self.server.port), *args], input=text,
                              capture_output=True, text=True, timeout=60).stdout

    def test_redis_py_strings(self):
        r = self.redis()
        self.assertTrue(r.set("a", "1"))
        self.assertEqual(r.get("a"), "1")
        self.assertIsNone(r.get("none"))
        self.assertEqual(r.incr("a"), 2)
        self.assertEqual(r.incrbyfloat("a", 0.5), 2.5)
        self.assertEqual(r.append("b", "hello"), 5)
        self.assertEqual(r.getrange("b", 1, 3), "ell")
        self.assertEqual(r.setrange("b", 0, "J"), 5)
        self.assertEqual(r.getset("b", "x"), "Jello")
        self.assertEqual(r.getdel("b"), "x")
        self.assertFalse(r.set("a", "z", nx=True))
        self.assertEqual(r.set("a", "z", get=True), "2.5")
        self.assertEqual(r.strlen("a"), 1)
        self.assertEqual(r.type("a"), "string")
        self.assertEqual(r.exists("a", "a", "none"), 2)
        self.assertEqual(r.delete("a", "none"), 1)
        self.assertTrue(r.ping())
        self.assertEqual(r.echo("hi"), "hi")
        self.assertIn("redis_version", r.info())
        self.assertEqual(r.config_get("save"), {"save": ""})

    def test_redis_py_expiry(self):
        r = self.redis()
        r.set("a", "1")
        self.assertEqual(r.ttl("a"), -1)
        self.assertTrue(r.expire("a", 100))
        self.assertTrue(95 <= r.ttl("a") <= 100)
        self.assertFalse(r.expire("a", 50, gt=True))
        self.assertTrue(r.persist("a"))
        self.assertEqual(r.ttl("none"), -2)
        r.setex("b", 100, "x")
        self.assertEqual(r.getex("b", ex=50), "x")
        self.assertTrue(45 <= r.ttl("b") <= 50)
        r.psetex("c", 60, "x")
        until = time.monotonic() + 10
        while r.get("c") is not None and time.monotonic() < until:
            pass
        self.assertIsNone(r.get("c"))

    def test_redis_py_batches_and_scans(self):
        r = self.redis()
        many = {f"k:{i}": str(i) for i in range(500)}
        self.assertTrue(r.mset(many))
        self.assertEqual(r.mget(list(many)), list(many.values()))
        self.assertEqual(set(r.scan_iter("k:1*", count=50)), {k for k in many if k.startswith("k:1")})
        self.assertEqual(set(r.keys("*")), set(many))
        self.assertEqual(r.dbsize(), 500)
        self.assertIn(r.randomkey(), many)
        self.assertFalse(r.msetnx({"k:1": "x", "new": "y"}))
        self.assertTrue(r.rename("k:1", "k:x"))
        self.assertEqual(r.get("k:x"), "1")

    def test_redis_py_pipelines_and_transactions(self):
        r = self.redis()
        pipe = r.pipeline()  # MULTI ... EXEC
        pipe.set("a", 1).incr("a").get("a").expire("a", 10)
        self.assertEqual(pipe.execute(), [True, 2, "2", True])
        pipe = r.pipeline(transaction=False)
        for i in range(2000):
            pipe.set(f"p:{i}", i)
            pipe.get(f"p:{i}")
        self.assertEqual(pipe.execute()[1::2], [str(i) for i in range(2000)])
        other = redis.Redis(port=self.server.port)
        with r.pipeline() as pipe:
            pipe.watch("a")
            other.set("a", "changed")
            pipe.multi()
            pipe.set("a", "mine")
            with self.assertRaises(redis.WatchError):
                pipe.execute()
        self.assertEqual(r.get("a"), "changed")
        other.close()

    def test_redis_py_large_values_both_ways(self):
        r = self.redis()
        value = "v" * 5_000_000
        r.set("large", value)
        self.assertEqual(r.get("large"), value)
        with r.pipeline(transaction=False) as pipe:
            for _ in range(10):
                pipe.get("large")
            self.assertTrue(all(reply == value for reply in pipe.execute()))

    def test_redis_cli_one_shot_piped_and_resp3(self):
        self.assertEqual(self.cli("SET", "cli", "x y"), "OK\n")
        self.assertEqual(self.cli("GET", "cli"), "x y\n")
        self.assertEqual(self.cli("-3", "GET", "cli"), "x y\n")
        self.assertEqual(self.cli(text="PING\nGET cli\n"), "PONG\nx y\n")
        self.assertIn("cli", self.cli("--scan"))
        self.assertIn("LARDER", self.cli("COMMAND", "LIST").upper())
        self.assertIn("DROP", self.cli("LARDER", "HELP"))
        self.assertIn("keys", self.cli("--bigkeys"))
        mass = "".join(f"SET mass:{i} {i}\r\n" for i in range(1000))
        self.assertIn("replies: 1000", self.cli("--pipe", text=mass))

    def test_redis_benchmark_finishes_without_an_error(self):
        if shutil.which("redis-benchmark") is None:
            self.skipTest("redis-benchmark is not here")
        for test in ("get,set", "ping,incr,mset"):
            done = subprocess.run(
                ["redis-benchmark", "-p", str(self.server.port), "-t", test, "-P", "16", "-n", "20000",
                 "-c", "20", "-q"], capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertRegex(done.stdout, r"requests per second")
            self.assertNotRegex(done.stdout + done.stderr, re.compile("error", re.I))


SESSION = """\
foo
foo a b
get
get a b
set a b c
set a b ex
set a b ex 0
set a b ex x
set a b nx xx
set a b keepttl ex 1
set a b
set a c get
set a c nx
setex a 0 x
psetex a -1 x
setnx a x
getset a 2
getex a ex 0
getex a what
getex a persist
getdel none
append a 3
strlen a
getrange a 0 0
getrange a x 1
substr a 0 -1
setrange a -1 x
setrange a 1 zz
incr a
set n 10
incr n
incrby n x
incrby n 5
decr n
decrby n 3
decrby n -9223372036854775808
incrbyfloat n 0.25
incrbyfloat n x
incr n
mset a
mset a 1 b 2
mget a b none
msetnx a 1 z 2
msetnx z 1 y 2
del a a none
exists b b none
touch b none
type b
type none
expire b 1 nx gt
expire b 1 gt lt
expire b 1 zz
expire b x
expire b 99999999999999999
expire b 100 xx
expire b 100 nx
ttl b
ttl none
persist b
persist b
ttl b
pttl none
expiretime b
rename none x
rename b c
renamenx c z
copy c c
copy c d db 0
copy c d
copy c d replace
copy c e x
object encoding c
object encoding none
object foo
memory usage
memory foo
scan x
scan 0 count 0
scan 0 foo
scan 0 count
keys none*
select a
select 0
hello 4
hello x
hello 2 setname
auth a
auth a b
auth a b c
exec
discard
unwatch
multi
multi
get z
get
exec
multi
get z
incr c
exec
client foo
client setname
client reply foo
client getname
client caching yes
client trackinginfo
client no-evict on
config get nothing
command getkeys set a b
command getkeys foo bar
command foo
debug
ping
ping a
ping a b
echo
echo a
acl whoami
acl foo
function flush
function flush what
monitor x
time x
"""


class SameWordsTest(unittest.TestCase):
    def test_larder_answers_a_session_as_redis_7_0_does(self):
        own = RedisServer().__enter__()
        self.addCleanup(own.stop)
        server = start()
        self.addCleanup(server.stop)
        with socket.create_connection(("127.0.0.1", own.port)) as s:
            s.sendall(b"INFO server\r\n")
            version = re.search(rb"redis_version:(\S+)", s.recv(65536))[1].decode()
        if not version.startswith("7.0."):
            self.skipTest(f"redis-server is {version}: its texts differ")
        ours, theirs = self.talk(server.port), self.talk(own.port)
        for line, answer, expected in zip(SESSION.splitlines(), ours, theirs):
            with self.subTest(request=line):
                self.assertEqual(answer, expected)

    def talk(self, port):
        """The answers to SESSION, each as the bytes that came before the next PING's."""
        answers = []
        with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
            for number, line in enumerate(SESSION.splitlines()):
                # A mark behind the answer that is never queued: an error with our number in it.
                s.sendall(line.encode() + b"\r\nRESET%d\r\n" % number)
                data = b""
                end = b"-ERR unknown command 'RESET%d', with args beginning with: \r\n" % number
                while not data.endswith(end):
                    part = s.recv(65536)
                    if not part:
                        return answers + [b"closed"]
                    data += part
                answers.append(data[:-len(end)])
        return answers


if __name__ == "__main__":
    unittest.main()
