# tests/integration/python_seeds_test.py -- code written for five other cache modules, run with its import line changed.
#
# What stands in triple quotes is quoted from those systems' documents as it is, but for the import lines; each piece runs
# inside a coroutine or a module of its own, with the application around it that its document leaves out.
import asyncio
import datetime
import os
import pathlib
import sys
import textwrap
import types
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
BUILD = pathlib.Path(os.environ.get("LARDER_BUILD_DIR", ROOT / "build/release"))
PACKAGE = BUILD / "bin/python"
sys.path.insert(0, str(PACKAGE))
try:
    import larder
    from larder import compat
    from larder.compat import user_cache
except ImportError:
    if (PACKAGE / "larder").exists():
        raise
    larder = None


def run(quoted, **given):
    """Runs a quoted piece; `await` may stand outside of functions, as it does in documents. Its names afterwards."""
    names = {"given": given}
    body = textwrap.indent("".join(f"{name} = given[{name!r}]\n" for name in given) + textwrap.dedent(quoted), "    ")
    exec(compile(f"async def piece():\n{body}\n    return dict(locals())", "quoted", "exec"), names)
    return asyncio.run(names["piece"]())


@unittest.skipIf(larder is None, "python3-dev is not installed: the package was left out")
class Case(unittest.TestCase):
    def setUp(self):
        self.kernel = compat.use(compat.made(virtual_time=True))
        self.addCleanup(compat.use, None)
        self.addCleanup(self.kernel.close)
        self.calls = 0

    def call(self, answer=None):
        self.calls += 1
        return {"call": self.calls} if answer is None else answer


class RestaurantPlatform(Case):
    def test_manual_operations_and_get_or_set(self):
        names = run('''
            from larder.compat.redis_cache import redis_cache
            await redis_cache.set("key", value, ttl=300, namespace="orders", tags=["active"])
            value = await redis_cache.get("key", namespace="orders")
            await redis_cache.delete_pattern("order:*", namespace="orders")
            still = await redis_cache.get("key", namespace="orders")
            await redis_cache.invalidate_tag("active")
            gone = await redis_cache.get("key", namespace="orders")
            result = await redis_cache.get_or_set(
                key="expensive_calculation",
                factory=lambda: perform_expensive_calculation(),
                ttl=3600,
                namespace="analytics"
            )
            await redis_cache.get_or_set("expensive_calculation", perform_expensive_calculation, namespace="analytics")
            ''', value={"a": 0}, perform_expensive_calculation=self.call)
        self.assertEqual((names["value"], names["still"], names["gone"]), ({"a": 0}, {"a": 0}, None))
        self.assertEqual((names["result"], self.calls), ({"call": 1}, 1))

    def test_the_decorator_keeps_an_item_for_an_hour_and_its_tag_drops_it(self):
        names = run('''
            from larder.compat.redis_cache import redis_cache, cached

            @cached(namespace="menu", ttl=3600, tags=["menu_items"])
            async def get_menu_item(item_id: int):
                # Expensive database query
                return query(item_id)
            first = [await get_menu_item(7), await get_menu_item(item_id=7), await get_menu_item(8)]
            await redis_cache.invalidate_tag("menu_items")
            again = await get_menu_item(7)
            ''', query=lambda item_id: self.call())
        self.assertEqual(names["first"], [{"call": 1}, {"call": 1}, {"call": 2}])
        self.assertEqual(names["again"], {"call": 3})

    def test_tags_of_categories_and_tenants_and_patterns_of_dates(self):
        names = run('''
            from larder.compat.redis_cache import redis_cache
            await redis_cache.set(
                key="menu:item:123",
                value=menu_data,
                tags=["menu_items", "category:5", "tenant:1"]
            )
            await redis_cache.set(key="menu:item:124", value=menu_data, tags=["menu_items", "category:6", "tenant:1"])
            # Invalidate all items in category 5
            await redis_cache.invalidate_tag("category:5")
            after_category = [await redis_cache.get("menu:item:123"), await redis_cache.get("menu:item:124")]
            # Invalidate all tenant 1 data
            await redis_cache.invalidate_tag("tenant:1")
            after_tenant = await redis_cache.get("menu:item:124")
            await redis_cache.set("sales:2024-01-07", 1, namespace="analytics")
            await redis_cache.set("sales:2024-02-07", 2, namespace="analytics")
            # Delete specific date range
            await redis_cache.delete_pattern("sales:2024-01-*", namespace="analytics")
            sales = [await redis_cache.get(f"sales:2024-0{month}-07", namespace="analytics") for month in (1, 2)]
            ''', menu_data={"name": "soup"})
        self.assertEqual(names["after_category"], [None, {"name": "soup"}])
        self.assertEqual((names["after_tenant"], names["sales"]), (None, [None, 2]))

    def test_menu_and_analytics_services(self):
        names = run('''
            from larder.compat.menu_cache_service import MenuCacheService
            from larder.compat.analytics_cache_service import AnalyticsCacheService
            # Cache menu item
            await MenuCacheService.cache_menu_item(item, tenant_id=1)
            # Cache recipe cost calculation
            await MenuCacheService.cache_recipe_cost(
                recipe_id=123,
                cost_data={"total": 15.50, "per_serving": 3.10},
                tenant_id=1
            )
            costs = [await MenuCacheService.get_recipe_cost(123, 1), await MenuCacheService.get_recipe_cost(123, 2)]
            # Invalidate when prices change
            await MenuCacheService.invalidate_all_recipe_costs()
            after = [await MenuCacheService.get_recipe_cost(123, 1), await MenuCacheService.get_menu_item(7, 1)]
            # Cache dashboard data with smart TTL
            await AnalyticsCacheService.cache_dashboard_data(
                data=dashboard_metrics,
                start_date=start,
                end_date=end,
                filters={"location": 1},
                tenant_id=1
            )
            # Cache AI insights
            await AnalyticsCacheService.cache_ai_insights(
                insights=ai_results,
                insight_type="demand_prediction",
                context={"period": "next_week"},
                tenant_id=1
            )
            found = [await AnalyticsCacheService.get_dashboard_data(start, end, {"location": 1}, 1),
                     await AnalyticsCacheService.get_dashboard_data(start, end, {"location": 2}, 1),
                     await AnalyticsCacheService.get_ai_insights("demand_prediction", {"period": "next_week"}, 1)]
            ''', item={"id": 7, "category_id": 5}, dashboard_metrics={"sales": 0}, ai_results=[1], start=datetime.date(2024, 1, 1),
            end=datetime.date(2024, 1, 31))
        self.assertEqual(names["costs"], [{"total": 15.5, "per_serving": 3.1}, None])
        self.assertEqual(names["after"], [None, {"id": 7, "category_id": 5}])
        self.assertEqual(names["found"], [{"sales": 0}, None, [1]])

    def test_warming_by_calling_what_is_cached(self):
        run('''
            from datetime import timedelta
            from larder.compat.redis_cache import cached

            @cached(namespace="analytics")
            async def get_dashboard_data(start, end):
                return load()

            # Proactive cache warming for critical data
            async def warm_dashboard_cache():
                common_date_ranges = [
                    (today, today),  # Today
                    (today - timedelta(days=7), today),  # Last week
                    (today - timedelta(days=30), today),  # Last month
                ]

                for start, end in common_date_ranges:
                    await get_dashboard_data(start, end)  # Populates cache
            await warm_dashboard_cache()
            await warm_dashboard_cache()
            ''', today=datetime.date(2024, 1, 31), load=self.call)
        self.assertEqual(self.calls, 3)

    def test_statistics_and_alert_callbacks(self):
        self.kernel.put("menu", "1", 1)
        for key in "1222222222":
            self.kernel.get("menu", key)
        names = run('''
            from larder.compat.cache_monitoring import cache_monitor
            # Get cache statistics
            stats = cache_monitor.metrics.get_summary()
            # Add alert callback
            async def on_cache_alert(alert_data):
                if alert_data["type"] == "low_hit_rate":
                    seen.append(alert_data)

            cache_monitor.add_alert_callback(on_cache_alert)
            kernel.advance(301)
            import asyncio
            for _ in range(60):
                kernel.get("menu", "3")
                kernel.advance(5)
                cache_monitor.check_health()
                await asyncio.sleep(0)
            ''', seen=[], kernel=self.kernel)
        self.assertEqual(names["stats"]["overall"]["hit_rate"], 10)
        self.assertEqual(names["stats"]["by_namespace"]["menu"]["hit_rate"], 10)
        self.assertGreaterEqual(names["stats"]["overall"]["total_operations"], 10)
        self.assertIn("average_latency_ms", names["stats"]["overall"])
        self.assertTrue(names["seen"])
        self.assertTrue(names["seen"][0]["firing"])
        names["cache_monitor"].callbacks.clear()


class Warehouse(Case):
    def test_get_and_set_by_type_and_invalidation_by_pattern_and_type(self):
        names = run('''
            from larder.compat.cache_manager import CacheManager, SQLQueryCache, VectorSearchCache, EvidencePackCache
            manager = CacheManager()
            sql, vectors, evidence = SQLQueryCache(manager), VectorSearchCache(manager), EvidencePackCache(manager)
            await sql.set_query_result("q1", {"sku": 7}, [])
            await vectors.set_search_result("q1", {"zone": 1}, [1])
            await evidence.set_evidence_pack("q1", "e1", {"score": 0})
            got = [await sql.get_query_result("q1", {"sku": 7}), await vectors.get_search_result("q1", {"zone": 1}),
                   await evidence.get_evidence_pack("q1", "e1")]
            await manager.set("config", 0, None, "config_data")
            await manager.set("loose", 1)
            keys = await manager.get_keys("sql_query:*")
            await manager.invalidate_type("sql_query")
            after = [await sql.get_query_result("q1", {"sku": 7}), await manager.get("config", "config_data"), await manager.get("loose")]
            await manager.invalidate_pattern("lo*")
            last = await manager.get("loose")
            ''')
        self.assertEqual(names["got"], [[], [1], {"score": 0}])
        self.assertEqual(len(names["keys"]), 1)
        self.assertTrue(names["keys"][0].startswith("sql_query:sql:q1:"))
        self.assertEqual((names["after"], names["last"]), ([None, 0, 1], None))
        run('''
            from larder.compat.cache_manager import CacheManager, SQLQueryCache
            await SQLQueryCache(CacheManager()).set_query_result("q1", {"sku": 7}, [1])
            ''')
        self.kernel.advance(299)
        self.assertEqual(len(self.kernel.keys("sql_query")), 1)
        self.kernel.advance(2)
        self.assertIsNone(self.kernel.get("sql_query", self.kernel.keys("sql_query")[0]) if self.kernel.keys("sql_query") else None)


class Hotel(Case):
    def test_the_decorator_s_key_is_the_one_its_document_names(self):
        names = run('''
            from larder.compat.user_cache import cached

            @cached(ttl=300, key_prefix="user_service")
            def get_user_details(user_id: str):
                """Get user details with caching"""
                return database_query_for_user(user_id)

            # Cache key will be: "user_service:get_user_details:user_id:5779356081"
            got = [get_user_details("5779356081"), get_user_details(user_id="5779356081")]
            ''', database_query_for_user=lambda user_id: self.call())
        self.assertEqual(names["got"], [{"call": 1}] * 2)
        self.assertEqual(names["get_user_details"].key_of("5779356081"), "user_service:get_user_details:user_id:5779356081")
        self.assertTrue(self.kernel.exists("user_service", "get_user_details:user_id:5779356081"))

    def test_manual_invalidation_of_one_user_of_all_and_by_pattern(self):
        def fill():
            for key in ("user_stats:all", "user_list:1", "user_details:5779356081", "user_details:1", "dashboard_stats:all"):
                self.assertTrue(user_cache.cache.set(key, 1))

        def there():
            return [user_cache.cache.exists(key) for key in ("user_stats:all", "user_details:5779356081", "user_details:1")]

        fill()
        run('''
            from larder.compat.user_cache import CacheKeys
            # Invalidate specific user caches
            CacheKeys.invalidate_user_caches(user_id="5779356081")
            ''')
        self.assertEqual(there(), [False, False, True])
        fill()
        run('''
            from larder.compat.user_cache import CacheKeys
            # Invalidate all user caches
            CacheKeys.invalidate_user_caches()
            ''')
        self.assertEqual(there(), [False, False, False])
        fill()
        run('''
            from larder.compat.user_cache import invalidate_cache_pattern
            # Invalidate by pattern
            invalidate_cache_pattern("user_stats*")
            ''')
        self.assertEqual(there(), [False, True, True])

    def test_the_cached_service_reads_once_and_drops_after_the_database_has_the_change(self):
        case = self

        class Database:
            users = {"7": {"name": "Ann"}}

            def find_user(self, user_id):
                case.call()
                return dict(self.users[user_id])

            def change_user(self, user_id, changes):
                self.users[user_id].update(changes)
                return dict(self.users[user_id])

            def user_statistics(self):
                return case.call()

            dashboard_statistics = user_statistics

        names = run('''
            from larder.compat.user_cache import CacheWarmupService, CachedUserService
            cached_service = CachedUserService(db)
            CacheWarmupService.register(cached_service)
            await CacheWarmupService.warm_essential_caches()
            cached_service.get_dashboard_statistics()
            cached_service.get_user_statistics()
            got = [cached_service.get_user_by_id("7"), cached_service.get_user_by_id("7")]
            changed = cached_service.update_user("7", {"name": "Eve"})
            again = cached_service.get_user_by_id("7")
            CacheWarmupService.services.clear()
            ''', db=Database())
        self.assertEqual(names["got"], [{"name": "Ann"}] * 2)
        self.assertEqual((names["again"], self.calls), ({"name": "Eve"}, 4))

    def test_the_middleware_invalidates_on_writes_that_succeeded_and_on_no_read(self):
        try:
            import fastapi
            import httpx  # noqa: F401
        except ImportError:
            fastapi = None

        async def inner(scope, receive, send):
            await send({"type": "http.response.start", "status": 200 if scope["path"] != "/v1.0/user/update/bad" else 400, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        app = user_cache.CacheInvalidationMiddleware(inner)
        if fastapi is not None:  # "app.add_middleware(CacheInvalidationMiddleware)"
            fastapi.FastAPI().add_middleware(user_cache.CacheInvalidationMiddleware)

        def ask(method, path):
            async def nothing(*ignored):
                return {"type": "http.request", "body": b""}
            user_cache.cache.set("user_stats:all", 1)
            user_cache.cache.set("user_details:7", 1)
            asyncio.run(app({"type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": []}, nothing, nothing))
            return user_cache.cache.exists("user_stats:all"), user_cache.cache.exists("user_details:7")

        self.assertEqual(ask("GET", "/v1.0/user/update/7"), (True, True))
        self.assertEqual(ask("PUT", "/v1.0/user/update/bad"), (True, True))
        self.assertEqual(ask("POST", "/v1.0/user/create"), (False, True))
        for method, path in (("PUT", "/v1.0/user/update/7"), ("DELETE", "/v1.0/user/delete/7"), ("PATCH", "/v1.0/user/7/activate"),
                             ("POST", "/v1.0/points/add")):
            self.assertEqual(ask(method, path), (False, False), (method, path))
        self.assertEqual(ask("POST", "/v1.0/permissions/7"), (True, False))


class Enhancements(Case):
    def test_compression_and_large_objects(self):
        names = run('''
            from larder.compat.enhanced_redis_cache import cached_with_compression, cache_large_object
            from larder.compat.redis_cache import redis_cache

            # Automatic compression for large objects
            @cached_with_compression(
                namespace="reports",
                ttl=3600,
                compress=True,
                memory_cache_ttl=300
            )
            async def generate_large_report(report_id: int):
                # Generate large dataset
                return load()
            got = [await generate_large_report(1), await generate_large_report(1)]

            # Manual compression
            await cache_large_object(
                key="yearly_data_2024",
                value=massive_dataset,
                namespace="analytics",
                ttl=86400
            )
            back = await redis_cache.get("yearly_data_2024", namespace="analytics")
            ''', load=lambda: self.call(), massive_dataset=["a line that comes again"] * 5000)
        self.assertEqual((names["got"], len(names["back"])), ([{"call": 1}] * 2, 5000))
        self.assertLess(self.kernel.stats()["namespaces"]["analytics"]["bytes"], 20_000)  # of 130,000

    def test_stacked_decorators_ask_memory_first(self):
        names = run('''
            from larder.compat.memory_cache import with_memory_cache
            from larder.compat.enhanced_redis_cache import cached_with_compression

            # Stack decorators for multi-level caching
            @cached_with_compression(namespace="api", ttl=3600, compress=True)
            @with_memory_cache(namespace="api", ttl=60)
            async def get_api_data(endpoint: str):
                # This will check memory first, then Redis
                return fetch_data(endpoint)
            got = [await get_api_data("x"), await get_api_data("x")]
            ''', fetch_data=lambda endpoint: self.call())
        self.assertEqual(names["got"], [{"call": 1}] * 2)

    def test_patterns_are_recorded_and_the_predictable_ones_come_first(self):
        names = run('''
            from larder.compat.cache_preloader import pattern_analyzer, cache_preloader, PatternAnalyzer

            # Patterns are automatically tracked, but you can manually record
            pattern_analyzer.record_access(
                key="dashboard:main",
                namespace="analytics",
                hit=True,
                latency_ms=2.5,
                size_bytes=1024
            )

            # Analyze patterns
            patterns = pattern_analyzer.analyze_patterns()
            for pattern in patterns:
                if pattern.preload_priority >= 8:
                    print(f"High priority cache: {pattern.key}")

            now = [0.0]
            mine = PatternAnalyzer(clock=lambda: now[0])
            for day in range(7):
                for minute in range(20):
                    now[0] = 1_700_006_400 + day * 86400 + minute * 60
                    mine.record_access("dashboard:main", "analytics", True, 120, 1024)
            for second in range(30):
                now[0] += 1
                mine.record_access("rush", "analytics", False, 1, 1)
            for use in range(40):
                now[0] += 7200
                mine.record_access("poll", "analytics", True, 1, 1)
            mine.record_access("once", "analytics")
            found = {one.key: one for one in mine.analyze_patterns()}
            cache_preloader.max_concurrent_preloads = 20
            cache_preloader.preload_threshold_priority = 7
            ''')
        self.assertEqual(names["patterns"], [])  # once is no pattern
        found = names["found"]
        self.assertEqual({key: one.access_type for key, one in found.items()}, {"dashboard:main": "daily", "rush": "burst", "poll": "periodic"})
        self.assertGreaterEqual(found["dashboard:main"].preload_priority, 8)
        self.assertLess(found["rush"].preload_priority, 5)
        self.assertEqual(len(found["dashboard:main"].peak_hours), 1)

    def test_a_value_of_an_older_version_is_migrated_when_it_is_read(self):
        names = run('''
            from larder.compat.cache_versioning import versioned_cache, CacheVersion, migration

            @versioned_cache(version=CacheVersion.V1, namespace="user_data", ttl=7200)
            async def get_user_profile(user_id: int):
                return {"name": "Ann Lee"}
            old = await get_user_profile(7)

            @migration("user_data", CacheVersion.V1, CacheVersion.V2)
            def split(value):
                first, last = value["name"].split()
                return {"first": first, "last": last}

            @versioned_cache(
                version=CacheVersion.V2,
                fallback_versions=[CacheVersion.V1],
                namespace="user_data",
                ttl=7200
            )
            async def get_user_profile(user_id: int):
                # Will automatically handle V1 to V2 migration
                return fetch_profile(user_id)
            new = [await get_user_profile(7), await get_user_profile(7), await get_user_profile(8)]
            ''', fetch_profile=lambda user_id: self.call())
        self.assertEqual(names["new"], [{"first": "Ann", "last": "Lee"}] * 2 + [{"call": 1}])

    def test_the_threshold_of_compression_changes_at_run_time(self):
        def size(key):
            before = self.kernel.stats()["namespaces"]["analytics"]["bytes"]
            self.kernel.put("analytics", key, "x" * 700, tags=())
            return self.kernel.stats()["namespaces"]["analytics"]["bytes"] - before

        try:
            self.assertGreater(size("1"), 700)
            run('''
                from larder.compat.enhanced_redis_cache import enhanced_cache
                # Configure compression
                enhanced_cache.enable_compression = True
                enhanced_cache.compression_threshold = 512  # 512 bytes
                ''')
            self.assertLess(size("2"), 300)
        finally:
            for name in ("CACHE_COMPRESSION_ENABLED", "CACHE_COMPRESSION_THRESHOLD"):
                os.environ.pop(name, None)


class PanicPlatform(Case):
    def test_basic_operations(self):
        names = run('''
            from larder.compat.app_cache import enhanced_cache
            key, value = "user:profile:123", {"name": ""}
            missing = await enhanced_cache.get(key, default="none")
            await enhanced_cache.set(key, value, expire=3600)
            got = await enhanced_cache.get(key, default=None)
            there = await enhanced_cache.exists(key)
            before = await enhanced_cache.ttl(key)
            await enhanced_cache.expire(key, 60)
            after = await enhanced_cache.ttl(key)
            deleted = await enhanced_cache.delete(key, "no such key")
            gone = [await enhanced_cache.exists(key), await enhanced_cache.ttl(key)]
            ''')
        self.assertEqual((names["missing"], names["got"], names["there"]), ("none", {"name": ""}, True))
        self.assertEqual((names["before"], names["after"], names["deleted"], names["gone"]), (3600, 60, 1, [False, -2]))

    def test_results_are_cached_and_patterns_invalidated_after_the_call_and_not_when_it_raises(self):
        names = run('''
            from larder.compat.app_cache import cache_result, cache_invalidate

            @cache_result(expire=3600, key_prefix="user_profile")
            async def get_user_profile(user_id: str):
                # Expensive database operation
                return load()

            @cache_invalidate("user_profile:*", "user_subscriptions:*")
            async def update_user_profile(user_id: str, updates: dict):
                if not updates:
                    raise ValueError("nothing to change")
                # Cache patterns are automatically invalidated
                return updates
            got = [await get_user_profile("7"), await get_user_profile("7")]
            try:
                await update_user_profile("7", {})
            except ValueError:
                got.append(await get_user_profile("7"))
            await update_user_profile("7", {"name": "Eve"})
            got.append(await get_user_profile("7"))
            ''', load=lambda: self.call())
        self.assertEqual(names["got"], [{"call": 1}] * 3 + [{"call": 2}])

    def test_keys_dependencies_and_entities(self):
        names = run('''
            from larder.compat.app_cache import CacheKey, enhanced_cache, invalidate_firm_cache, invalidate_user_cache
            # Predefined key patterns
            user_key = CacheKey.user_subscriptions(user_id)
            firm_key = CacheKey.coverage_areas(firm_id)
            session_key = CacheKey.session(session_id)
            # Dynamic key generation
            custom_key = CacheKey.generate("prefix", arg1, arg2, param1="value1")

            for key in ("user:subscriptions:123", "user:groups:123", "user:profile:123", "user:profile:124", firm_key):
                await enhanced_cache.set(key, 1)
            # Add cache dependencies
            enhanced_cache.invalidation.add_dependency(
                "user:profile:123",
                ["user:subscriptions:123", "user:groups:123"]
            )
            # Invalidate dependencies
            await enhanced_cache.invalidation.invalidate_dependencies("user:profile:123")
            left = [await enhanced_cache.exists(key) for key in ("user:subscriptions:123", "user:groups:123", "user:profile:123", "user:profile:124")]
            # Invalidate all user-related cache
            await enhanced_cache.set(CacheKey.user_subscriptions(124), 1)
            await invalidate_user_cache(124)
            user = [await enhanced_cache.exists("user:profile:124"), await enhanced_cache.exists(CacheKey.user_subscriptions(124))]
            # Invalidate all firm-related cache
            await invalidate_firm_cache(firm_id)
            firm = await enhanced_cache.exists(firm_key)
            await enhanced_cache.set("user:profile:125", 1)
            # Invalidate all keys matching pattern
            await enhanced_cache.invalidation.invalidate_pattern("user:*")
            last = await enhanced_cache.exists("user:profile:125")
            ''', user_id="123", firm_id=9, session_id="s", arg1=1, arg2="two")
        self.assertEqual((names["user_key"], names["firm_key"], names["custom_key"]), ("user:subscriptions:123", "firm:coverage_areas:9", "prefix:1:two:param1:value1"))
        self.assertEqual((names["left"], names["user"], names["firm"], names["last"]), ([False, False, False, True], [False, False], False, False))

    def test_sessions_are_created_read_updated_in_part_and_deleted(self):
        names = run('''
            from larder.compat.app_cache import enhanced_cache

            session_manager = enhanced_cache.session_manager

            # Create session
            session_id = await session_manager.create_session(user_id, session_data)

            # Get session
            session_data = await session_manager.get_session(session_id)

            # Update session
            await session_manager.update_session(session_id, updates)
            updated = await session_manager.get_session(session_id)

            # Delete session
            await session_manager.delete_session(session_id)
            gone = await session_manager.get_session(session_id)
            ''', user_id="7", session_data={"role": "guest", "cart": []}, updates={"cart": [1]})
        self.assertEqual((names["session_data"], names["updated"], names["gone"]), ({"role": "guest", "cart": []}, {"role": "guest", "cart": [1]}, None))

    def test_endpoint_and_dashboard_caching_by_hand(self):
        run('''
            from larder.compat.app_cache import enhanced_cache, CacheKey

            async def get_active_products():
                cache_key = CacheKey.generate("active_products")

                # Try cache first
                cached_products = await enhanced_cache.get(cache_key)
                if cached_products:
                    return cached_products

                # Fetch from database
                products = await fetch_products_from_db()

                # Cache for 30 minutes
                await enhanced_cache.set(cache_key, products, expire=1800)

                return products

            async def get_user_dashboard_data(user_id: str):
                cache_key = CacheKey.generate("user_dashboard", user_id)

                cached_data = await enhanced_cache.get(cache_key)
                if cached_data:
                    return cached_data

                # Aggregate data from multiple sources
                dashboard_data = {
                    "user_profile": await fetch_products_from_db(),
                    "statistics": await fetch_products_from_db()
                }

                # Cache for 15 minutes
                await enhanced_cache.set(cache_key, dashboard_data, expire=900)

                return dashboard_data
            for _ in range(2):
                await get_active_products()
                await get_user_dashboard_data("7")
            ''', fetch_products_from_db=self.products)
        self.assertEqual(self.calls, 3)
        self.assertEqual([self.kernel.ttl("cache", key) for key in ("active_products", "user_dashboard:7")], [1800, 900])

    async def products(self):
        return [self.call()]

    def test_warming_by_name_and_statistics(self):
        names = run('''
            from larder.compat.app_cache import cache_result
            from larder.compat.cache_warming import cache_warming_service

            @cache_warming_service.register_as("active_products")
            @cache_result(expire=1800, key_prefix="active_products")
            async def active_products():
                return load()

            @cache_warming_service.register_as("coverage_areas")
            async def coverage_areas():
                raise OSError("the database is away")

            # Warm specific cache
            await cache_warming_service.warm_specific_cache("active_products")

            # Warm all caches
            warmed = await cache_warming_service.warm_all_caches()

            # Get cache statistics
            stats = await cache_warming_service.get_cache_statistics()
            cache_warming_service.warmers.clear()
            ''', load=lambda: self.call())
        self.assertEqual((names["warmed"], self.calls), ({"active_products": True, "coverage_areas": False}, 1))
        self.assertEqual((names["stats"]["total_keys"], names["stats"]["keyspace_hits"]), (1, 1))


class Promises(Case):
    def test_falsy_values_are_hits_in_every_module(self):
        for value in (0, "", [], False, {}):
            self.kernel.drop("cache", "f")
            names = run('''
                from larder.compat.app_cache import cache_result

                @cache_result(expire=60, key_prefix="f")
                async def f():
                    load()
                    return value
                got = [await f(), await f()]
                ''', value=value, load=self.call)
            self.assertEqual(names["got"], [value] * 2)
            self.assertEqual(self.calls, 1)
            self.calls = 0
            user_cache.invalidate_cache_pattern("f*")

    def test_what_has_no_json_is_a_typeerror_in_every_module(self):
        for call in (lambda: user_cache.cache.set("x", object()), lambda: user_cache.cached()(lambda: types.SimpleNamespace())()):
            with self.assertRaises(TypeError):
                call()


if __name__ == "__main__":
    unittest.main()
