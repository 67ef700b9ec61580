/* larder/plugin/invalidator.h -- kind 4: tells the kernel what the outside world has made stale.
 *
 * Two roles; an instance has at least one.
 *  - SOURCE: listens somewhere (a log, a queue, a database) between start and stop and calls
 *    larder_cache_api.request, event or change when something happened there. It needs no slot.
 *  - RULES: is asked about every request that the kernel hears of, beside the policy's own rules.
 * Telling other nodes is the shared store's work, not an invalidator's. */
#ifndef LARDER_PLUGIN_INVALIDATOR_H
#define LARDER_PLUGIN_INVALIDATOR_H
#include "abi.h"
#include "services.h"
#ifdef __cplusplus
extern "C" {
#endif

enum {
  LARDER_INV_CAP_RULES = 1u << 0,  /* implements on_request */
  LARDER_INV_CAP_SOURCE = 1u << 1, /* calls the cache by itself between start and stop */
  LARDER_INV_CAP_BUS = 1u << 2     /* reserved: never set */
};

/* The kernel's; valid during on_request. */
typedef struct larder_inv_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* action: LARDER_DROP, LARDER_EXPIRE or LARDER_REFRESH. Copies the target; nothing happens before
   * on_request has returned OK, then all targets change together. Same thread as on_request. */
  void(LARDER_CALL *add)(void *ctx, uint32_t action, const larder_target *target) LARDER_NOEXCEPT;
} larder_inv_sink;

typedef struct larder_invalidator_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* With CAP_RULES: what does this answered request make stale? rq is borrowed. On an error nothing
   * is invalidated by this instance, and the error is counted. [hot] */
  larder_status(LARDER_CALL *on_request)(void *self, const larder_request *rq, const larder_inv_sink *sink) LARDER_NOEXCEPT;
} larder_invalidator_v1;

#ifdef __cplusplus
}
#endif
#endif
