# sdk/python/larder/compat/analytics_cache_service.py -- AnalyticsCacheService: dashboards and insights of tenants.
import datetime

from ..keys import digest
from . import _system

HISTORICAL, RECENT = 4 * 3600, 300


def _day(date):
    return date.date() if isinstance(date, datetime.datetime) else date


def _dashboard_key(start_date, end_date, filters, tenant_id):
    filtered = f":{digest(filters)}" if filters else ""
    return f"dashboard:{_day(start_date)}:{_day(end_date)}{filtered}:t{tenant_id}"


class AnalyticsCacheService:
    @staticmethod
    async def cache_dashboard_data(data, start_date, end_date, filters, tenant_id):
        """A range that is over lives for hours, one that reaches today for minutes."""
        day = _day(end_date)
        over = isinstance(day, datetime.date) and day < datetime.date.today()
        return await _system.aput(_dashboard_key(start_date, end_date, filters, tenant_id), data, HISTORICAL if over and not filters else RECENT,
                                  "analytics", ["dashboards", f"tenant:{tenant_id}"])

    @staticmethod
    async def get_dashboard_data(start_date, end_date, filters, tenant_id):
        return await _system.aget(_dashboard_key(start_date, end_date, filters, tenant_id), "analytics")

    @staticmethod
    async def cache_ai_insights(insights, insight_type, context, tenant_id, ttl=1800):
        return await _system.aput(f"insights:{insight_type}:{digest(context)}:t{tenant_id}", insights, ttl, "analytics",
                                  [f"insights:{insight_type}", f"tenant:{tenant_id}"])

    @staticmethod
    async def get_ai_insights(insight_type, context, tenant_id):
        return await _system.aget(f"insights:{insight_type}:{digest(context)}:t{tenant_id}", "analytics")
