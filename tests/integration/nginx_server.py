# tests/integration/nginx_server.py -- Debian's nginx with larder's module, in a folder and on a port of a test's own.
#
#     with Nginx(POLICY, app.port) as nginx:
#         nginx.get("/users/42").cache            # "hit", or why the application was asked
#         nginx.reload()                          # as `nginx -s reload`, and waits for the new workers
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from http_gateway import Asked
from larder_server import find
from redis_server import free_ports, until

CONF = """\
daemon off; {user} worker_processes {workers}; pid nginx.pid; error_log {folder}/error.log info;
load_module {module};
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 1000000; keepalive_timeout 5s;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  default_type text/plain;
  larder_config {folder}/larder.toml;
  upstream app {{ server 127.0.0.1:{app}; keepalive 16; }}
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_read_timeout 20s;
  {http}
  server {{
    listen 127.0.0.1:{port} {listen};
    larder on;
    {server}
    location / {{ proxy_pass http://app; {location} }}
  }}
}}
"""


class Nginx(Asked):
    def __init__(self, policy, app, *, store="", conf="", workers=1, http="", server="", location="", listen="", program="nginx"):
        self.policy, self.store, self.conf = policy, store, conf
        self.words = {"user": "user root;" if os.geteuid() == 0 else "", "app": app, "workers": workers, "http": http, "server": server, "location": location, "listen": listen}
        self.process = None

    def __enter__(self):
        self.program = shutil.which("nginx") or "/usr/sbin/nginx"
        module = find("examples/ngx_http_larder_module.so")
        if not pathlib.Path(self.program).exists() or module is None:
            raise unittest.SkipTest("nginx or its module is not here (apt-get install nginx nginx-dev)")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-nginx-"))
        self.folder.chmod(0o755)
        (self.folder / "test.larder").write_text(self.policy, encoding="utf-8")
        (self.folder / "larder.toml").write_text(
            f'policy = ["{self.folder}/test.larder"]\n'
            f'[plugins]\npath = ["{module.resolve().parent.parent / "plugins"}"]\ntrust_path = true\n'
            f'[store.memory]\nplugin = "memory"\n{self.store}\n[admin]\nenabled = false\n'
            f'[log]\nlevel = "warn"\n{self.conf}\n', encoding="utf-8")
        (self.port,) = free_ports(1)
        (self.folder / "nginx.conf").write_text(CONF.format(folder=self.folder, module=module.resolve(), port=self.port, **self.words),
                                                encoding="utf-8")
        try:
            with open(self.folder / "out", "wb") as out:
                self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
            until(self.answers, "nginx listens")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def command(self, *more):
        return [self.program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), *more]

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"nginx ended: {self.said()}{self.log()}")
        return len(self.workers()) >= self.words["workers"]

    def said(self):
        return (self.folder / "out").read_text(encoding="utf-8", errors="replace")

    def log(self):
        path = self.folder / "error.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def complaints(self):
        """Lines of the log from `warn` on."""
        return [line for line in self.log().splitlines() if re.search(r"\[(warn|error|crit|alert|emerg)\]", line)]

    def workers(self):
        """Pids of the workers that take connections."""
        out = []
        for pid in pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            try:
                title = pathlib.Path(f"/proc/{pid}/cmdline").read_text()
            except OSError:
                continue
            if "worker process" in title and "shutting down" not in title:
                out.append(int(pid))
        return out

    def reload(self):
        before = set(self.workers())
        self.process.send_signal(signal.SIGHUP)
        until(lambda: len(self.workers()) >= self.words["workers"] and not before & set(self.workers()), "new workers")

    @property
    def http_port(self):
        return self.port

    def test_configuration(self):
        """`nginx -t`: (exit status, what it says)."""
        ran = subprocess.run(self.command("-t", "-g", "error_log stderr;"), capture_output=True, text=True, timeout=60)
        return ran.returncode, ran.stderr

    def stop(self):
        """As an operator would; the exit status."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                for pid in self.workers():
                    os.kill(pid, signal.SIGKILL)
                self.process.kill()
                self.process.wait()
        if self.folder.exists():
            self.kept_log = self.log()
            shutil.rmtree(self.folder, ignore_errors=True)
        return None if self.process is None else self.process.returncode
