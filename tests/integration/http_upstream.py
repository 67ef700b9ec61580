# tests/integration/http_upstream.py -- an application for the HTTP gateway's tests: a server on a free port
# whose answers the test writes, and that remembers what it was asked.
#
#     with Upstream(lambda request: Answer(200, b"hello", {"ETag": '"1"'})) as app:
#         ... app.url, app.requests ...
import dataclasses
import http.client
import socket
import socketserver
import threading


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: http.client.HTTPMessage
    body: bytes


@dataclasses.dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict = dataclasses.field(default_factory=dict)
    raw: bytes = None        # sent as it is instead of all that
    close: bool = False      # after it
    wait: threading.Event = None  # before it


class Upstream:
    """One thread a connection, keep-alive; ends with the block."""

    def __init__(self, answer):
        self.answer, self.requests, self.lock = answer, [], threading.Lock()
        self.connections = 0
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with owner.lock:
                    owner.connections += 1
                try:
                    while owner._one(self.rfile, self.wfile, self.connection):
                        pass
                except OSError:
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def seen(self, method=None):
        with self.lock:
            return [r for r in self.requests if method is None or r.method == method]

    def _one(self, reader, writer, connection):
        line = reader.readline(65536)
        if not line.strip():
            return False
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers = http.client.parse_headers(reader)
        body = self._body(reader, headers)
        request = Request(method, target, headers, body)
        with self.lock:
            self.requests.append(request)
        answer = self.answer(request)
        if answer.wait is not None:
            answer.wait.wait(20)
        if answer.raw is not None:
            writer.write(answer.raw)
            writer.flush()
            if answer.close:
                connection.shutdown(socket.SHUT_RDWR)
            return not answer.close
        out = [f"HTTP/1.1 {answer.status} Fine"]
        names = {name.lower() for name in answer.headers}
        for name, value in answer.headers.items():
            for one in value if isinstance(value, list) else [value]:
                out.append(f"{name}: {one}")
        if "transfer-encoding" not in names and "content-length" not in names and answer.status != 304:
            out.append(f"Content-Length: {len(answer.body)}")
        writer.write(("\r\n".join(out) + "\r\n\r\n").encode("latin-1"))
        if method != "HEAD":
            writer.write(answer.body)
        writer.flush()
        return not answer.close

    @staticmethod
    def _body(reader, headers):
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(reader.readline().split(b";")[0], 16):
                body += reader.read(size)
                reader.readline()
            reader.readline()
            return body
        return reader.read(int(headers.get("Content-Length", 0)))
