# sdk/python/larder/compat/user_cache.py -- @cached(ttl, key_prefix), CacheKeys, the middleware and the services of users.
import inspect
import os

from .. import asgi, functions
from ..keys import key as _key
from . import _system


class CacheConfig:
    USER_STATS_TTL = int(os.getenv("USER_STATS_TTL", "300"))
    USER_LIST_TTL = int(os.getenv("USER_LIST_TTL", "60"))
    USER_DETAILS_TTL = int(os.getenv("USER_DETAILS_TTL", "180"))
    DASHBOARD_STATS_TTL = int(os.getenv("DASHBOARD_STATS_TTL", "600"))
    SUPERADMIN_USER_LIST_TTL = int(os.getenv("SUPERADMIN_USER_LIST_TTL", "900"))


def cached(ttl=300, key_prefix=""):
    """The key is PREFIX:FUNCTION:ARGUMENT:VALUE:..., `user_service:get_user_details:user_id:5779356081`."""
    def around(function):
        prefix = f"{key_prefix}:{function.__name__}" if key_prefix else function.__name__
        return _system.cached(prefix, ttl)(function)
    return around


def cache_key_builder(*args, **kwargs):
    return _key("", [functions._plain(one) for one in args], {name: functions._plain(one) for name, one in kwargs.items()})


def invalidate_cache_pattern(pattern):
    return _system.drop_pattern(pattern)


class CacheKeys:
    @staticmethod
    def invalidate_user_caches(user_id=None):
        """Of one user, with the lists and statistics that have him; without one of all."""
        for group in ("user_stats", "user_list", "dashboard_stats"):
            _system.drop_pattern(f"{group}:*")
        _system.drop_pattern("user_details:*" if user_id is None else f"user_details:{user_id}")
        _system.drop_pattern("user_service:*" if user_id is None else f"user_service:*:{user_id}")


class RedisCache:
    @property
    def is_available(self):
        return True  # memory is; what becomes of a Redis below it is the policy's breaker's

    def get(self, key):
        return _system.get(key)

    def set(self, key, value, ttl=300):
        return _system.put(key, value, ttl)

    def delete(self, key):
        return _system.kernel().drop(*_system.place(key))

    def delete_pattern(self, pattern):
        return _system.drop_pattern(pattern)

    def exists(self, key):
        return _system.kernel().exists(*_system.place(key))


cache = RedisCache()


class CacheInvalidationMiddleware(asgi.Middleware):
    """app.add_middleware(CacheInvalidationMiddleware): the policy's route rules fire on POST, PUT, PATCH and DELETE."""

    @property
    def kernel(self):
        return self._kernel or _system.kernel()


class CachedUserService:
    """Users of a database, cached. `db`, or a subclass, has find_user(id), change_user(id, changes), and, for the statistics,
    user_statistics() and dashboard_statistics()."""

    def __init__(self, db):
        self.db = db
        self.cache = cache

    @cached(ttl=CacheConfig.USER_DETAILS_TTL, key_prefix="user_service")
    def get_user_by_id(self, user_id):
        return self.db.find_user(user_id)

    def update_user(self, user_id, updates):
        """Drops what is about the user once the database has the change."""
        user = self.db.change_user(user_id, updates)
        CacheKeys.invalidate_user_caches(user_id)
        return user

    @cached(ttl=CacheConfig.USER_STATS_TTL, key_prefix="user_stats")
    def get_user_statistics(self):
        return self.db.user_statistics()

    @cached(ttl=CacheConfig.DASHBOARD_STATS_TTL, key_prefix="dashboard_stats")
    def get_dashboard_statistics(self):
        return self.db.dashboard_statistics()

    def warm_cache(self):
        self.get_dashboard_statistics()
        self.get_user_statistics()


class CacheWarmupService:
    """What is warmed at the start: the services that were registered."""

    services = []

    @classmethod
    def register(cls, service):
        cls.services.append(service)
        return service

    @staticmethod
    async def warm_essential_caches():
        for service in CacheWarmupService.services:
            made = service.warm_cache()
            if inspect.isawaitable(made):
                await made

    @staticmethod
    async def schedule_cache_refresh():
        """Once: makes the expensive ones anew. The application's own timer calls it."""
        for group in ("user_stats", "dashboard_stats"):
            await _system.adrop_pattern(f"{group}:*")
        await CacheWarmupService.warm_essential_caches()
