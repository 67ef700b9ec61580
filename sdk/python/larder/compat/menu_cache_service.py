# sdk/python/larder/compat/menu_cache_service.py -- MenuCacheService: items and recipe costs of tenants.
from . import _system


def _id(item):
    return item["id"] if isinstance(item, dict) else item.id


def _value(item):
    if isinstance(item, dict):
        return item
    return item.to_dict() if hasattr(item, "to_dict") else {name: one for name, one in vars(item).items() if not name.startswith("_")}


class MenuCacheService:
    @staticmethod
    async def cache_menu_item(item, tenant_id, ttl=None):
        value = _value(item)
        tags = ["menu_items", f"tenant:{tenant_id}"] + ([f"category:{value['category_id']}"] if "category_id" in value else [])
        return await _system.aput(f"item:{_id(item)}:t{tenant_id}", value, ttl, "menu", tags)

    @staticmethod
    async def get_menu_item(item_id, tenant_id):
        return await _system.aget(f"item:{item_id}:t{tenant_id}", "menu")

    @staticmethod
    async def cache_recipe_cost(recipe_id, cost_data, tenant_id, ttl=None):
        return await _system.aput(f"recipe_cost:{recipe_id}:t{tenant_id}", cost_data, ttl, "menu", ["recipe_costs", f"tenant:{tenant_id}"])

    @staticmethod
    async def get_recipe_cost(recipe_id, tenant_id):
        return await _system.aget(f"recipe_cost:{recipe_id}:t{tenant_id}", "menu")

    @staticmethod
    async def invalidate_all_recipe_costs():
        await _system.kernel().ainvalidate("tag:recipe_costs")
