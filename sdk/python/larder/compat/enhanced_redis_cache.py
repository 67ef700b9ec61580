# sdk/python/larder/compat/enhanced_redis_cache.py -- compression and levels, which are the policy's, by their old names.
import os

from . import _system
from .redis_cache import RedisCache


class EnhancedCache(RedisCache):
    """Its attributes change what the policy reads of the environment, and read it again."""

    @staticmethod
    def _say(name, value):
        os.environ[name] = value
        _system.kernel().reload()

    @property
    def enable_compression(self):
        return os.environ.get("CACHE_COMPRESSION_ENABLED", "true") == "true"

    @enable_compression.setter
    def enable_compression(self, on):
        self._say("CACHE_COMPRESSION_ENABLED", "true" if on else "false")

    @property
    def compression_threshold(self):
        return int(os.environ.get("CACHE_COMPRESSION_THRESHOLD", "1024"))

    @compression_threshold.setter
    def compression_threshold(self, size):
        self._say("CACHE_COMPRESSION_THRESHOLD", str(int(size)))


enhanced_cache = EnhancedCache()


def cached_with_compression(namespace=None, ttl=None, compress=True, memory_cache_ttl=None, key=None):
    """compress and memory_cache_ttl are what the policy says of the namespace (`compress`, `tiers l1 5m`); they are taken
    so that calls need no change."""
    return _system.cached(None, ttl, namespace, (), key)


async def cache_large_object(key, value, namespace=None, ttl=None):
    return await _system.aput(key, value, ttl, namespace)
