# sdk/python/larder/compat/cache_versioning.py -- versioned_cache: values by version, older ones migrated when they are read.
import enum
import functools
import inspect

from .. import functions
from ..kernel import _nothing
from . import _system


class CacheVersion(str, enum.Enum):
    V1 = "v1"
    V2 = "v2"
    V3 = "v3"


_migrations = {}


def migration(namespace, from_version, to_version):
    """Registers a function that makes a value of one version into one of another."""
    def around(function):
        _migrations[namespace, CacheVersion(from_version), CacheVersion(to_version)] = function
        return function
    return around


def versioned_cache(version, fallback_versions=(), namespace=None, ttl=None):
    """A value of `version`, else one of the fallbacks in their order: migrated where a migration is registered, as it is
    where none is, and kept as `version` from then on; else the function's."""
    version = CacheVersion(version)

    def older(key):
        for fallback in fallback_versions:
            fallback = CacheVersion(fallback)
            value = _system.get(f"{fallback.value}:{key}", namespace, _nothing)
            if value is not _nothing:
                migrate = _migrations.get((namespace, fallback, version))
                return value if migrate is None else migrate(value)
        return _nothing

    def around(function):
        def key_of(*args, **named):
            return functions.call_key(function.__name__, function, args, named)

        if inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def wrapper(*args, **named):
                key = key_of(*args, **named)

                async def load():
                    value = older(key)
                    return await function(*args, **named) if value is _nothing else value

                name, text = _system.place(f"{version.value}:{key}", namespace)
                return await _system.kernel().aget_or_load(name, text, load, ttl, [])
        else:
            @functools.wraps(function)
            def wrapper(*args, **named):
                key = key_of(*args, **named)

                def load():
                    value = older(key)
                    return function(*args, **named) if value is _nothing else value

                name, text = _system.place(f"{version.value}:{key}", namespace)
                return _system.kernel().get_or_load(name, text, load, ttl, [])
        wrapper.key_of = key_of
        return wrapper

    return around
