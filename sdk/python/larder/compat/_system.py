# sdk/python/larder/compat/_system.py -- the kernel behind the compatibility modules, and how their keys find a namespace.
#
# `menu:item:123` is `item:123` of the namespace `menu` where the policy has one of that name; else the whole key stands in the
# namespace `cache`. larder.compat.use(kernel) gives the modules a kernel of the application's own.
import functools
import inspect
import os
import pathlib
import secrets

from .. import functions
from ..kernel import Error, Kernel

_REST = "cache"
_kernel = None


def _config():
    out = ('[store.l1]\nplugin = "memory"\n[codec.gzip]\nplugin = "zlib"\nformat = "gzip"\n[codec.zlib]\nplugin = "zlib"\n'
           '[session.login]\nplugin = "sealed"\nkeys = { env = "SESSION_ENCRYPTION_KEY" }\n'
           '[admin]\nenabled = false\n[log]\nlevel = "error"\n')
    if os.environ.get("REDIS_URL"):
        out += '[store.l2]\nplugin = "redis"\nurl = { env = "REDIS_URL" }\n'
    return out


def made(**how):
    """A kernel with the policy of this package: memory, above the Redis of REDIS_URL where that is set."""
    env = dict(how.pop("env", {}))
    if "SESSION_ENCRYPTION_KEY" not in os.environ:
        env.setdefault("SESSION_ENCRYPTION_KEY", secrets.token_hex(16))  # sessions end with this process
    return Kernel(pathlib.Path(__file__).with_name("seeds.larder"), config_text=_config(), allow_missing=True, env=env, **how)


def use(new):
    """From now on the modules are of this kernel; None: of one of their own."""
    global _kernel
    _kernel = new
    return new


def kernel():
    global _kernel
    if _kernel is None:
        _kernel = functions._default or made()
    return _kernel


def place(key, namespace=None):
    """The namespace and the key in it."""
    if namespace is not None and namespace != "default":
        if kernel().has(namespace):
            return namespace, key
        key = f"{namespace}:{key}"
    first, colon, rest = key.partition(":")
    return (first, rest) if colon and rest and kernel().has(first) else (_REST, key)


def rules(pattern, namespace=None):
    """What a Redis pattern means here: rules of larder_kernel_invalidate, each with its namespace."""
    if namespace is not None:
        if kernel().has(namespace):
            return [(namespace, _rule(pattern))]
        pattern = f"{namespace}:{pattern}"
    first, colon, rest = pattern.partition(":")
    bare = first.rstrip("*")
    out = [(_REST, _rule(pattern))]
    if bare and kernel().has(bare):  # `user_stats*`, `user_stats:*`, `user_details:42`
        out.append((bare, _rule(rest) if colon else "namespace"))
    return out


def _rule(pattern):
    return "namespace" if pattern == "*" else f"glob:{pattern}" if "*" in pattern else f"key:{pattern}"


def get(key, namespace=None, default=None):
    try:
        return kernel().get(*place(key, namespace), default)
    except Error:
        return default


async def aget(key, namespace=None, default=None):
    try:
        return await kernel().aget(*place(key, namespace), default)
    except Error:
        return default


def put(key, value, ttl=None, namespace=None, tags=()):
    """False: it is not kept. TypeError: it has no JSON."""
    try:
        return kernel().put(*place(key, namespace), value, ttl, list(tags or ()))
    except Error:
        return False


async def aput(key, value, ttl=None, namespace=None, tags=()):
    try:
        return await kernel().aput(*place(key, namespace), value, ttl, list(tags or ()))
    except Error:
        return False


def drop_pattern(pattern, namespace=None):
    try:
        for name, rule in rules(pattern, namespace):
            kernel().invalidate(rule, name)
        return True
    except Error:
        return False


async def adrop_pattern(pattern, namespace=None):
    try:
        for name, rule in rules(pattern, namespace):
            await kernel().ainvalidate(rule, name)
        return True
    except Error:
        return False


def cached(prefix, ttl=None, namespace=None, tags=(), key=None):
    """functions.cached, where the key PREFIX:... says the namespace."""

    def around(function):
        def key_of(*args, **named):
            text = key(*args, **named) if key else functions.call_key(prefix or function.__name__, function, args, named)
            return place(text, namespace)

        if inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def wrapper(*args, **named):
                name, text = key_of(*args, **named)
                return await kernel().aget_or_load(name, text, lambda: function(*args, **named), ttl, list(tags or ()))
        else:
            @functools.wraps(function)
            def wrapper(*args, **named):
                name, text = key_of(*args, **named)
                return kernel().get_or_load(name, text, lambda: function(*args, **named), ttl, list(tags or ()))
        wrapper.key_of = lambda *args, **named: ":".join(key_of(*args, **named))
        return wrapper

    return around
