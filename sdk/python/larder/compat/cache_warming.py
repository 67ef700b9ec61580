# sdk/python/larder/compat/cache_warming.py -- cache_warming_service: caches by name, warmed by functions of the application.
import inspect

from . import _system


class CacheWarmingService:
    def __init__(self):
        self.warmers = {}

    def register(self, name, function):
        """The function, plain or a coroutine, fills its cache: it calls what is cached. As a decorator: @register_as(name)."""
        self.warmers[name] = function
        return function

    def register_as(self, name):
        return lambda function: self.register(name, function)

    async def warm_specific_cache(self, name):
        """True: it is warm. KeyError: nobody registered it."""
        made = self.warmers[name]()
        if inspect.isawaitable(made):
            await made
        return True

    async def warm_all_caches(self):
        """By name whether it worked; one that fails stops no other."""
        out = {}
        for name in self.warmers:
            try:
                out[name] = await self.warm_specific_cache(name)
            except Exception:
                out[name] = False
        return out

    async def get_cache_statistics(self):
        stats = _system.kernel().stats()
        hits = sum(one["hits"] for one in stats["namespaces"].values())
        misses = sum(one["misses"] for one in stats["namespaces"].values())
        return {"keyspace_hits": hits, "keyspace_misses": misses, "hit_rate": round(100 * hits / (hits + misses), 2) if hits + misses else 0.0,
                "total_keys": sum(one["entries"] for one in stats["namespaces"].values()), "by_namespace": stats["namespaces"]}


cache_warming_service = CacheWarmingService()
