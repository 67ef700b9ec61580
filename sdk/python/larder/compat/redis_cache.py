# sdk/python/larder/compat/redis_cache.py -- redis_cache and @cached(namespace, ttl, tags).
from . import _system


class RedisCache:
    """Awaited, as the module it stands for. Nothing here raises but TypeError, for a value that has no JSON."""

    async def get(self, key, namespace=None):
        return await _system.aget(key, namespace)

    async def set(self, key, value, ttl=None, namespace=None, tags=()):
        return await _system.aput(key, value, ttl, namespace, tags)

    async def delete(self, key, namespace=None):
        name, key = _system.place(key, namespace)
        return await _system.kernel().adrop(name, key)

    async def exists(self, key, namespace=None):
        return _system.kernel().exists(*_system.place(key, namespace))

    async def get_or_set(self, key, factory, ttl=None, namespace=None, tags=()):
        """The factory, plain or a coroutine, runs once for all who ask meanwhile."""
        name, key = _system.place(key, namespace)
        return await _system.kernel().aget_or_load(name, key, factory, ttl, list(tags))

    async def delete_pattern(self, pattern, namespace=None):
        return await _system.adrop_pattern(pattern, namespace)

    async def invalidate_tag(self, tag):
        await _system.kernel().ainvalidate(f"tag:{tag}")
        return True


redis_cache = RedisCache()


def cached(namespace=None, ttl=None, tags=(), key=None):
    return _system.cached(None, ttl, namespace, tags, key)
