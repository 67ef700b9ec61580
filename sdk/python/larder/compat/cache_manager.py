# sdk/python/larder/compat/cache_manager.py -- CacheManager and the caches of queries, vectors and evidence.
from ..keys import digest
from . import _system


class CacheManager:
    """get and set by type: a namespace of the policy, with its ttl."""

    async def get(self, key, cache_type="default"):
        return await _system.aget(key, cache_type)

    async def set(self, key, value, ttl=None, cache_type="default"):
        return await _system.aput(key, value, ttl, cache_type)

    async def delete(self, key, cache_type="default"):
        return await _system.kernel().adrop(*_system.place(key, cache_type))

    def build_cache_key(self, key, cache_type):
        return f"{cache_type}:{key}"

    async def get_keys(self, pattern, cache_type=None):
        """Full keys, as build_cache_key makes them, that fit a pattern of such."""
        name, glob = _system.place(pattern, cache_type)
        return [key if name == "cache" else f"{name}:{key}" for key in _system.kernel().keys(name, glob)]

    async def invalidate_pattern(self, pattern):
        return await _system.adrop_pattern(pattern)

    async def invalidate_type(self, cache_type):
        return await _system.adrop_pattern(f"{cache_type}:*")


class _DigestedCache:
    cache_type, ttl = "", None

    def __init__(self, cache_manager):
        self.cache_manager = cache_manager

    async def _get(self, key):
        return await self.cache_manager.get(key, self.cache_type)

    async def _set(self, key, value):
        return await self.cache_manager.set(key, value, self.ttl, self.cache_type)


class SQLQueryCache(_DigestedCache):
    """Digests are the same in every process, which hash() is not."""

    cache_type, ttl = "sql_query", 300

    async def get_query_result(self, query_hash, parameters):
        return await self._get(f"sql:{query_hash}:{digest(str(parameters))}")

    async def set_query_result(self, query_hash, parameters, result):
        return await self._set(f"sql:{query_hash}:{digest(str(parameters))}", result)


class VectorSearchCache(_DigestedCache):
    cache_type, ttl = "vector_search", 600

    async def get_search_result(self, query_hash, filters):
        return await self._get(f"vector:{query_hash}:{digest(str(filters))}")

    async def set_search_result(self, query_hash, filters, result):
        return await self._set(f"vector:{query_hash}:{digest(str(filters))}", result)


class EvidencePackCache(_DigestedCache):
    cache_type, ttl = "evidence_pack", 1800

    async def get_evidence_pack(self, query_hash, evidence_hash):
        return await self._get(f"evidence:{query_hash}:{evidence_hash}")

    async def set_evidence_pack(self, query_hash, evidence_hash, evidence_pack):
        return await self._set(f"evidence:{query_hash}:{evidence_hash}", evidence_pack)
