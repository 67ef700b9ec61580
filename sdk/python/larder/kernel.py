# sdk/python/larder/kernel.py -- a kernel for Python: values are JSON, hits are answered where they are asked for.
#
# A Kernel opens itself at its first use, and again in a process that was forked from one that had used it: a server
# may make it at import and fork its workers afterwards. Every call exists twice: get() blocks its thread where it has to
# wait, aget() awaits; one that hits never touches the event loop.
import asyncio
import inspect
import itertools
import json
import os
import threading
import weakref

from . import _larder

HIT, STALE, LEASE, WAIT, PASS, ABSENT, NONE = range(7)
DROP, EXPIRE, REFRESH = range(3)
VIRTUAL_TIME, ALLOW_MISSING, ADMIN = 1, 2, 4
ONLY_NEW, ONLY_OVER, KEEP_LIFE, NOTHING_THERE = 1, 2, 4, 8

Error = _larder.Error
_nothing = object()
_scan = json.JSONDecoder().scan_once  # without the blanks that json.loads looks for before and after


def _check_names(value):
    """JSON would write the key 1 as "1", and what was put would not be what is got."""
    if isinstance(value, dict):
        for name, one in value.items():
            if not isinstance(name, str):
                raise TypeError(f"a value's names are texts, and {name!r} is {type(name).__name__}")
            _check_names(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            _check_names(one)


def encode(value):
    """The bytes that are kept; TypeError for what has no JSON. Never pickle: who writes the store runs no code here."""
    _check_names(value)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError, UnicodeEncodeError) as problem:
        raise TypeError(f"{type(value).__name__} has no JSON: {problem}") from None


def decode(data):
    """What the bytes say; ValueError for what nobody wrote with encode()."""
    text = data.decode()
    try:
        value, end = _scan(text, 0)
        if end == len(text):
            return value
    except StopIteration:
        pass
    return json.loads(text)


class _Waiting(threading.local):
    loop = None


class _Awaited:
    """The completions of one event loop."""

    def __init__(self, native, loop, virtual):
        self.native = _larder.Loop(native)
        self.loop = loop
        self.virtual = virtual
        self.futures = {}
        self.users = itertools.count(1)
        self.watching = {}
        loop.add_reader(self.native.fd(), self.drain)

    def drain(self):
        for user, *answer in self.native.drain():
            if user in self.watching:
                self.watching[user](json.loads(answer[1]))
                continue
            future = self.futures.pop(user, None)
            if future is not None and not future.done():
                future.set_result(tuple(answer))

    def close(self):
        if not self.loop.is_closed():
            self.loop.remove_reader(self.native.fd())
        self.native.close()

    async def call(self, ask):
        """ask(loop, user) answers at once, or (WAIT, ...) and its answer arrives."""
        user = next(self.users)
        answer = ask(self.native, user)
        waits = answer == WAIT if isinstance(answer, int) else isinstance(answer, tuple) and answer[0] == WAIT
        return await self.arrives(user) if waits else answer

    async def arrives(self, user):
        """What a call of this user, which was answered with WAIT, comes to."""
        future = self.loop.create_future()
        self.futures[user] = future
        if self.virtual:
            self.loop.call_soon(self.drain)
        try:
            return await future
        finally:
            if self.futures.pop(user, None) is not None:
                self.native.cancel(user)


class Kernel:
    """policy: a file, or several with ':' between. config: larder.toml. Without one there is a memory store `l1`."""

    def __init__(self, policy=None, *, policy_text=None, config=None, config_text=None, profile=None, plugin_path=None,
                 env=None, virtual_time=False, allow_missing=False, admin=False):
        flags = virtual_time * VIRTUAL_TIME | allow_missing * ALLOW_MISSING | admin * ADMIN
        self._how = dict(policy=policy and os.fspath(policy), policy_text=policy_text, config=config and os.fspath(config),
                         config_text=config_text, profile=profile, plugin_path=plugin_path,
                         env=[f"{name}={value}" for name, value in (env or {}).items()], flags=flags)
        self.virtual_time = virtual_time
        self._lock = threading.Lock()
        self._forget()
        _all.add(self)

    def _forget(self):
        """After a fork: the parent's kernel is the parent's."""
        self._native, self._spaces, self._waiting = None, {}, _Waiting()
        self._awaited, self._loops = weakref.WeakKeyDictionary(), []

    # ---- its life

    @property
    def native(self):
        if self._native is None:
            self.open()
        return self._native

    def open(self):
        """At once, and not at the first use. Error: policy or configuration is wrong, and args[1] says where."""
        with self._lock:
            if self._native is None:
                self._native = _larder.Kernel(**self._how)
        return self

    def close(self):
        with self._lock:
            native, self._native = self._native, None
            awaited, loops = list(self._awaited.values()), self._loops
            self._forget()
        for one in awaited + loops:
            one.close()
        if native is not None:
            native.close()

    def __enter__(self):
        return self.open()

    def __exit__(self, *ignored):
        self.close()

    def reload(self):
        self.native.reload()

    def advance(self, seconds):
        """Moves virtual time on."""
        self.native.advance(round(seconds * 1000))

    # ---- how calls are answered

    def space(self, name):
        number = self._spaces.get(name)
        if number is None:
            number = self.native.space(name)
            if number < 0:
                raise KeyError(f"the policy has no namespace `{name}`")
            self._spaces[name] = number
        return number

    def has(self, name):
        return self._spaces.get(name, -1) >= 0 or self.native.space(name) >= 0

    def _loop(self):
        loop = self._waiting.loop
        if loop is None:
            loop = self._waiting.loop = _larder.Loop(self.native)
            self._loops.append(loop)
        return loop

    def _here(self, ask):
        """Blocks this thread for the answer."""
        loop = self._waiting.loop or self._loop()
        answer = ask(loop, 0)
        return answer if type(answer) is not tuple or answer[0] != WAIT else self._wait(loop)

    def _wait(self, loop):
        """A thread asks one thing at a time: what comes is what it waits for."""
        try:
            while True:
                for _, *came in loop.drain():
                    return tuple(came)
                if self.virtual_time:  # nobody moves it while this thread waits
                    return PASS, None, 0
                loop.wait(1000)
        finally:
            loop.cancel(0)

    def _lookup(self, space, key):
        loop = self._waiting.loop or self._loop()
        answer = self._native.lookup(space, key, loop, 0)
        return answer if type(answer) is bytes or answer[0] != WAIT else self._wait(loop)

    def _aio(self):
        loop = asyncio.get_running_loop()
        awaited = self._awaited.get(loop)
        if awaited is None:
            awaited = self._awaited[loop] = _Awaited(self.native, loop, self.virtual_time)
        return awaited

    # ---- entries

    def _value(self, namespace, key, data):
        """_nothing: it cannot be read, and is gone."""
        try:
            return decode(data)
        except ValueError:
            self.native.drop(self.space(namespace), key, None, 0)
            return _nothing

    def _found(self, namespace, key, answer, default):
        if type(answer) is bytes:
            value = self._value(namespace, key, answer)
            return default if value is _nothing else value
        result, data, lease = answer
        if lease:
            self.native.fail(lease)
        if data is None or result not in (HIT, STALE):
            self._judge(result)
            return default
        value = self._value(namespace, key, data)
        return default if value is _nothing else value

    @staticmethod
    def _judge(result):
        if result == -7:
            raise Error("INVALID", "the key does not fit its namespace")

    def get(self, namespace, key, default=None):
        """default: there is none, or what is there cannot be read."""
        space = self._spaces.get(namespace)
        answer = self._lookup(self.space(namespace) if space is None else space, key)
        if type(answer) is bytes:
            try:
                return decode(answer)
            except ValueError:
                pass
        return self._found(namespace, key, answer, default)

    async def aget(self, namespace, key, default=None):
        space = self.space(namespace)
        answer = await self._aio().call(lambda loop, user: self.native.lookup(space, key, loop, user))
        return self._found(namespace, key, answer, default)

    @staticmethod
    def _with(tags, fields):
        """No tags said: it goes with every tag that it could have. An empty list of them: with none."""
        out = [] if tags is None else [("tag", tag) for tag in tags] or [("tag", "")]
        return out + list((fields or {}).items())

    def put(self, namespace, key, value, ttl=None, tags=None, fields=None, flags=0):
        """ttl in seconds, None: the policy's. tags need `with tag`, fields are other `with` values. False: a flag said no."""
        return self.native.put(self.space(namespace), key, encode(value), round((ttl or 0) * 1000), self._with(tags, fields),
                               flags, None, 0) == HIT

    async def aput(self, namespace, key, value, ttl=None, tags=None, fields=None, flags=0):
        space, data, pairs = self.space(namespace), encode(value), self._with(tags, fields)
        answer = await self._aio().call(
            lambda loop, user: self.native.put(space, key, data, round((ttl or 0) * 1000), pairs, flags, loop, user))
        return (answer if isinstance(answer, int) else answer[0]) == HIT

    def drop(self, namespace, key):
        """True: there was one."""
        return self.native.drop(self.space(namespace), key, None, 0) == HIT

    async def adrop(self, namespace, key):
        space = self.space(namespace)
        answer = await self._aio().call(lambda loop, user: self.native.drop(space, key, loop, user))
        return (answer if isinstance(answer, int) else answer[0]) == HIT

    def exists(self, namespace, key):
        return self.native.ttl(self.space(namespace), key) is not None

    def ttl(self, namespace, key):
        """Seconds left; -1 without end; None: no such entry."""
        left = self.native.ttl(self.space(namespace), key)
        return left if left is None or left < 0 else left / 1000

    def expire(self, namespace, key, seconds):
        return self.native.expire(self.space(namespace), key, round(seconds * 1000)) == HIT

    def depend(self, namespace, key, on_namespace, on_key):
        return self.native.depend(self.space(namespace), key, self.space(on_namespace), on_key) == HIT

    def keys(self, namespace, glob=""):
        return sorted(key.decode(errors="replace") for key in self.native.keys(self.space(namespace), glob))

    # ---- loading

    def _fill(self, lease, value, ttl, pairs, loop, user):
        return self.native.fill(lease, encode(value), round((ttl or 0) * 1000), pairs, 0, loop, user)

    def _stale(self, namespace, key, lease):
        data = self.native.fail(lease) if lease else None
        return _nothing if data is None else self._value(namespace, key, data)

    def _without_load(self, namespace, key, answer):
        """The value that `answer` serves, or _nothing, and the lease to fill."""
        result, data, lease = answer
        self._judge(result)
        if result == ABSENT:
            return None, lease
        return (self._value(namespace, key, data) if data is not None and not lease else _nothing), lease

    def get_or_load(self, namespace, key, load, ttl=None, tags=None, fields=None):
        """load() is called once for all who ask meanwhile. None is a value, but where the namespace says `absent`."""
        space = self.space(namespace)
        answer = self._lookup(space, key)
        if type(answer) is bytes:
            value = self._value(namespace, key, answer)
            if value is not _nothing:
                return value
            answer = self._lookup(space, key)
            if type(answer) is bytes:
                return load()
        value, lease = self._without_load(namespace, key, answer)
        if value is not _nothing:
            return value
        try:
            value = load()
            if lease:
                kept, lease = lease, 0
                try:
                    self._fill(kept, value, ttl, self._with(tags, fields), None, 0)
                except TypeError:
                    self.native.fail(kept)
                    raise
            return value
        except BaseException:
            old = self._stale(namespace, key, lease)
            if old is _nothing:
                raise
            return old

    async def aget_or_load(self, namespace, key, load, ttl=None, tags=None, fields=None):
        """As get_or_load; load() may be a coroutine. A hit does not touch the event loop."""
        space, aio = self.space(namespace), self._aio()
        answer = await aio.call(lambda loop, user: self.native.lookup(space, key, loop, user))
        if type(answer) is bytes or (answer[0] == HIT and answer[1] is not None):
            value = self._value(namespace, key, answer if type(answer) is bytes else answer[1])
            if value is not _nothing:
                return value
            answer = await aio.call(lambda loop, user: self.native.lookup(space, key, loop, user))
            if type(answer) is bytes:
                answer = (PASS, None, 0)
        value, lease = self._without_load(namespace, key, answer)
        if value is not _nothing:
            return value
        try:
            value = load()
            if inspect.isawaitable(value):
                value = await value
            if lease:
                kept, lease = lease, 0
                try:
                    pairs = self._with(tags, fields)
                    await aio.call(lambda loop, user: self._fill(kept, value, ttl, pairs, loop, user))
                except TypeError:
                    self.native.fail(kept)
                    raise
            return value
        except BaseException as problem:
            old = self._stale(namespace, key, lease)
            if old is _nothing or isinstance(problem, asyncio.CancelledError):
                raise
            return old

    # ---- invalidation

    def _rule(self, rule):
        """What `tag:x`, `all`, `menu:item:7` or `user_stats*` is about: a namespace's number and a rule of it."""
        if rule == "all" or rule.startswith("tag:"):
            return -1, rule
        parts = rule.split(":")
        for n in range(len(parts), 0, -1):
            name, rest = ".".join(parts[:n]), ":".join(parts[n:])
            if n == len(parts) and name.endswith("*"):  # `user_stats*` is all of user_stats
                name = name.rstrip("*")
            if name and self.has(name):
                return self.space(name), "namespace" if rest in ("", "*") else ("glob:" if "*" in rest else "key:") + rest
        raise KeyError(f"`{rule}` begins with no namespace of the policy")

    def invalidate(self, rule, namespace=None, what=DROP):
        """`tag:x`, `all`, `NAMESPACE:GLOB`; with a namespace its `glob:`, `key:`, `prefix:` or `namespace`. The receipt."""
        space, rule = (self.space(namespace), rule) if namespace is not None else self._rule(rule)
        return self._receipt(self.native.invalidate(what, space, rule, None, 0))

    async def ainvalidate(self, rule, namespace=None, what=DROP):
        space, rule = (self.space(namespace), rule) if namespace is not None else self._rule(rule)
        return self._receipt(await self._aio().call(lambda loop, user: self.native.invalidate(what, space, rule, loop, user)))

    @staticmethod
    def _receipt(answer):
        result, text = answer[0], answer[1]
        if result < 0:
            raise Error(str(result), "the invalidation was not done; the kernel's log says more")
        return json.loads(text) if text else {}

    def event(self, name, **values):
        return self._receipt(self.native.event(name, [(key, str(value)) for key, value in values.items()], None, 0))

    async def aevent(self, name, **values):
        pairs = [(key, str(value)) for key, value in values.items()]
        return self._receipt(await self._aio().call(lambda loop, user: self.native.event(name, pairs, loop, user)))

    def route(self, method, path, status=200, query="", headers=(), body=b""):
        """The application has answered a request: the policy's rules fire."""
        return self._receipt(self.native.route(method, path, query, list(headers), body, status))

    async def aroute(self, method, path, status=200, query="", headers=(), body=b""):
        headers = list(headers)
        return self._receipt(await self._aio().call(
            lambda loop, user: self.native.route(method, path, query, headers, body, status, loop, user)))

    # ---- sessions and reports

    async def asession(self, verb, name, who, data=None):
        text = "" if data is None else json.dumps(data)
        answer = await self._aio().call(lambda loop, user: self.native.session(verb, name, who, text, loop, user))
        return self._session(verb, answer)

    def session(self, verb, name, who, data=None):
        """create(user, data) -> id; get(id), update(id, patch) -> data; rotate(id) -> id; end(id), end_user(user)."""
        text = "" if data is None else json.dumps(data)
        return self._session(verb, self.native.session(verb, name, who, text, None, 0))

    @staticmethod
    def _session(verb, answer):
        result, data = answer[0], answer[1]
        if result < 0:
            raise Error(str(result), f"session {verb} failed; the kernel's log says more")
        if verb in ("end", "end_user"):
            return result == HIT
        if result != HIT or data is None:
            return None
        return data.decode() if verb in ("create", "rotate") else json.loads(data) if data else None

    def report(self, what):
        return self.native.report(what)

    def stats(self, section=""):
        return json.loads(self.native.report(f"json stats {section}".strip()))

    def explain(self, what):
        return self.native.report(f"explain {what}")

    def alerts(self, now=False):
        return json.loads(self.native.report("json alerts now" if now else "json alerts"))["alerts"]

    def watch_alerts(self, told):
        """told(alert) is called on the running event loop for each alert that fires or is resolved."""
        awaited = self._aio()
        user = next(awaited.users)
        awaited.watching[user] = told
        awaited.native.watch_alerts(user)

    def warm(self, namespace=None):
        """Begins the policy's `warm` items of a namespace, or all: how many runs. `report("warm runs")` tells how far they are."""
        return self.native.warm(-1 if namespace is None else self.space(namespace))


_all = weakref.WeakSet()


def _after_fork():
    for kernel in list(_all):
        kernel._lock = threading.Lock()
        kernel._inherited = (kernel._native, kernel._awaited, kernel._loops)  # kept, never ended: the parent's
        kernel._forget()


os.register_at_fork(after_in_child=_after_fork)
