# sdk/python/larder/compat/cache_monitoring.py -- cache_monitor: the kernel's own figures, and its alerts.
import asyncio
import inspect
import json

from . import _system


class Metrics:
    def get_summary(self):
        """{"overall": {...}, "by_namespace": {name: {...}}} with hit_rate and miss_rate in per cent, average_latency_ms,
        p95_latency_ms (None where nothing was measured yet) and total_operations, as the kernel counts them."""
        return json.loads(_system.kernel().report("summary"))


class CacheMonitor:
    """Alerts are the policy's: `alert low_hit_rate when hit_rate < 80% for 5m`; `type` is their name."""

    def __init__(self):
        self.metrics = Metrics()
        self.callbacks = []
        self._watching = set()

    def add_alert_callback(self, callback):
        """Called with {"type", "firing", "condition", "readings"}; where an event loop runs, as alerts fire."""
        self.callbacks.append(callback)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if id(loop) not in self._watching:
            self._watching.add(id(loop))
            _system.kernel().watch_alerts(self._tell)

    def _tell(self, alert):
        for callback in self.callbacks:
            made = callback(alert)
            if inspect.isawaitable(made):
                try:
                    asyncio.get_running_loop().create_task(_await(made))
                except RuntimeError:
                    asyncio.run(_await(made))

    def check_health(self):
        """Judges at once, without waiting for `for`, and calls back for each alert that fires."""
        alerts = [alert for alert in _system.kernel().alerts(now=True) if alert["firing"]]
        for alert in alerts:
            self._tell(alert)
        return not alerts


async def _await(made):
    return await made


cache_monitor = CacheMonitor()
