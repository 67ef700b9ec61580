/* larder/plugin/invalidator.h -- kind 4: turns outside events into invalidations, and
 * carries invalidations to peers. Implement at least one of the three roles. */
#ifndef LARDER_PLUGIN_INVALIDATOR_H
#define LARDER_PLUGIN_INVALIDATOR_H
#include "abi.h"
#include "services.h"
#ifdef __cplusplus
extern "C" {
#endif
enum {
  LARDER_INV_CAP_RULES = 1u << 0,  /* on_request */
  LARDER_INV_CAP_SOURCE = 1u << 1, /* calls larder_cache_api.invalidate between start and stop */
  LARDER_INV_CAP_BUS = 1u << 2     /* publish; and delivers what peers published */
};
typedef struct larder_inv_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  void(LARDER_CALL *add)(void *ctx, const larder_invalidation *inv) LARDER_NOEXCEPT; /* copies */
} larder_inv_sink;
typedef struct larder_invalidator_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* What does this request make stale? [hot] */
  larder_status(LARDER_CALL *on_request)(void *self, const larder_request *rq, const larder_inv_sink *sink) LARDER_NOEXCEPT;
  /* Tell the peers. origin is this process's id: drop your own echoes. [worker] */
  larder_status(LARDER_CALL *publish)(void *self, uint64_t origin, const larder_invalidation *inv, size_t n, const larder_call *call) LARDER_NOEXCEPT;
} larder_invalidator_v1;
#ifdef __cplusplus
}
#endif
#endif
