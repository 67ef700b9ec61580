/* tests/abuse/calls_after.c -- a thread of it goes on calling its host when the instance, the module and the kernel are gone. */
#define ABUSE_NAME "calls_after"
#define ABUSE_START begins
#include "abuse.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static const larder_cache_api *cache;
static const larder_executor_api *executor;

static void never(void *ctx) { (void)ctx; }

static void *calls(void *unused) {
  const larder_host *host = abuse_host;
  for (;;) {
    uint32_t ns = 0;
    uint64_t id = 0;
    host->log(host, LARDER_LOG_DEBUG, "x", 1);
    host->mono_ns(host);
    cache->ns_find(host, (larder_bytes){"item", 4}, &ns);
    executor->cancel(host, id);
    executor->post(host, 0, never, NULL);
    host->service(host, LARDER_SVC_METRICS);
    usleep(1);
  }
  return unused;
}

static larder_status begins(void *self, larder_errbuf *err) {
  (void)self, (void)err;
  pthread_t thread;
  cache = abuse_host->service(abuse_host, LARDER_SVC_CACHE);
  executor = abuse_host->service(abuse_host, LARDER_SVC_EXECUTOR);
  if (pthread_create(&thread, NULL, calls, NULL) == 0) pthread_detach(thread);
  return LARDER_OK;
}
