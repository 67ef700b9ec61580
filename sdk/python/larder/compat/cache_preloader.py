# sdk/python/larder/compat/cache_preloader.py -- pattern_analyzer: when keys are asked for, and which to have ready.
#
# Of each key the hours of its uses in the last week are kept. A key that is used in the same hours of most days is
# predictable: daily; one whose gaps are alike is periodic; one that is used mostly within an hour came in a burst; the rest is constant.
# The priority (0 to 10) is predictability, use and latency together. Keys with fewer than ten uses are not judged.
import asyncio
import collections
import dataclasses
import os
import statistics
import time

MOST_KEYS, MOST_USES = 10_000, 500


@dataclasses.dataclass(frozen=True)
class AccessPattern:
    key: str
    namespace: str
    access_type: str  # daily, periodic, burst or constant
    preload_priority: int
    predictability: float  # 0 to 1
    peak_hours: tuple
    uses: int
    hit_rate: float
    average_latency_ms: float
    average_size_bytes: float


class PatternAnalyzer:
    def __init__(self, clock=time.time):
        self.clock = clock
        self.history_days = int(os.environ.get("PATTERN_HISTORY_DAYS", "7"))
        self.min_access_count = int(os.environ.get("PATTERN_MIN_ACCESS_COUNT", "10"))
        self._uses = collections.OrderedDict()

    def record_access(self, key, namespace="default", hit=True, latency_ms=0.0, size_bytes=0):
        uses = self._uses.setdefault((namespace, key), collections.deque(maxlen=MOST_USES))
        self._uses.move_to_end((namespace, key))
        uses.append((self.clock(), bool(hit), float(latency_ms), int(size_bytes)))
        if len(self._uses) > MOST_KEYS:
            self._uses.popitem(last=False)

    def analyze_patterns(self):
        """Highest priority first."""
        since = self.clock() - self.history_days * 86400
        found = []
        for (namespace, key), uses in self._uses.items():
            recent = [use for use in uses if use[0] >= since]
            if len(recent) >= self.min_access_count:
                found.append(_judge(key, namespace, recent))
        return sorted(found, key=lambda one: (-one.preload_priority, one.namespace, one.key))


def _judge(key, namespace, uses):
    times = sorted(at for at, *_ in uses)
    days = {int(at // 86400) for at in times}
    by_hour = collections.Counter(int(at % 86400 // 3600) for at in times)
    days_of_hour = collections.defaultdict(set)
    for at in times:
        days_of_hour[int(at % 86400 // 3600)].add(int(at // 86400))
    peak = tuple(sorted(hour for hour, n in by_hour.items() if n >= max(by_hour.values()) / 2))
    daily = max(len(seen) for seen in days_of_hour.values()) / max(3, len(days)) if len(by_hour) <= 6 else 0.0
    gaps = [b - a for a, b in zip(times, times[1:])]
    mean = statistics.fmean(gaps)
    steady = max(0.0, 1 - statistics.pstdev(gaps) / mean) if mean > 0 else 0.0
    if daily >= 0.6 and len(days) >= 2:
        kind, predictability = "daily", daily
    elif times[-1] - times[0] <= 3600:
        kind, predictability = "burst", 0.1
    elif steady >= 0.6:
        kind, predictability = "periodic", steady
    else:
        kind, predictability = "constant", steady / 2
    latency = statistics.fmean(use[2] for use in uses)
    priority = 5 * min(1.0, predictability) + 3 * min(1.0, len(uses) / 100) + 2 * min(1.0, latency / 100)
    return AccessPattern(key, namespace, kind, round(priority), min(1.0, predictability), peak, len(uses),
                         sum(use[1] for use in uses) / len(uses), latency, statistics.fmean(use[3] for use in uses))


class CachePreloader:
    """Loads what the analyzer finds worth it, by loaders that the application registers, highest priority first."""

    def __init__(self, analyzer):
        self.analyzer = analyzer
        self.preload_threshold_priority = int(os.environ.get("CACHE_PRELOAD_PRIORITY_THRESHOLD", "5"))
        self.max_concurrent_preloads = 20
        self.loaders = {}
        self.loaded = self.failed = 0

    def register(self, namespace, loader):
        """await loader(key): makes the value and caches it, as a call of a cached function does."""
        self.loaders[namespace] = loader

    async def preload(self):
        gate = asyncio.Semaphore(self.max_concurrent_preloads)

        async def one(pattern):
            async with gate:
                try:
                    await self.loaders[pattern.namespace](pattern.key)
                    self.loaded += 1
                except Exception:
                    self.failed += 1

        chosen = [one(pattern) for pattern in self.analyzer.analyze_patterns()
                  if pattern.preload_priority >= self.preload_threshold_priority and pattern.namespace in self.loaders]
        await asyncio.gather(*chosen)
        return len(chosen)


pattern_analyzer = PatternAnalyzer()
cache_preloader = CachePreloader(pattern_analyzer)
