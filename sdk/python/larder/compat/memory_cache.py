# sdk/python/larder/compat/memory_cache.py -- with_memory_cache(namespace, ttl): a copy in this process alone.
from .. import functions
from . import _system


def with_memory_cache(namespace=None, ttl=None):
    def around(function):
        def key(*args, **named):
            return functions.call_key(f"{namespace}:{function.__name__}" if namespace else function.__name__, function, args, named)
        return _system.cached(None, ttl, "memory", (), key)(function)
    return around
