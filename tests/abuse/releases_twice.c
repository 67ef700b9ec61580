/* tests/abuse/releases_twice.c -- releases a value of the cache twice: it writes to memory that is somebody else's by then. */
#define ABUSE_NAME "releases_twice"
#define ABUSE_GET releases
#include "abuse.h"

static larder_status releases(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  (void)self, (void)call, (void)out;
  const larder_cache_api *cache = abuse_host->service(abuse_host, LARDER_SVC_CACHE);
  larder_cache_get item;
  memset(&item, 0, sizeof item);
  item.ns = key->ns;
  item.key = (larder_bytes){"kept", 4};
  cache->get_many(abuse_host, &item, 1, NULL);
  for (int n = 0; n < 2 && item.status == LARDER_OK; ++n)
    if (item.value.release != NULL) item.value.release(&item.value);
  return LARDER_MISS;
}
