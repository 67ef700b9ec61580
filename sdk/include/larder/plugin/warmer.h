/* larder/plugin/warmer.h -- kind 3: fills the cache ahead of demand. The plugin says
 * what (plan) and makes it (fetch); the kernel decides when, how many at once,
 * in what order, and skips what is fresh already. */
#ifndef LARDER_PLUGIN_WARMER_H
#define LARDER_PLUGIN_WARMER_H
#include "abi.h"
#include "services.h"
#ifdef __cplusplus
extern "C" {
#endif
enum { LARDER_WARM_STARTUP = 0, LARDER_WARM_SCHEDULE = 1, LARDER_WARM_DEMAND = 2, LARDER_WARM_AFTER_INVALIDATION = 3 };
typedef struct larder_warm_run {
  uint32_t struct_size;
  uint32_t reason;      /* LARDER_WARM_* */
  uint64_t deadline_ns;
  uint32_t ns;          /* UINT32_MAX: all this warmer serves */
  uint32_t max_items;   /* plan no more than this; 0: no limit */
} larder_warm_run;
typedef struct larder_warm_item {
  uint32_t struct_size;
  uint32_t ns;
  larder_bytes key;
  larder_bytes hint;    /* opaque to the kernel, handed back to fetch */
  uint32_t priority;    /* 0..255, higher first */
  uint32_t cost_ms;     /* estimate; 0: unknown */
} larder_warm_item;
typedef struct larder_warm_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* copies the item; nonzero: enough, return */
  int32_t(LARDER_CALL *item)(void *ctx, const larder_warm_item *it) LARDER_NOEXCEPT;
} larder_warm_sink;
typedef struct larder_access { /* frozen; sampled accesses for observe */
  uint64_t at_ms;
  uint64_t key_hash;
  uint32_t ns;
  uint32_t hit;
} larder_access;
typedef struct larder_warmer_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  larder_status(LARDER_CALL *plan)(void *self, const larder_warm_run *run, const larder_warm_sink *sink) LARDER_NOEXCEPT; /* [worker] */
  /* Produce the value for one planned item; LARDER_MISS: nothing to warm.
   * set is the kernel's, prefilled with policy defaults; the plugin may change
   * ttl and tags (tags must live until the value is released). [worker] */
  larder_status(LARDER_CALL *fetch)(void *self, const larder_warm_item *it, const larder_call *call, larder_set *set, larder_value *out) LARDER_NOEXCEPT;
  /* Optional: learn from traffic. Batched, sampled. [any] */
  void(LARDER_CALL *observe)(void *self, const larder_access *batch, size_t n) LARDER_NOEXCEPT;
} larder_warmer_v1;
#ifdef __cplusplus
}
#endif
#endif
