# tests/integration/post_recorder.py -- the other end of what larder POSTs: keeps what it gets, answers as told.
#
#     hook = recorder(case, 500, 0)     # 500, then nothing at all, then 200
#     hook.got[0].body                  # .path .headers .body
import http.server
import threading
import typing


class Posted(typing.NamedTuple):
    headers: typing.Any
    body: bytes
    path: str


class Recorder(http.server.BaseHTTPRequestHandler):
    """Answers what `statuses` says, 200 after that."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(Posted(self.headers, body, self.path))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 0:  # hangs until the test says so
            self.server.over.wait(30)
            return
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


def recorder(case, *statuses):
    """A server for the time of a test. Status 0 hangs until `over` is set."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.got, server.statuses, server.over = [], list(statuses), threading.Event()
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    case.addCleanup(server.server_close)
    case.addCleanup(server.shutdown)
    case.addCleanup(server.over.set)
    return server
