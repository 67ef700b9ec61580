"""The names of other cache modules over larder: code that used them runs with its import line changed.

    from core.redis_cache import redis_cache, cached            from larder.compat.redis_cache import redis_cache, cached
    from core.enhanced_redis_cache import ...                   from larder.compat.enhanced_redis_cache import ...
    from core.memory_cache import with_memory_cache             from larder.compat.memory_cache import with_memory_cache
    from core.cache_versioning import versioned_cache           from larder.compat.cache_versioning import versioned_cache
    from core.cache_preloader import pattern_analyzer           from larder.compat.cache_preloader import pattern_analyzer
    from core.cache_monitoring import cache_monitor             from larder.compat.cache_monitoring import cache_monitor
    from modules.menu.services.menu_cache_service import ...    from larder.compat.menu_cache_service import ...
    from modules.analytics.services.analytics_cache_service ... from larder.compat.analytics_cache_service import ...
    from app.core.cache import enhanced_cache, cache_result     from larder.compat.app_cache import enhanced_cache, cache_result
    from app.services.cache_warming import ...                  from larder.compat.cache_warming import ...
    CacheKeys, CachedUserService, CacheInvalidationMiddleware   from larder.compat.user_cache import ...
    CacheManager, SQLQueryCache, VectorSearchCache ...          from larder.compat.cache_manager import ...

Values are JSON; 0, "" and [] are hits; a call that raises invalidates nothing. use(kernel) gives the modules a kernel with a
policy of the application's own; made() is what they have without."""
from ._system import kernel, made, use

__all__ = ["kernel", "made", "use"]
