/* larder/plugin/gateway.h -- kind 7: a server that offers the cache to other processes.
 *
 * Everything it serves comes from larder.cache/1; the table holds only what the kernel asks of it.
 * It binds and listens in start (so that a taken port is an error with a reason), and in stop it
 * accepts no more, finishes what is in flight until the deadline, closes, and joins its threads. */
#ifndef LARDER_PLUGIN_GATEWAY_H
#define LARDER_PLUGIN_GATEWAY_H
#include "abi.h"
#include "services.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct larder_gateway_stats {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t connections;       /* open now */
  uint64_t connections_total; /* since start, as all below */
  uint64_t requests, errors, bytes_in, bytes_out;
} larder_gateway_stats;

typedef struct larder_gateway_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* What the index-th listener has bound, after start: "127.0.0.1:7380", "[::1]:7380",
   * "unix:/run/larder.sock"; with the port the system chose when the option said 0. Written to buf
   * with a NUL. MISS: no such listener; TOO_LARGE: cap is too small. [any] */
  larder_status(LARDER_CALL *address)(void *self, uint32_t index, char *buf, uint32_t cap) LARDER_NOEXCEPT;
  /* Optional. [any] */
  larder_status(LARDER_CALL *stats)(void *self, larder_gateway_stats *out) LARDER_NOEXCEPT;
} larder_gateway_v1;

#ifdef __cplusplus
}
#endif
#endif
