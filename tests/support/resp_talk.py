# tests/support/resp_talk.py -- the least that speaks RESP2: one connection, one command, its reply as Python values.
#
#     with Talk(("127.0.0.1", port)) as talk:
#         talk("SET", "k", "v")              # b"OK"
#         talk("LRANGE", "list", 0, -1)      # [b"a", b"b"]
#
# Fixtures use it, so that they need no client library, and tests that want to see the bytes.
import socket


class Refused(Exception):
    """The server answered with an error; the text of it."""


class Talk:
    """One connection; `address` is (host, port) or a unix socket's path. Not safe for many threads."""

    def __init__(self, address, tls=None, seconds=10):
        if isinstance(address, tuple):
            self._socket = socket.create_connection(address, timeout=seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(seconds)
            self._socket.connect(str(address))
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname="localhost")
        self._reader = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._reader.close()
        self._socket.close()

    def __call__(self, *words):
        """The reply. Raises Refused for an error, OSError or EOFError when the connection ends."""
        self.send(*words)
        reply = self.receive()
        if isinstance(reply, Refused):
            raise reply
        return reply

    def send(self, *words):
        self._socket.sendall(command(*words))

    def receive(self):
        """The next reply; an error is returned, not raised."""
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError(f"the connection ended in {line!r}")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            return Refused(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._exactly(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self.receive() for _ in range(int(rest))]
        raise EOFError(f"no RESP2: {line!r}")

    def _exactly(self, size):
        data = self._reader.read(size)
        if len(data) != size:
            raise EOFError("the connection ended in a reply")
        return data


def command(*words):
    """One command as bytes."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
