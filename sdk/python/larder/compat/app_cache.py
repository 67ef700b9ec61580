# sdk/python/larder/compat/app_cache.py -- enhanced_cache, @cache_result, @cache_invalidate, CacheKey and sessions.
import functools
import inspect

from .. import functions
from ..keys import key as _key
from . import _system


class CacheKey:
    @staticmethod
    def generate(prefix, *args, **named):
        return _key(prefix, [functions._plain(one) for one in args], {name: functions._plain(one) for name, one in named.items()})

    @staticmethod
    def user_subscriptions(user_id):
        return CacheKey.generate("user:subscriptions", user_id)

    @staticmethod
    def coverage_areas(firm_id):
        return CacheKey.generate("firm:coverage_areas", firm_id)

    @staticmethod
    def session(session_id):
        return CacheKey.generate("session", session_id)


class Invalidation:
    async def invalidate_pattern(self, pattern):
        return await _system.adrop_pattern(pattern)

    def __init__(self):
        self._dependents = {}

    def add_dependency(self, key, dependencies):
        """invalidate_dependencies(key) drops these; an entry of them that is there goes with the entry `key`, too."""
        name, text = _system.place(key)
        for one in dependencies:
            self._dependents.setdefault(key, set()).add(one)
            _system.kernel().depend(*_system.place(one), name, text)

    async def invalidate_dependencies(self, key):
        name, text = _system.place(key)
        await _system.kernel().adrop(name, text)
        for one in self._dependents.get(key, ()):
            await _system.kernel().adrop(*_system.place(one))


class SessionManager:
    """The policy's `session login`: sealed, found by a secret, at most as many as it says."""

    def __init__(self, name="login"):
        self.name = name

    async def create_session(self, user_id, session_data):
        return await _system.kernel().asession("create", self.name, str(user_id), session_data)

    async def get_session(self, session_id):
        return await _system.kernel().asession("get", self.name, session_id)

    async def update_session(self, session_id, updates):
        """What is not named stays."""
        return await _system.kernel().asession("update", self.name, session_id, updates)

    async def delete_session(self, session_id):
        return await _system.kernel().asession("end", self.name, session_id)


class EnhancedCacheService:
    def __init__(self):
        self.invalidation = Invalidation()
        self.session_manager = SessionManager()

    async def get(self, key, default=None):
        return await _system.aget(key, None, default)

    async def set(self, key, value, expire=None):
        return await _system.aput(key, value, expire)

    async def delete(self, *keys):
        """How many there were."""
        return sum([await _system.kernel().adrop(*_system.place(key)) for key in keys])

    async def exists(self, key):
        return _system.kernel().exists(*_system.place(key))

    async def expire(self, key, seconds):
        return _system.kernel().expire(*_system.place(key), seconds)

    async def ttl(self, key):
        """Seconds; -1 without end, -2 where there is none."""
        left = _system.kernel().ttl(*_system.place(key))
        return -2 if left is None else -1 if left < 0 else round(left)


enhanced_cache = EnhancedCacheService()


def cache_result(expire=None, key_prefix=None):
    return _system.cached(key_prefix, expire)


def cache_invalidate(*patterns):
    """Once the function has returned, and not if it raises."""
    def around(function):
        if inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def wrapper(*args, **named):
                result = await function(*args, **named)
                for pattern in patterns:
                    await _system.adrop_pattern(pattern)
                return result
        else:
            @functools.wraps(function)
            def wrapper(*args, **named):
                result = function(*args, **named)
                for pattern in patterns:
                    _system.drop_pattern(pattern)
                return result
        return wrapper
    return around


async def _forget(kind, number):
    """KIND:...:NUMBER and KIND_...:...:NUMBER, as CacheKey and the decorators write them."""
    for pattern in (f"{kind}:*:{number}", f"{kind}:{number}", f"{kind}:*:{number}:*", f"{kind}_*:{number}", f"{kind}_*:{number}:*"):
        await _system.adrop_pattern(pattern)


async def invalidate_user_cache(user_id):
    await _forget("user", functions._plain(user_id))


async def invalidate_firm_cache(firm_id):
    await _forget("firm", functions._plain(firm_id))
