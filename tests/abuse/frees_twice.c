/* tests/abuse/frees_twice.c -- gives back twice what it got once: a timer, one that never was, and nothing at all. */
#define ABUSE_NAME "frees_twice"
#define ABUSE_GET frees
#include "abuse.h"

static void never(void *ctx) { (void)ctx; }

static larder_status frees(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  (void)self, (void)key, (void)call, (void)out;
  const larder_executor_api *executor = abuse_host->service(abuse_host, LARDER_SVC_EXECUTOR);
  uint64_t id = 0;
  executor->after(abuse_host, UINT64_C(3600) * 1000000000, never, NULL, &id);
  executor->cancel(abuse_host, id);
  executor->cancel(abuse_host, id);
  executor->cancel(abuse_host, UINT64_MAX);
  executor->post(abuse_host, 0, NULL, NULL);
  abuse_host->free(abuse_host, NULL, 100);
  return LARDER_MISS;
}
