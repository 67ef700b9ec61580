/* larder/plugin/session.h -- kind 5: sessions on top of the cache. Storage goes through
 * larder_cache_api (policy, tiers and TTL apply); the plugin owns identifiers,
 * sealing and the per-user index. All [worker]. */
#ifndef LARDER_PLUGIN_SESSION_H
#define LARDER_PLUGIN_SESSION_H
#include "abi.h"
#include "services.h"
#ifdef __cplusplus
extern "C" {
#endif
enum {
  LARDER_SESSION_CAP_SEALED = 1u << 0,    /* stored form is encrypted and authenticated */
  LARDER_SESSION_CAP_ROTATE = 1u << 1,
  LARDER_SESSION_CAP_USER_INDEX = 1u << 2 /* list_user, destroy_user */
};
typedef struct larder_session_spec {
  uint32_t struct_size;
  uint32_t reserved;
  larder_bytes user;
  larder_bytes data;
  uint64_t ttl_ms; /* 0: the namespace's */
} larder_session_spec;
#define LARDER_SESSION_ID_MAX 128
typedef struct larder_session_id { /* frozen */
  uint32_t size;
  char text[LARDER_SESSION_ID_MAX - 4];
} larder_session_id;
typedef struct larder_session_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  int32_t(LARDER_CALL *session)(void *ctx, const larder_session_id *id, uint64_t created_ms, int64_t ttl_ms) LARDER_NOEXCEPT;
} larder_session_sink;
typedef struct larder_session_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  larder_status(LARDER_CALL *create)(void *self, const larder_session_spec *s, const larder_call *call, larder_session_id *out) LARDER_NOEXCEPT;
  /* LARDER_MISS: unknown, expired or forged - never told apart */
  larder_status(LARDER_CALL *load)(void *self, larder_bytes id, const larder_call *call, larder_value *out) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *save)(void *self, larder_bytes id, larder_bytes data, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *touch)(void *self, larder_bytes id, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *destroy)(void *self, larder_bytes id, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *rotate)(void *self, larder_bytes id, const larder_call *call, larder_session_id *out) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *list_user)(void *self, larder_bytes user, const larder_session_sink *sink) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *destroy_user)(void *self, larder_bytes user, uint64_t *count) LARDER_NOEXCEPT;
} larder_session_v1;
#ifdef __cplusplus
}
#endif
#endif
