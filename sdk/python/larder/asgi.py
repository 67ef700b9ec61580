# sdk/python/larder/asgi.py -- a cache around an ASGI application (FastAPI, Starlette, Django), as the policy says.
#
# A GET that a `serve` rule names is answered from the cache, or by the application, once for all who ask meanwhile. Every
# other request goes to the application, and when it has answered, before the client reads the answer, the policy's route rules
# fire. Kept are answers of 200 that say neither `no-store` nor `private` and set no cookie, of at most 1 MiB.
import functools
import json

from .kernel import HIT, STALE, WAIT
from .functions import default

_most_body, _most_request = 1 << 20, 64 << 10
_safe = {"GET", "HEAD", "OPTIONS", "TRACE"}


class Middleware:
    """app.add_middleware(larder.asgi.Middleware, kernel=kernel)"""

    def __init__(self, app, kernel=None):
        self.app = app
        self._kernel = kernel

    @property
    def kernel(self):
        return self._kernel or default()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["method"] == "GET":
            served = self.kernel.native.serve("GET", _path(scope), scope.get("query_string", b""), scope["headers"], b"", 0)
            if served is not None:
                return await self._serve(scope, receive, send, *served)
        elif scope["method"] not in _safe:
            return await self._write(scope, receive, send)
        return await self.app(scope, receive, send)

    async def _write(self, scope, receive, send):
        body = bytearray()

        async def heard():
            message = await receive()
            if message["type"] == "http.request" and len(body) < _most_request:
                body.extend(message.get("body", b""))
            return message

        async def said(message):
            if message["type"] == "http.response.start":
                await self.kernel.aroute(scope["method"], _path(scope), message["status"], scope.get("query_string", b""), scope["headers"],
                                         bytes(body[:_most_request]))
            await send(message)

        await self.app(scope, heard, said)

    async def _serve(self, scope, receive, send, space, key):
        kernel, aio = self.kernel, self.kernel._aio()
        user = next(aio.users)
        answer = kernel.native.lookup(space, key, aio.native, user)
        if type(answer) is not bytes and answer[0] == WAIT:
            answer = await aio.arrives(user)
        result, data, lease = (HIT, answer, 0) if type(answer) is bytes else answer
        if result in (HIT, STALE) and data is not None and not lease:
            head, line, body = data.partition(b"\n")
            headers = _headers_of(head) if line else None
            if headers is not None:
                await send({"type": "http.response.start", "status": 200, "headers": [*headers, (b"cache-status", b"larder; hit")]})
                return await send({"type": "http.response.body", "body": body})
        parts, head = [], {}

        async def said(message):
            if message["type"] == "http.response.start":
                head.update(message)
                message = {**message, "headers": [*message.get("headers", ()), (b"cache-status", b"larder; fwd=" + (b"miss" if lease else b"bypass"))]}
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
                if not message.get("more_body") and lease:
                    await self._keep(aio, lease, head, b"".join(parts))
                    done.append(True)
            await send(message)

        done = []
        try:
            await self.app(scope, receive, said)
        finally:
            if lease and not done:
                kernel.native.fail(lease)

    async def _keep(self, aio, lease, head, body):
        kernel = self.kernel
        headers = [(name.lower(), value) for name, value in head.get("headers", ())]
        control = b",".join(value.lower() for name, value in headers if name == b"cache-control")
        good = (head.get("status") == 200 and len(body) <= _most_body and b"no-store" not in control and b"private" not in control
                and not any(name == b"set-cookie" for name, _ in headers))
        if not good:
            kernel.native.fail(lease)
            return
        kept = json.dumps([[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers]).encode() + b"\n" + body
        await aio.call(lambda loop, user: kernel.native.fill(lease, kept, 0, None, 0, loop, user))


def _path(scope):
    return scope.get("raw_path") or scope["path"].encode()


@functools.lru_cache(maxsize=256)  # most answers of a route have the same header
def _headers_of(head):
    """None: these bytes are no header."""
    try:
        return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in json.loads(head))
    except (ValueError, TypeError, AttributeError):
        return None
