/* larder/plugin/session.h -- kind 5: sessions on top of the cache.
 *
 * An instance keeps the sessions of one `session NAME` of the policy, its own name. Records stand in the
 * store that the policy names, reached through larder.session_store/1, and in no memory above it: a session
 * that was ended anywhere is ended everywhere. The plugin owns identifiers, sealing, timeouts and the index
 * by user. A session that is unknown, expired or forged is LARDER_MISS, never told apart, and found in the
 * same time.
 *
 * Every function may block until call->deadline_ns and may answer PENDING when call->done is set;
 * out structs then live until done. All byte arguments are borrowed: read them before returning, also
 * when the answer is PENDING. */
#ifndef LARDER_PLUGIN_SESSION_H
#define LARDER_PLUGIN_SESSION_H
#include "abi.h"
#include "services.h"
#include "store.h"
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
  uint32_t ns;        /* 0; an instance keeps one session of the policy */
  larder_bytes user;  /* empty: nobody's */
  larder_bytes data;
  uint64_t ttl_ms;    /* 0: the policy's; else at most that: how long it lives unused */
} larder_session_spec;

/* Printable ASCII without separators, so that it fits a cookie; frozen. */
#define LARDER_SESSION_ID_MAX 128
typedef struct larder_session_id {
  uint32_t size;
  char text[LARDER_SESSION_ID_MAX - 4]; /* not NUL-terminated */
} larder_session_id;

/* What get tells beside the data. */
enum {
  LARDER_SESSION_REPLACED = 1u << 0 /* found by an id that rotate has replaced, in its grace */
};
typedef struct larder_session_info {
  uint32_t struct_size;
  uint32_t flags;       /* LARDER_SESSION_* */
  uint64_t created_ms;  /* since 1970, by the store's clock */
  int64_t idle_ms;      /* until it ends unless it is used; -1: it does not end so */
  int64_t absolute_ms;  /* until it ends whatever is done with it */
  larder_value user;    /* the caller's to release; empty: nobody's */
} larder_session_info;

/* What an instance did since it was made. */
typedef struct larder_session_figures {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t created, found, missed, updated, rotated, ended;
  uint64_t refused;     /* creations, by the limit per user */
  uint64_t pushed_out;  /* ended because their user had too many */
  uint64_t unreadable;  /* records that no key of the ring opens: forged, moved, or of a lost key */
} larder_session_figures;

/* The caller's; valid during list_user. */
typedef struct larder_session_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* id: where identifiers are kept as hashes only, a name that destroy_named takes and that is good for
   * nothing else. created_ms: as larder_session_info. ttl_ms: time left, -1 none. Copies the id.
   * Nonzero: enough. */
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
  /* Optional from here on. */
  /* load, and what is known of the session besides; info may be NULL. OK or MISS. [worker] */
  larder_status(LARDER_CALL *get)(void *self, larder_bytes id, const larder_call *call, larder_session_info *info, larder_value *out) LARDER_NOEXCEPT;
  /* Changes the data, a JSON text, by a merge patch (RFC 7386), as one step: of two at once none is lost.
   * out: NULL, or the data afterwards. OK, MISS, or E_INVALID when one of them is no JSON. [worker] */
  larder_status(LARDER_CALL *update)(void *self, larder_bytes id, larder_bytes patch, const larder_call *call, larder_value *out) LARDER_NOEXCEPT;
  /* Ends the session of user that list_user calls name. OK or MISS. [worker] */
  larder_status(LARDER_CALL *destroy_named)(void *self, larder_bytes user, larder_bytes name, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *figures)(void *self, larder_session_figures *out) LARDER_NOEXCEPT; /* [any] */
} larder_session_v1;

/* ------------------------------------------------------- where records stand */
/* Records of the sessions that the policy calls NAME, in the store that it names. No envelope, no tags, no
 * copy in memory: what larder_store_v1 does, behind the kernel's breaker and deadlines. A record begins with
 * 16 bytes of the plugin's and then 8 bytes, little endian, which are the version it was put with. */
#define LARDER_SVC_SESSION_STORE "larder.session_store/1"
enum {
  LARDER_SESSION_ENCRYPT = 1u << 0,    /* the policy asks for sealing */
  LARDER_SESSION_REFUSE = 1u << 1,     /* more than per_user are refused; else the oldest ends */
  LARDER_SESSION_SLIDING = 1u << 2     /* idle_ms begins anew with each use */
};
typedef struct larder_session_facts {
  uint32_t struct_size;
  uint32_t flags;        /* LARDER_SESSION_ENCRYPT ... */
  uint64_t idle_ms;      /* of `ttl`; 0: none */
  uint64_t absolute_ms;  /* the longest a session lives; never 0 */
  uint32_t per_user;     /* 0: no limit */
  uint32_t reserved;
} larder_session_facts;
typedef struct larder_session_store_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* MISS: the policy that runs has no session of that name. [hot] */
  larder_status(LARDER_CALL *facts)(const larder_host *h, larder_bytes session, larder_session_facts *out) LARDER_NOEXCEPT;
  /* The store's clock in ms since 1970, the same for all nodes that share it, and as steady as the store's:
   * the machine's wall clock moves it only with a restart. 0: not known yet. [hot] */
  uint64_t(LARDER_CALL *now_ms)(const larder_host *h, larder_bytes session) LARDER_NOEXCEPT;
  /* One round trip each, and blocking. key: printable. put as larder_put, with IF_VERSION; remove as larder_store_v1. MISS for the record; E_CONFIG: no session of
   * that name, or no store for it. [worker] */
  larder_status(LARDER_CALL *get)(const larder_host *h, larder_bytes session, larder_bytes key, const larder_call *call, larder_value *out) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *put)(const larder_host *h, larder_bytes session, larder_bytes key, const larder_put *put, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *remove)(const larder_host *h, larder_bytes session, larder_bytes key, uint64_t if_version, const larder_call *call) LARDER_NOEXCEPT;
} larder_session_store_api;

/* --------------------------------------------------- what gateways call */
/* Sessions by the policy's name, whichever plugin keeps them. */
#define LARDER_SVC_SESSIONS "larder.sessions/1"
enum {
  LARDER_SESSION_CREATE = 0,  /* user, data, ttl_ms -> id, cookie */
  LARDER_SESSION_GET,         /* id -> data, info */
  LARDER_SESSION_SAVE,        /* id, data */
  LARDER_SESSION_UPDATE,      /* id, data: a merge patch -> data */
  LARDER_SESSION_TOUCH,       /* id */
  LARDER_SESSION_ROTATE,      /* id -> id, cookie */
  LARDER_SESSION_END,         /* id -> count, cookie that takes the browser's away */
  LARDER_SESSION_LIST,        /* user -> data: a JSON array of {"name", "created_ms", "ttl_ms"}, newest first */
  LARDER_SESSION_END_USER,    /* user -> count */
  LARDER_SESSION_END_NAMED    /* user, id: a name of LIST -> count */
};
typedef struct larder_session_order {
  uint32_t struct_size;
  uint32_t what;          /* LARDER_SESSION_CREATE ... */
  larder_bytes session;   /* the policy's name of them */
  larder_bytes id, user, data;
  uint64_t ttl_ms;
} larder_session_order;
typedef struct larder_session_answer {
  uint32_t struct_size;
  uint32_t reserved;
  larder_session_id id;
  larder_session_info info;  /* of GET */
  larder_value data;         /* these are the caller's to release, as is info.user */
  larder_value cookie;       /* a Set-Cookie value, where the policy says `cookie` */
  uint64_t count;
} larder_session_answer;
typedef struct larder_sessions_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Blocks until call->deadline_ns. Needs role write; LIST and END_USER and END_NAMED role invalidate. OK; MISS:
   * no such session; REFUSED: CREATE, the user has as many as the policy allows; E_CONFIG: the policy has no
   * sessions of that name, or nothing keeps them; INVALID; an error of the store. [worker] */
  larder_status(LARDER_CALL *run)(const larder_host *h, const larder_session_order *order, larder_session_answer *answer, const larder_call *call) LARDER_NOEXCEPT;
} larder_sessions_api;

#ifdef __cplusplus
}
#endif
#endif
