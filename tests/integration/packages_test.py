# tests/integration/packages_test.py -- the Debian packages: lintian finds no error in them, what they hold runs unpacked anywhere, and
# dpkg installs, upgrades and purges them in a root of their own, where everything runs as it would on a server.
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from install_test import BUILD, run, whole

MODULE = BUILD / "bin/examples/ngx_http_larder_module.so"
EXTENSION = BUILD / "bin/python/larder/_larder.abi3.so"
ALWAYS = ["larder", "larder-plugins", "liblarder-dev", "liblarder1"]

# This machine's files below, and whatever is written on top of them gone with the last process: dpkg runs for real, its
# dependencies judged, scripts run. The network is a loopback of its own, so that the ports of larder.toml are free.
ROOT = """set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/up" "$1/work" "$1/root"
mount -t overlay overlay -o lowerdir=/,upperdir="$1/up",workdir="$1/work" "$1/root"
mount -t proc proc "$1/root/proc" 2>/dev/null || mount --bind /proc "$1/root/proc"
mount --bind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs tmpfs "$1/root/tmp"
mkdir "$1/root/tmp/packages"
mount --bind "$2" "$1/root/tmp/packages"
exec chroot "$1/root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/tmp DEBIAN_FRONTEND=noninteractive bash -c "$3"
"""
# What a person does with the packages, from the installation to the end.
STORY = r"""set -e
step() { echo "== $1"; }
# In a fresh namespace it is down.
/usr/bin/python3 - <<'END'
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    name = struct.pack("16sh14x", b"lo", 1)
    fcntl.ioctl(s, 0x8914, name)
END
cd /
step install
dpkg -i /tmp/packages/*.deb >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log; exit 1; }
ldconfig -p | grep liblarder.so.1
step program
command -v larder
larder check --conf /etc/larder/larder.toml 2>&1 | tail -1
step unit
sed -n 's/^ExecStart=//p' /lib/systemd/system/larder.service
mkdir -m 750 /run/larder
export LARDER_SOCKET=/run/larder/larder.sock XDG_RUNTIME_DIR=/run/larder STATE_DIRECTORY=/var/lib/larder
touch /tmp/serve.log
$(sed -n 's/^ExecStart=//p' /lib/systemd/system/larder.service) >/tmp/serve.log 2>&1 &
server=$!
for try in $(seq 200); do
    grep -q ' ready: ' /tmp/serve.log && break
    kill -0 $server || { cat /tmp/serve.log; exit 1; }
    sleep 0.05
done
grep -q ' ready: ' /tmp/serve.log || { cat /tmp/serve.log; exit 1; }
larder put user_details 42 '{"name":"Ann"}'
larder get user_details 42
echo
kill $server
wait $server
step python
/usr/bin/python3 - <<'END'
import larder
with larder.Kernel(policy_text='larder 1\nnamespace menu { key "{id}"; ttl 5m }\n') as kernel:
    kernel.put("menu", "7", {"dish": "soup"})
    print(larder.__file__, kernel.get("menu", "7"))
END
ls /usr/lib/python3/dist-packages/larder/__pycache__ | grep -c '^kernel'
step nginx
ls -l /etc/nginx/modules-enabled/ | grep -o '50-mod-http-larder.conf -> .*'
printf 'larder 1\nnamespace n { key "{id}"; ttl 5m }\n' >/tmp/right.larder
echo 'larder_policy /tmp/right.larder;' >/etc/nginx/conf.d/larder.conf
nginx -t 2>&1
printf 'larder 1\nnamespace n { key "{id}"; ttl soon }\n' >/tmp/wrong.larder
echo 'larder_policy /tmp/wrong.larder;' >/etc/nginx/conf.d/larder.conf
nginx -t 2>&1 | grep -o '/tmp/wrong.larder:2:[0-9]*' || echo 'the module did not judge'
rm /etc/nginx/conf.d/larder.conf
step manual
man --warnings larder 2>&1 >/tmp/page
grep -c 'larder check' /tmp/page
step edited
echo '# mine' >>/etc/larder/larder.toml
rm /etc/nginx/modules-enabled/50-mod-http-larder.conf
dpkg -i /tmp/packages/*.deb >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log; exit 1; }
tail -1 /etc/larder/larder.toml
ls /etc/nginx/modules-enabled | grep -c larder || true
step purged
dpkg -P libnginx-mod-http-larder python3-larder larder liblarder-dev liblarder1 larder-plugins >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log; exit 1; }
find /etc /usr /lib -xdev -newer /tmp/serve.log \( -name '*larder*' -o -path '*/larder/*' \) -print
"""


@unittest.skipUnless(whole(), "not all of the tree is built")
@unittest.skipIf(shutil.which("dpkg-deb") is None, "dpkg-deb is not here")
class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="larder-packages-")
        cls.addClassCleanup(folder.cleanup)
        cls.work = pathlib.Path(folder.name)
        cls.made = cls.work / "made"
        run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", cls.made, cwd=cls.work)
        cls.packages = sorted(cls.made.glob("*.deb"))
        cls.root = cls.work / "root"
        for package in cls.packages:
            run("dpkg-deb", "-x", package, cls.root)
        cls.libraries = next(cls.root.glob("usr/lib/**/liblarder.so.1")).parent
        cls.environment = {"PATH": f"{cls.root}/usr/bin:/usr/sbin:/usr/bin:/bin", "HOME": str(cls.work),
                           "LD_LIBRARY_PATH": str(cls.libraries), "PYTHONPATH": f"{cls.root}/usr/lib/python3/dist-packages"}

    def ask(self, *words):
        return run(*words, cwd=self.work, env=self.environment)

    def test_the_set_is_whole_and_each_package_says_what_it_needs(self):
        wanted = [*ALWAYS, *["libnginx-mod-http-larder"] * MODULE.exists(), *["python3-larder"] * EXTENSION.exists()]
        self.assertEqual(sorted(path.name.split("_")[0] for path in self.packages), sorted(wanted))
        needs = {path.name.split("_")[0]: run("dpkg-deb", "-f", path, "Depends") for path in self.packages}
        for name in set(wanted) - {"larder-plugins", "larder", "liblarder1"}:
            self.assertIn("liblarder1 (= ", needs[name])
        self.assertIn("larder-plugins (= ", needs["larder"])
        if MODULE.exists():
            self.assertRegex(needs["libnginx-mod-http-larder"], r"nginx-abi-\d")

    @unittest.skipIf(shutil.which("lintian") is None, "lintian is not here")
    def test_lintian_finds_no_error_in_any_package(self):
        ran = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", *self.packages], capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertNotRegex(ran.stdout, r"(?m)^E:")

    def test_unpacked_anywhere_the_program_finds_its_plugins_and_judges_what_it_came_with(self):
        self.assertIn("store memory", self.ask("larder", "plugins"))
        self.ask("larder", "check", "--conf", self.root / "usr/share/larder/conf/larder.toml")
        self.ask("larder", "check", "--conf", self.root / "etc/larder/larder.toml")

    @unittest.skipUnless(EXTENSION.exists(), "the Python package was left out")
    def test_unpacked_anywhere_python_opens_a_kernel_and_gets_what_it_put(self):
        said = self.ask("/usr/bin/python3", "-c", "import larder; k = larder.Kernel(policy_text='larder 1\\nnamespace n { key \"{id}\"; ttl 5m }\\n');"
                        "k.put('n', '1', [1]); print(larder.__file__, k.get('n', '1'))")
        self.assertEqual(said, f"{self.root}/usr/lib/python3/dist-packages/larder/__init__.py [1]\n")

    @unittest.skipUnless(MODULE.exists() and shutil.which("nginx", path="/usr/sbin:/usr/bin"), "no nginx, or its module was left out")
    def test_unpacked_anywhere_nginx_takes_the_module_and_judges_the_policy(self):
        policy, conf = self.work / "right.larder", self.work / "nginx.conf"
        policy.write_text('larder 1\nnamespace n { key "{id}"; ttl 5m }\n')
        conf.write_text(f"load_module {self.root}/usr/lib/nginx/modules/ngx_http_larder_module.so;\npid {self.work}/pid; error_log stderr;\n"
                        f"events {{}}\nhttp {{ larder_policy {policy}; access_log off; }}\n")
        ran = subprocess.run(["nginx", "-t", "-p", self.work, "-c", conf], capture_output=True, text=True, timeout=60, env=self.environment)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("test is successful", ran.stderr)

    def test_dpkg_installs_upgrades_and_purges_the_set_and_everything_runs_in_between(self):
        if os.geteuid() != 0 or not MODULE.exists() or not EXTENSION.exists():
            self.skipTest("needs to be root, and the whole set")
        place = self.work / "overlay"
        place.mkdir()
        tried = subprocess.run(["unshare", "-mn", "bash", "-c", ROOT, "root", place, self.made, "echo ready"], capture_output=True, text=True, timeout=60)
        if tried.stdout != "ready\n":
            self.skipTest(f"no root of its own here: {tried.stderr.strip()}")
        ran = subprocess.run(["unshare", "-mnpf", "bash", "-c", ROOT, "root", place, self.made, STORY], capture_output=True, text=True, timeout=300)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        said = dict(part.split("\n", 1) for part in re.split(r"(?m)^== ", ran.stdout)[1:])
        self.assertIn("liblarder.so.1", said["install"])
        self.assertIn("/usr/bin/larder\n0 errors", said["program"])
        self.assertIn('{"name":"Ann"}', said["unit"])
        self.assertEqual(said["python"], "/usr/lib/python3/dist-packages/larder/__init__.py {'dish': 'soup'}\n1\n")
        self.assertIn("/usr/share/nginx/modules-available/mod-http-larder.conf", said["nginx"])
        self.assertIn("test is successful", said["nginx"])
        self.assertIn("/tmp/wrong.larder:2:", said["nginx"])
        self.assertRegex(said["manual"], r"\A[1-9]\d*\n\Z", "no warning, and it names the verbs")
        self.assertEqual(said["edited"], "# mine\n0\n", "an upgrade keeps what was edited, and what was disabled disabled")
        self.assertEqual(said["purged"], "")


if __name__ == "__main__":
    unittest.main()
