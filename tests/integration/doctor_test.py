# tests/integration/doctor_test.py -- larder doctor names each planted fault and its remedy; completion and man are what shells
# and man read.
import json
import os
import shutil
import socket
import subprocess
import unittest

from larder_program import Scratch
from larder_server import SOURCE, LarderServer, find
from redis_server import RedisServer, free_ports, until
from resp_talk import Talk

POLICY = 'larder 1\nnamespace item { key "{id}"; ttl 5m; static }\n'


class Doctor(Scratch, unittest.TestCase):
    def conf(self, text, store=""):
        plugins = find("larder").resolve().parent / "plugins"
        self.write("p.larder", POLICY)
        return self.write("larder.toml", f'policy = ["p.larder"]\n[plugins]\npath = ["{plugins}"]\ntrust_path = true\n'
                                         f'[store.l1]\nplugin = "memory"\ncapacity = "1MiB"\n{store}'
                                         f'[admin]\nsocket = "{self.folder}/none.sock"\n{text}')

    def faults(self, text, store="", status=1, **environment):
        ran = self.run_larder("doctor", "--conf", self.conf(text, store), "--json", status=status, **environment)
        told = json.loads(ran.stdout)
        found = [one for one in told["findings"] if one["grade"] == "fault"]
        self.assertEqual(told["faults"], len(found))
        for one in found:
            self.assertTrue(one["remedy"], one)
        return [one["what"] for one in found]

    def test_an_installation_that_is_right_has_no_fault(self):
        redis = self.enterContext(RedisServer())
        self.assertEqual(self.faults("", f'[store.l2]\nplugin = "redis"\nurl = "redis://127.0.0.1:{redis.port}"\n', status=0), [])

    def test_each_planted_fault_is_the_only_one_named(self):
        taken = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        [nobody] = free_ports(1)
        self.write("secret", "a secret of a test\n").chmod(0o644)
        gateway = '[gateway.r]\nplugin = "resp"\nlisten = "127.0.0.1:0"\n'
        planted = {
            "NOBODY_SET_THIS is not set": (gateway + 'password = { env = "NOBODY_SET_THIS" }\n', ""),
            "everybody may read": (gateway + f'password = {{ file = "{self.folder}/secret" }}\n', ""),
            "gone cannot be read": (gateway + f'password = {{ file = "{self.folder}/gone" }}\n', ""),
            f"cannot listen on {at}": (gateway.replace("127.0.0.1:0", at), ""),
            f"nobody answers at 127.0.0.1:{nobody}": ("", f'[store.l2]\nplugin = "redis"\nurl = "redis://127.0.0.1:{nobody}"\n'),
            "there is no folder": (f'[log]\nfile = "{self.folder}/nowhere/log"\n', ""),
            "memory tiers may grow": ("", '[store.l2]\nplugin = "memory"\ncapacity = "900TiB"\n'),
        }
        for what, (text, store) in planted.items():
            with self.subTest(what):
                found = self.faults(text, store)
                self.assertEqual(len(found), 1, found)
                self.assertIn(what, found[0])

    def test_a_configuration_with_an_error_is_told_by_the_words_of_check(self):
        found = self.faults('[limits]\nmax_valeu = "1MiB"\n')
        self.assertEqual(len(found), 1)
        self.assertIn("unknown key `max_valeu`", found[0])

    def test_a_running_kernel_is_looked_at_and_its_open_breaker_named(self):
        redis = self.enterContext(RedisServer())
        policy = POLICY + "breaker l2 { open after 5 failures; retry after 60s; probe 1 }\n"
        store = (f'[store.l2]\nplugin = "redis"\nurl = "redis://127.0.0.1:{redis.port}"\n'
                 'command_timeout = "300ms"\nconnect_timeout = "300ms"\n')
        server = self.enterContext(LarderServer(policy, store=store))
        conf = server.folder / "larder.toml"
        self.assertIn("no fault found", self.run_larder("doctor", "--conf", conf).stdout)
        redis.kill()

        def named():
            with Talk(("127.0.0.1", server.port)) as talk:
                for n in range(6):
                    talk("GET", f"item:{n}")
            return "the breaker of [store.l2] is open" in self.run_larder("doctor", "--conf", conf, status=1).stdout
        until(named, "the breaker is named")


class Shells(Scratch, unittest.TestCase):
    def test_bash_completes_verbs_options_and_plugin_verbs(self):
        script = self.run_larder("completion", "bash").stdout
        self.write("larder.bash", script)

        def completed(*words):
            line = " ".join(f"'{word}'" for word in words)
            ran = subprocess.run(["bash", "-c", f"source larder.bash; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _larder; "
                                                "printf '%s\\n' \"${COMPREPLY[@]}\""],
                                 cwd=self.folder, capture_output=True, text=True, check=True)
            return ran.stdout.split()
        self.assertEqual(completed("larder", "expl"), ["explain"])
        self.assertIn("--conf", completed("larder", "check", "--"))
        self.assertEqual(completed("larder", "plugin", "te"), ["test"])
        for shell in ("zsh", "fish"):
            text = self.run_larder("completion", shell).stdout
            self.assertIn("explain", text)
            if shutil.which(shell):
                subprocess.run([shell, "-n"], input=text, text=True, check=True)
        self.run_larder("completion", "tcsh", status=2)

    @unittest.skipIf(shutil.which("man") is None, "man is not here")
    def test_the_manual_page_has_every_verb_and_no_warning(self):
        page = self.run_larder("man").stdout
        (self.folder / "larder.1").write_text(page, encoding="utf-8")
        shown = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "larder.1"], cwd=self.folder, capture_output=True,
                               text=True, env={**os.environ, "MANWIDTH": "200", "MAN_KEEP_FORMATTING": ""}, check=True)
        self.assertEqual(shown.stderr, "")
        for verb in ("serve", "check", "doctor", "plugin test"):
            self.assertIn(f"LARDER {verb}", shown.stdout)

    def test_the_unit_for_systemd_is_exposed_by_two_at_most(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not here")
        ran = subprocess.run(["systemd-analyze", "security", "--offline=true", SOURCE / "conf/larder.service"],
                             capture_output=True, text=True)
        level = float(ran.stdout.rsplit("larder.service:", 1)[1].split()[0])
        self.assertLessEqual(level, 2.0)


if __name__ == "__main__":
    unittest.main()
