/* tests/abuse/leaks.c -- gives back nothing it gets: values of the cache, memory of the host, timers, metrics. */
#define ABUSE_NAME "leaks"
#define ABUSE_GET leaks
#include "abuse.h"

#include <stdio.h>
static void never(void *ctx) { (void)ctx; }

static larder_status leaks(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  static unsigned turn;
  (void)self, (void)call, (void)out;
  const larder_cache_api *cache = abuse_host->service(abuse_host, LARDER_SVC_CACHE);
  const larder_executor_api *executor = abuse_host->service(abuse_host, LARDER_SVC_EXECUTOR);
  const larder_metrics_api *metrics = abuse_host->service(abuse_host, LARDER_SVC_METRICS);
  for (int n = 0; n < 100; ++n) {
    char name[32];
    uint64_t id = 0;
    larder_cache_get item;
    memset(&item, 0, sizeof item);
    item.ns = key->ns;
    item.key = (larder_bytes){"kept", 4};
    cache->get_many(abuse_host, &item, 1, NULL); /* a pin of memory, never released */
    *(volatile char *)abuse_host->alloc(abuse_host, 100, 8) = 1;
    executor->after(abuse_host, UINT64_C(3600) * 1000000000, never, NULL, &id);
    snprintf(name, sizeof name, "leaked_%u", turn++);
    metrics->open(abuse_host, LARDER_METRIC_COUNTER, name, "x", NULL);
  }
  return LARDER_MISS;
}
