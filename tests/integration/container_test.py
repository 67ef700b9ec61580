# tests/integration/container_test.py -- the Dockerfile: what it names exists, it runs as nobody with a root it cannot write, and what its last
# stage does is done here, in a root of its own. LARDER_IMAGE=name asks an image that was built, with buildah.
#
#     buildah bud --format docker --isolation chroot --build-arg LARDER_UI=OFF -t larder . && LARDER_IMAGE=larder tests/run.py --only integration.container_test
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from install_test import BUILD, SANITIZED, run, whole
from larder_server import SOURCE
from packages_test import ROOT

# As the container's: root that nobody writes, two folders that the user does; the network is its own.
RUN = r"""set -e
for folder in /run/larder /var/lib/larder; do
    mkdir -p $folder
    mount -t tmpfs -o uid=10001,mode=0750 tmpfs $folder
done
mount -o remount,ro / 2>/dev/null || mount -o remount,bind,ro /
exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all /usr/bin/env -i PATH=/usr/bin:/bin {environment} bash -c '
set -e
! touch /var/tmp/mine 2>/dev/null || {{ echo "the root can be written"; exit 1; }}
{command} >/run/larder/log 2>&1 &
server=$!
for try in $(seq 200); do
    {health} >/dev/null 2>&1 && break
    kill -0 $server || {{ cat /run/larder/log; exit 1; }}
    sleep 0.05
done
{health}
larder put user_details 42 "{{\"name\":\"Ann\"}}"
larder get user_details 42
echo
id -u
ls /var/lib/larder
kill $server
wait $server'
"""


def instructions(text):
    """(word, the rest) of a Dockerfile, lines that go on joined, comments taken out."""
    text = re.sub(r"(?m)^\s*#.*\n", "", text)
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, re.sub(r"\s+", " ", rest.strip())


class Container(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lines = list(instructions((SOURCE / "Dockerfile").read_text(encoding="utf-8")))
        first, last = [at for at, (word, _) in enumerate(cls.lines) if word == "FROM"]
        cls.build, cls.last = cls.lines[first:last], cls.lines[last:]

    def of(self, word, stage=None):
        return [rest for found, rest in (self.last if stage is None else stage) if found == word]

    def environment(self):
        out = {}
        for rest in self.of("ENV"):
            out.update(part.split("=", 1) for part in shlex.split(rest))
        return out

    def test_it_is_made_of_words_that_a_builder_knows_and_of_what_is_there(self):
        self.assertEqual({word for word, _ in self.lines} - {"FROM", "ARG", "COPY", "RUN", "WORKDIR", "ENV", "VOLUME", "USER", "EXPOSE", "STOPSIGNAL",
                                                            "HEALTHCHECK", "CMD"}, set())
        for rest in self.of("COPY", self.build):
            for source in rest.split()[:-1]:
                self.assertTrue((SOURCE / source).exists(), rest)
        ignored = (SOURCE / ".dockerignore").read_text().split()
        self.assertTrue({"build", ".git"} <= set(ignored))
        self.assertEqual({line for line in ignored if line in ("quickstart", "kernel", "conf", "packaging")}, set())
        for rest in self.of("RUN", self.lines):
            ran = subprocess.run(["sh", "-n", "-c", rest], capture_output=True, text=True)
            self.assertEqual(ran.returncode, 0, rest + ran.stderr)

    @unittest.skipIf(shutil.which("apt-cache") is None, "apt is not here")
    def test_every_package_that_it_installs_is_debians(self):
        installs = re.findall(r"apt-get install -y --no-install-recommends ([^&]*)", " ".join(self.of("RUN", self.build)))[0]
        self.assertIn("$(LARDER_UI=$LARDER_UI /src/quickstart packages)", installs)
        names = re.sub(r"\$\([^)]*\)", "", installs).split()
        names += run(SOURCE / "quickstart", "packages", env={**os.environ, "LARDER_UI": "OFF"}).split()
        self.assertIn("cmake", names)
        said = run("apt-cache", "policy", *names)
        known = set(re.findall(r"(?m)^(\S+):\n  Installed: .*\n  Candidate: [^(]", said))
        if "g++" not in known:
            self.skipTest("apt has no lists")
        self.assertEqual(set(names) - known, set())

    def test_its_last_stage_has_no_root_one_port_and_asks_the_kernel_for_its_health(self):
        self.assertEqual(self.of("USER"), ["10001"])
        self.assertEqual(self.of("EXPOSE"), ["7380"])
        self.assertIn('["larder", "ping"]', self.of("HEALTHCHECK")[0])
        conf = json.loads(self.of("CMD")[0])[-1]
        self.assertEqual(conf, "/usr/share/larder/conf/container.toml")
        self.assertTrue((SOURCE / "conf" / pathlib.Path(conf).name).is_file())

    @unittest.skipIf(SANITIZED, "what is shipped has no sanitizer")
    @unittest.skipUnless(whole() and os.geteuid() == 0 and shutil.which("setpriv"), "needs to be root, and a whole build")
    def test_what_it_runs_serves_as_nobody_on_a_root_that_cannot_be_written(self):
        ran = self.run_image(os.environ["LARDER_IMAGE"]) if os.environ.get("LARDER_IMAGE") else self.run_here()
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertIn('{"name":"Ann"}\n10001\nl2\n', ran.stdout)

    def run_here(self):
        with tempfile.TemporaryDirectory(prefix="larder-container-") as folder:
            made, place = pathlib.Path(folder, "made"), pathlib.Path(folder, "overlay")
            place.mkdir()
            tried = subprocess.run(["unshare", "-mn", "bash", "-c", ROOT, "root", place, folder, "echo ready"], capture_output=True, text=True, timeout=60)
            if tried.stdout != "ready\n":
                self.skipTest(f"no root of its own here: {tried.stderr.strip()}")
            for part in ("larder", "plugins"):
                run("cmake", "--install", BUILD, "--prefix", made / "usr", "--component", part)
            story = "cp -r /tmp/packages/made/. / && " + self.story()
            return subprocess.run(["unshare", "-mnpf", "bash", "-c", ROOT, "root", place, folder, story], capture_output=True, text=True, timeout=120)

    def run_image(self, image):
        container = run("buildah", "from", "--pull-never", image).strip()
        try:
            root = run("buildah", "mount", container).strip()
            story = f'mount --bind {root} {root} && mount --bind /dev {root}/dev && mount -t proc proc {root}/proc && exec chroot {root} bash -c "$0"'
            return subprocess.run(["unshare", "-mnpf", "bash", "-c", story, self.story()], capture_output=True, text=True, timeout=120)
        finally:
            run("buildah", "rm", container)

    def story(self):
        given = {**self.environment(), "LARDER_RESP_PASSWORD": "theirs"}
        words = " ".join(f"{name}={value}" for name, value in given.items())
        health = json.loads(re.search(r"CMD (\[.*\])", self.of("HEALTHCHECK")[0])[1])
        return RUN.format(environment=words, command=" ".join(json.loads(self.of("CMD")[0])), health=" ".join(health))


if __name__ == "__main__":
    unittest.main()
