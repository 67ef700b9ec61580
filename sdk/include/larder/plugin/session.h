/* larder/plugin/session.h -- kind 5: sessions on top of the cache.
 *
 * What is stored goes through larder_cache_api, so that policy, tiers, ttl and limits apply; the
 * plugin owns identifiers, sealing and the index by user. A session that is unknown, expired or
 * forged is LARDER_MISS, never told apart, and found in the same time.
 *
 * Every function may block until call->deadline_ns and may answer PENDING when call->done is set;
 * out structs then live until done. All byte arguments are borrowed: read them before returning, also
 * when the answer is PENDING. */
#ifndef LARDER_PLUGIN_SESSION_H
#define LARDER_PLUGIN_SESSION_H
#include "abi.h"
#include "services.h"
#ifdef __cplusplus
extern "C" {
#endif

enum {
  LARDER_SESSION_CAP_SEALED = 1u << 0,    /* the stored form is encrypted and authenticated */
  LARDER_SESSION_CAP_ROTATE = 1u << 1,    /* implements rotate */
  LARDER_SESSION_CAP_USER_INDEX = 1u << 2 /* implements list_user and destroy_user */
};

typedef struct larder_session_spec {
  uint32_t struct_size;
  uint32_t ns;        /* where the policy keeps these sessions */
  larder_bytes user;  /* empty: nobody's */
  larder_bytes data;
  uint64_t ttl_ms;    /* 0: the namespace's */
} larder_session_spec;

/* Printable ASCII without separators, so that it fits a cookie; frozen. */
#define LARDER_SESSION_ID_MAX 128
typedef struct larder_session_id {
  uint32_t size;
  char text[LARDER_SESSION_ID_MAX - 4]; /* not NUL-terminated */
} larder_session_id;

/* The caller's; valid during list_user. */
typedef struct larder_session_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* created_ms: host wall clock. ttl_ms: time left, -1 none. Copies the id. Nonzero: enough. */
  int32_t(LARDER_CALL *session)(void *ctx, const larder_session_id *id, uint64_t created_ms, int64_t ttl_ms) LARDER_NOEXCEPT;
} larder_session_sink;

typedef struct larder_session_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* A new session with a fresh random id, written to out with OK. [worker] */
  larder_status(LARDER_CALL *create)(void *self, const larder_session_spec *spec, const larder_call *call, larder_session_id *out) LARDER_NOEXCEPT;
  /* The session's data, the caller's to release; counts as a use. OK or MISS. [worker] */
  larder_status(LARDER_CALL *load)(void *self, larder_bytes id, const larder_call *call, larder_value *out) LARDER_NOEXCEPT;
  /* Replaces the data of a session that is there; its life goes on. OK or MISS. [worker] */
  larder_status(LARDER_CALL *save)(void *self, larder_bytes id, larder_bytes data, const larder_call *call) LARDER_NOEXCEPT;
  /* Counts as a use, nothing else. OK or MISS. [worker] */
  larder_status(LARDER_CALL *touch)(void *self, larder_bytes id, const larder_call *call) LARDER_NOEXCEPT;
  /* Ends it. OK or MISS. [worker] */
  larder_status(LARDER_CALL *destroy)(void *self, larder_bytes id, const larder_call *call) LARDER_NOEXCEPT;
  /* Optional, with CAP_ROTATE: the same session under a new id; the old one ends. [worker] */
  larder_status(LARDER_CALL *rotate)(void *self, larder_bytes id, const larder_call *call, larder_session_id *out) LARDER_NOEXCEPT;
  /* Optional, with CAP_USER_INDEX. Newest first; never PENDING. [worker] */
  larder_status(LARDER_CALL *list_user)(void *self, larder_bytes user, const larder_session_sink *sink, const larder_call *call) LARDER_NOEXCEPT;
  /* Optional, with CAP_USER_INDEX. *count: sessions ended. [worker] */
  larder_status(LARDER_CALL *destroy_user)(void *self, larder_bytes user, uint64_t *count, const larder_call *call) LARDER_NOEXCEPT;
} larder_session_v1;

#ifdef __cplusplus
}
#endif
#endif
