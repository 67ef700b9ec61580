# tests/integration/http_gateway.py -- larder in front of an application that the test writes.
#
#     with HttpGateway(POLICY, app) as gateway:
#         answer = gateway.get("/users/42")       # .status .body .headers .cache
import dataclasses
import http.client
import socket

from larder_server import LarderServer


@dataclasses.dataclass
class Reply:
    status: int
    body: bytes
    headers: http.client.HTTPMessage

    @property
    def cache(self):
        """What Cache-Status says, "hit" or the reason for asking."""
        said = self.headers.get_all("Cache-Status") or [""]
        words = [word.strip() for word in said[-1].split(";")]
        if "hit" in words:
            return "hit"
        return next((word[4:] for word in words if word.startswith("fwd=")), "")


class Asked:
    """Requests to `http_port` of this machine."""

    def connect(self, timeout=20):
        return http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=timeout)

    def ask(self, method, target, body=None, headers=None, connection=None):
        own = connection or self.connect()
        try:
            own.request(method, target, body, headers or {})
            answer = own.getresponse()
            return Reply(answer.status, answer.read(), answer.headers)
        finally:
            if connection is None:
                own.close()

    def get(self, target, connection=None, **headers):
        return self.ask("GET", target, headers={k.replace("_", "-"): v for k, v in headers.items()}, connection=connection)


class HttpGateway(Asked, LarderServer):
    def __init__(self, policy, app, options="", conf="", **more):
        upstream = f'upstream = ["{app.url}"]\n' if app is not None else ""
        super().__init__(policy, conf=f'[gateway.http]\nplugin = "http"\nlisten = "127.0.0.1:0"\n'
                                      f'{upstream}{options}\n{conf}', **more)

    @property
    def http_port(self):
        return int(self.addresses["http"].rpartition(":")[2])

    def raw(self, data, seconds=20):
        """What comes back for these bytes until the gateway closes the connection."""
        with socket.create_connection(("127.0.0.1", self.http_port), timeout=seconds) as s:
            s.sendall(data)
            parts = []
            while part := s.recv(65536):
                parts.append(part)
            return b"".join(parts)
