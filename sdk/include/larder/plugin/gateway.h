/* larder/plugin/gateway.h -- kind 7: a server that offers the cache to other processes
 * (RESP, HTTP, ...). Everything it serves comes from host services; the table
 * only adds what the kernel must ask of it. */
#ifndef LARDER_PLUGIN_GATEWAY_H
#define LARDER_PLUGIN_GATEWAY_H
#include "abi.h"
#include "exporter.h"
#ifdef __cplusplus
extern "C" {
#endif
typedef struct larder_gateway_stats {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t connections, connections_total, requests, errors, bytes_in, bytes_out;
} larder_gateway_stats;
typedef struct larder_mount { /* a path the kernel wants served: /metrics, /healthz, /admin/... */
  uint32_t struct_size;
  uint32_t flags;
  larder_bytes method, path;
  void *ctx;
  larder_status(LARDER_CALL *handle)(void *ctx, larder_bytes query, larder_bytes body, const larder_text_sink *out, const char **content_type) LARDER_NOEXCEPT; /* [worker] */
} larder_mount;
typedef struct larder_gateway_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Listening happens in start; draining and closing in stop(deadline). */
  larder_status(LARDER_CALL *address)(void *self, uint32_t index, char *buf, uint32_t cap) LARDER_NOEXCEPT; /* what it bound; [any] */
  larder_status(LARDER_CALL *mount)(void *self, const larder_mount *m) LARDER_NOEXCEPT;                     /* HTTP ones; before start; [control] */
  larder_status(LARDER_CALL *stats)(void *self, larder_gateway_stats *out) LARDER_NOEXCEPT;                 /* [any] */
} larder_gateway_v1;
#ifdef __cplusplus
}
#endif
#endif
