#!/usr/bin/python3
# tests/support/chaos_proxy.py -- a loopback proxy that does to a connection what networks and servers do.
#
#     with ChaosProxy(("127.0.0.1", redis_port)) as proxy:
#         client = redis.Redis(port=proxy.port)
#         proxy.now(delay_ms=200)           # from now on, for open and new connections
#         proxy.now(truncate=7, every=3)    # replaces the faults before
#         proxy.now()                       # clean again
#         proxy.reset()                     # RST to every open connection, once
#
# And as a program, for tests in a shell or in C++; it ends with its standard input:
#
#     tests/support/chaos_proxy.py --to 127.0.0.1:6379      # prints: listening=PORT
#     echo "delay_ms=200 every=2"                           # on its standard input; answers: ok
#     echo reset
#
# Faults are done to what the server sends, reply by reply (resp_frames.py); only `blackhole` and
# `refuse` concern both ways. `every` and `share` choose replies: each n-th, or so many of one by a seeded
# generator. A choice is per proxy, not per connection, so a fault met once is not met by the retry.
import argparse
import asyncio
import dataclasses
import random
import socket
import struct
import sys
import threading

from resp_frames import Frames, is_push


@dataclasses.dataclass(frozen=True)
class Faults:
    """What is done, all at once if several are set. The default does nothing."""
    delay_ms: int = 0         # a reply arrives so much later, in order
    blackhole: bool = False   # nothing passes, both ways, nothing closes; it passes late when this ends
    lose_replies: bool = False  # commands arrive, replies never do
    refuse: bool = False      # a new connection is reset
    reset_at: int = -1        # so many bytes of the chosen reply, then RST
    truncate: int = -1        # so many bytes of the chosen reply, then a clean end
    half_close: bool = False  # the chosen reply is followed by FIN; commands are read on
    piece: int = 0            # bytes written at once: 1 makes every reply come a byte at a time
    swap: bool = False        # the chosen reply comes after the next one, or hold_ms later
    hold_ms: int = 50
    duplicate: bool = False   # the chosen reply comes twice
    drop_pushes: bool = False   # messages that nobody asked for are lost
    instead: str = ""         # the chosen reply is this line: "-LOADING ..." or "+OK"
    every: int = 1
    share: float = 1.0

    def cuts(self):
        return self.reset_at >= 0 or self.truncate >= 0 or self.half_close

    @staticmethod
    def parse(words):
        """From "name=value" words; a bare name is true."""
        kinds = {field.name: type(field.default) for field in dataclasses.fields(Faults)}
        chosen = {}
        for word in words:
            name, _, value = word.partition("=")
            if name not in kinds:
                raise ValueError(f"no fault {name!r}; there are {', '.join(kinds)}")
            if kinds[name] is bool:
                chosen[name] = value not in ("0", "no", "false")
            else:
                chosen[name] = kinds[name](value.replace("_", " ") if kinds[name] is str else value)
        return Faults(**chosen)


class ChaosProxy:
    """Runs an event loop on a thread of its own; every method may be called from any thread.

    counts says what became true: connections, replies, and one name a fault done."""

    def __init__(self, to, listen="127.0.0.1", port=0, seed=1):
        self._to, self._listen = to, (listen, port)
        self._random = random.Random(seed)
        self._faults = Faults()
        self._chosen = 0
        self._links = set()
        self.counts = {}
        self.port = None

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self._open())
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def address(self):
        return (self._listen[0], self.port)

    @property
    def open_connections(self):
        return len(self._links)

    def now(self, faults=None, **chosen):
        """These faults and no others, before this returns."""
        self._call(self._set(faults if faults is not None else Faults(**chosen)))

    def reset(self):
        """RST to every open connection, both ways."""
        self._call(self._reset_all())

    def to(self, address):
        """New connections go there, as after a failover behind one address."""
        self._to = address

    def stop(self):
        if self._loop.is_running():
            self._call(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _open(self):
        self._changed = asyncio.Event()
        self._server = await asyncio.start_server(self._accept, *self._listen)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _set(self, faults):
        self._faults = faults
        self._changed.set()
        self._changed = asyncio.Event()

    async def _reset_all(self):
        for link in list(self._links):
            link.reset()

    async def _close(self):
        self._server.close()
        await self._reset_all()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def hit(self):
        """Whether the faults are done to this reply."""
        faults = self._faults
        self._chosen += 1
        if self._chosen % faults.every:
            return False
        return faults.share >= 1.0 or self._random.random() < faults.share

    async def pass_blackhole(self):
        while self._faults.blackhole:
            self.count("blackhole")
            await self._changed.wait()

    async def _accept(self, reader, writer):
        self.count("connections")
        if self._faults.refuse:
            self.count("refuse")
            return _rst(writer)
        try:
            if isinstance(self._to, tuple):
                server = await asyncio.open_connection(*self._to)
            else:
                server = await asyncio.open_unix_connection(str(self._to))
        except OSError:
            return _rst(writer)
        link = _Link(self, reader, writer, *server)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)


def _rst(writer):
    """Ends a connection at once: the peer is told by RST, and what was not sent is gone."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family != socket.AF_UNIX and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class _Link:
    """One client's connection and its own to the server."""

    def __init__(self, proxy, client_in, client_out, server_in, server_out):
        self._proxy = proxy
        self._client_in, self._client_out = client_in, client_out
        self._server_in, self._server_out = server_in, server_out
        for writer in (client_out, server_out):
            sock = writer.get_extra_info("socket")
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._waiting = asyncio.Queue()
        self._held = None
        self._over = False

    async def run(self):
        tasks = [asyncio.ensure_future(work) for work in
                 (self._commands(), self._replies(), self._write())]
        try:
            # Commands end first when the client half-closes: replies still come.
            await asyncio.wait(tasks[1:], return_when=asyncio.FIRST_COMPLETED)
            if tasks[1].done() and not tasks[2].done():
                await tasks[2]
            elif self._half_closed():
                await tasks[0]
        finally:
            for task in tasks:
                task.cancel()
            for writer in (self._client_out, self._server_out):
                writer.close()

    def _half_closed(self):
        return self._over == "half"

    def reset(self):
        self._over = True
        _rst(self._client_out)
        _rst(self._server_out)
        self._waiting.put_nowait(None)

    async def _commands(self):
        try:
            while data := await self._client_in.read(1 << 16):
                await self._proxy.pass_blackhole()
                self._server_out.write(data)
                await self._server_out.drain()
            self._server_out.write_eof()
        except (OSError, RuntimeError):
            self._waiting.put_nowait(None)

    async def _replies(self):
        frames = Frames()
        try:
            while data := await self._server_in.read(1 << 16):
                for frame in frames.feed(data):
                    self._judge(frame)
        except OSError:
            pass
        self._release()
        self._later(frames.rest())
        self._waiting.put_nowait(None)

    def _judge(self, frame):
        """Queues what the client is to see of one reply."""
        proxy, faults = self._proxy, self._proxy._faults
        if is_push(frame):
            if faults.drop_pushes:
                return proxy.count("drop_pushes")
            return self._later(frame)
        proxy.count("replies")
        if faults.lose_replies:
            return proxy.count("lose_replies")
        chosen = proxy.hit()
        if chosen and faults.instead:
            proxy.count("instead")
            frame = faults.instead.encode() + b"\r\n"
        if self._held is not None:
            self._later(frame)
            proxy.count("swap")
            return self._release()
        if chosen and faults.swap:
            self._held = frame
            asyncio.get_running_loop().call_later(faults.hold_ms / 1000, self._release, frame)
            return None
        if chosen and faults.cuts():
            return self._later(frame, faults)
        self._later(frame)
        if chosen and faults.duplicate:
            proxy.count("duplicate")
            self._later(frame)
        return None

    def _release(self, only=None):
        if self._held is not None and only in (None, self._held):
            held, self._held = self._held, None
            self._later(held)

    def _later(self, data, cut=None):
        due = asyncio.get_running_loop().time() + self._proxy._faults.delay_ms / 1000
        if data:
            self._waiting.put_nowait((due, data, cut))

    async def _write(self):
        try:
            while (item := await self._waiting.get()) is not None:
                due, data, cut = item
                wait = due - asyncio.get_running_loop().time()
                if wait > 0:
                    self._proxy.count("delay_ms")
                    await asyncio.sleep(wait)
                await self._proxy.pass_blackhole()
                if cut is not None and await self._cut(data, cut):
                    return
                if cut is None:
                    await self._send(data)
        except (OSError, RuntimeError):
            pass

    async def _cut(self, data, cut):
        """Ends the connection in or behind a reply; false when only one direction ended."""
        if cut.reset_at >= 0:
            await self._send(data[:cut.reset_at])
            self._proxy.count("reset_at")
            self.reset()
            return True
        await self._send(data if cut.half_close else data[:cut.truncate])
        self._proxy.count("half_close" if cut.half_close else "truncate")
        if cut.half_close:
            self._over = "half"
            self._client_out.write_eof()
        return True

    async def _send(self, data):
        piece = self._proxy._faults.piece
        if not piece:
            self._client_out.write(data)
            return await self._client_out.drain()
        self._proxy.count("piece")
        for start in range(0, len(data), piece):
            self._client_out.write(data[start:start + piece])
            await self._client_out.drain()
            # A turn of the loop: the kernel sends each piece on its own.
            await asyncio.sleep(0)
        return None


def main():
    parser = argparse.ArgumentParser(description="A loopback proxy with faults; see the file's head.")
    parser.add_argument("--to", required=True, help="HOST:PORT, or the path of a unix socket")
    parser.add_argument("--listen", type=int, default=0, help="port; 0: a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("faults", nargs="*", help="to begin with: delay_ms=200 every=2 ...")
    given = parser.parse_args()
    host, _, port = given.to.rpartition(":")
    with ChaosProxy((host, int(port)) if host else given.to, port=given.listen,
                    seed=given.seed) as proxy:
        proxy.now(Faults.parse(given.faults))
        print(f"listening={proxy.port}", flush=True)
        for line in sys.stdin:
            words = line.split()
            try:
                if words == ["reset"]:
                    proxy.reset()
                elif words == ["counts"]:
                    print(" ".join(f"{name}={n}" for name, n in sorted(proxy.counts.items())))
                else:
                    proxy.now(Faults.parse(words))
                print("ok", flush=True)
            except (ValueError, TypeError) as error:
                print(f"error: {error}", flush=True)


if __name__ == "__main__":
    main()
