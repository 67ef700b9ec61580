/* tests/abuse/reenters.c -- get asks the cache for the same key, which asks it. */
#define ABUSE_NAME "reenters"
#define ABUSE_GET asks_again
#include "abuse.h"

static larder_status asks_again(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  (void)self, (void)call, (void)out;
  const larder_cache_api *cache = abuse_host->service(abuse_host, LARDER_SVC_CACHE);
  larder_cache_get item;
  memset(&item, 0, sizeof item);
  item.ns = key->ns;
  item.key = (larder_bytes){"1", 1};
  larder_call mine;
  memset(&mine, 0, sizeof mine);
  mine.struct_size = sizeof mine;
  cache->get_many(abuse_host, &item, 1, &mine);
  if (item.status == LARDER_OK && item.value.release != NULL) item.value.release(&item.value);
  return LARDER_MISS;
}
