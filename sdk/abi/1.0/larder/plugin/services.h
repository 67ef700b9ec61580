/* larder/plugin/services.h -- what the kernel offers to plugins: the host table, and services by name.
 *
 * A plugin calls nothing else of its process: clocks are virtual in tests, the log is rate-limited,
 * secrets stay with the kernel, threads are counted. */
#ifndef LARDER_PLUGIN_SERVICES_H
#define LARDER_PLUGIN_SERVICES_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif

/* -------------------------------------------------------------------- log */
enum { LARDER_LOG_TRACE = 0, LARDER_LOG_DEBUG, LARDER_LOG_INFO, LARDER_LOG_WARN, LARDER_LOG_ERROR };

/* The root. One per module load; every instance of the module gets the same. */
typedef struct larder_host larder_host;
struct larder_host {
  uint32_t struct_size;
  uint32_t abi_version;       /* the kernel's LARDER_ABI_VERSION */
  const char *kernel_name;    /* "larder", or the embedder's name */
  const char *kernel_version; /* "0.4.1" */
  void *ctx;                  /* the kernel's */

  /* msg is UTF-8, no trailing newline. Never blocks: dropped under load, and
   * the drop is counted. [any] */
  void(LARDER_CALL *log)(const larder_host *h, int32_t level, const char *msg, size_t len) LARDER_NOEXCEPT;
  /* cheap check before formatting [hot] */
  int32_t(LARDER_CALL *log_level)(const larder_host *h) LARDER_NOEXCEPT;

  /* Monotonic, for deadlines, and the wall clock, for stored times. Under the
   * conformance kit both are virtual: never call clock_gettime yourself. [hot] */
  uint64_t(LARDER_CALL *mono_ns)(const larder_host *h) LARDER_NOEXCEPT;
  uint64_t(LARDER_CALL *wall_ms)(const larder_host *h) LARDER_NOEXCEPT;

  /* Accounted memory (per-module gauge larder_plugin_bytes). Optional to use.
   * align: power of two, at most 4096. [any] */
  void *(LARDER_CALL *alloc)(const larder_host *h, size_t size, size_t align)LARDER_NOEXCEPT;
  void(LARDER_CALL *free)(const larder_host *h, void *p, size_t size) LARDER_NOEXCEPT;

  /* Other services by name and revision: "larder.cache/1". NULL: not here.
   * The pointer lives as long as the module. [any] */
  const void *(LARDER_CALL *service)(const larder_host *h, const char *id)LARDER_NOEXCEPT;
};

/* ------------------------------------------------------------------ config */
/* A checked, typed view of one instance's options. The kernel has already
 * applied the manifest's schema: types, ranges, defaults, enum values, required
 * and unknown names. Valid during create/validate/reconfigure only. */
typedef struct larder_config larder_config; /* opaque */
#define LARDER_SVC_CONFIG "larder.config/1"
typedef struct larder_config_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* LARDER_MISS: optional option, absent and without default. [control] */
  larder_status(LARDER_CALL *get_bool)(const larder_config *c, const char *name, int32_t *out) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *get_int)(const larder_config *c, const char *name, int64_t *out) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *get_float)(const larder_config *c, const char *name, double *out) LARDER_NOEXCEPT;
  /* sizes in bytes, durations in nanoseconds: both through get_int */
  larder_status(LARDER_CALL *get_str)(const larder_config *c, const char *name, larder_bytes *out) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *get_list)(const larder_config *c, const char *name, uint32_t index, larder_bytes *out) LARDER_NOEXCEPT;
  /* where it was written, for messages: "shop.larder:14:3" */
  larder_status(LARDER_CALL *where)(const larder_config *c, const char *name, larder_bytes *out) LARDER_NOEXCEPT;
  const char *(LARDER_CALL *instance_name)(const larder_config *c)LARDER_NOEXCEPT;
} larder_config_api;

/* ----------------------------------------------------------------- secrets */
/* Secret options arrive as references ("env:REDIS_PASSWORD", "file:/run/...").
 * The kernel resolves them, hands out the bytes for one call and wipes its copy;
 * it never logs or dumps them. [worker] */
#define LARDER_SVC_SECRETS "larder.secrets/1"
typedef struct larder_secrets_api {
  uint32_t struct_size;
  uint32_t reserved;
  larder_status(LARDER_CALL *with_secret)(const larder_host *h, const larder_config *c, const char *option,
      void(LARDER_CALL *use)(void *ctx, larder_bytes secret) LARDER_NOEXCEPT, void *ctx) LARDER_NOEXCEPT;
} larder_secrets_api;

/* ----------------------------------------------------------------- metrics */
typedef struct larder_metric larder_metric; /* opaque, lives with the module */
enum { LARDER_METRIC_COUNTER = 0, LARDER_METRIC_GAUGE = 1, LARDER_METRIC_HISTOGRAM = 2 };
#define LARDER_SVC_METRICS "larder.metrics/1"
typedef struct larder_metrics_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* name gets the prefix larder_plugin_<id>_; labels: "k=v,k=v" fixed at
   * registration, so that add/set/observe take no strings. [control] */
  larder_metric *(LARDER_CALL *open)(const larder_host *h, int32_t kind, const char *name, const char *help,
      const char *labels)LARDER_NOEXCEPT;
  void(LARDER_CALL *add)(larder_metric *m, double v) LARDER_NOEXCEPT;     /* [hot] */
  void(LARDER_CALL *set)(larder_metric *m, double v) LARDER_NOEXCEPT;     /* [hot] */
  void(LARDER_CALL *observe)(larder_metric *m, double v) LARDER_NOEXCEPT; /* [hot] */
} larder_metrics_api;

/* ---------------------------------------------------------------- executor */
/* Run work on the kernel's threads instead of your own. Work posted here is
 * drained before destroy; a plugin that starts its own threads must join them
 * in stop. [any] */
typedef void(LARDER_CALL *larder_task_fn)(void *ctx) LARDER_NOEXCEPT;
#define LARDER_SVC_EXECUTOR "larder.executor/1"
typedef struct larder_executor_api {
  uint32_t struct_size;
  uint32_t reserved;
  larder_status(LARDER_CALL *post)(const larder_host *h, int32_t may_block, larder_task_fn fn, void *ctx) LARDER_NOEXCEPT;
  /* id out; fires once; cancel returns LARDER_MISS if it fired or is firing */
  larder_status(LARDER_CALL *after)(const larder_host *h, uint64_t delay_ns, larder_task_fn fn, void *ctx, uint64_t *id) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *cancel)(const larder_host *h, uint64_t id) LARDER_NOEXCEPT;
} larder_executor_api;

/* ------------------------------------------------------------------- cache */
/* The kernel's own operations, policy applied: what gateways, warmers, invalidators and sessions
 * call. A thin face of larder::Kernel.
 *
 * Every function may answer LARDER_PENDING when call->done is set; all structs given then live until
 * done, results are written into them before done is called, and done gets no value. With done NULL
 * the call blocks, at most until call->deadline_ns.
 *
 * Keys are texts as the policy's author and Redis clients write them, inside the namespace: the
 * kernel matches them against the namespace's key template and escapes the fields. A key that does
 * not fit is LARDER_E_INVALID, and the item's message says what the template looks like. */
/* Whether a field of an answer may be in a cache: it may; the answer without it may; the answer may not. */
enum { LARDER_STORE_ALLOWED = 0, LARDER_STORE_STRIPPED = 1, LARDER_STORE_REFUSED = 2 };

#define LARDER_NS_NONE UINT32_MAX

typedef struct larder_pair { /* frozen */
  larder_bytes name, value;
} larder_pair;

/* Flags of larder_cache_get.found. */
enum {
  LARDER_FOUND_ABSENT = 1u << 0, /* a negative entry: known not to be there; value is empty */
  LARDER_FOUND_STALE = 1u << 1,  /* past its soft deadline, served under a `stale` clause */
  /* With MISS: below memory stands an entry of a newer version of the namespace's values than this policy
   * knows. What is loaded instead stays in this process; the entry is left to those who read it. */
  LARDER_FOUND_NEWER = 1u << 2
};
typedef struct larder_cache_get { /* frozen: items stand in arrays */
  uint32_t ns;
  uint32_t found;        /* out: LARDER_FOUND_* */
  larder_bytes key;
  larder_value value;    /* out with LARDER_OK: yours to release */
  int64_t ttl_ms;        /* out with LARDER_OK: time left, -1 none; with FOUND_STALE: minus the time since it became so */
  uint64_t version;      /* out with LARDER_OK: the entry's id, for if_version */
  larder_status status;  /* out: OK, MISS or an error */
  uint32_t reserved;
} larder_cache_get;
enum {
  /* The caller will load what is missing and put it: remember, for 30 s, what a MISS was judged
   * under, so that a put with LARDER_SET_FENCED of a value loaded before an invalidation is not kept. */
  LARDER_GET_FENCE = 1u << 8,
  LARDER_GET_META = 1u << 9, /* ttl, version and existence only; value stays empty */
  /* An entry that is stale (past its soft deadline but kept, or expired by a rule) is an answer too, with
   * FOUND_STALE: for callers who ask its source whether it still holds, or judge themselves whether it may
   * be served. With GET_FENCE it is remembered as a MISS is. */
  LARDER_GET_STALE = 1u << 10
}; /* in larder_call.flags, beside LARDER_CALL_* */

enum {
  LARDER_SET_IF_ABSENT = 1u << 0,  /* else EXISTS (value not replaced) */
  LARDER_SET_IF_PRESENT = 1u << 1, /* else MISS */
  LARDER_SET_IF_VERSION = 1u << 2, /* else CONFLICT */
  LARDER_SET_KEEP_TTL = 1u << 3,
  LARDER_SET_RETURN_OLD = 1u << 4, /* old is filled with what was there before, also when not replaced */
  LARDER_SET_ABSENT = 1u << 5,     /* a negative entry; value is ignored; the namespace must say `absent` */
  LARDER_SET_FENCED = 1u << 6      /* see LARDER_GET_FENCE */
};
typedef struct larder_cache_set { /* frozen: items stand in arrays */
  uint32_t ns;
  uint32_t flags;          /* LARDER_SET_* */
  larder_bytes key, value;
  int64_t ttl_ms;          /* 0: the namespace's; -1: the longest the namespace allows; else at most its hard limit */
  uint64_t if_version;
  /* Values of the namespace's `with` names. A name may come several times: its tags are made of each value. */
  const larder_pair *with;
  uint32_t with_count;
  uint32_t kept;           /* out with OK: 1, or 0 when the fence refused to keep it */
  uint64_t version;        /* out with OK: the new entry's id */
  larder_value old;        /* out with RETURN_OLD; release NULL and data NULL: there was none */
  larder_status status;    /* out: OK, EXISTS, MISS, CONFLICT, TOO_LARGE or an error */
  uint32_t reserved;
} larder_cache_set;

typedef struct larder_cache_key { /* frozen */
  uint32_t ns;
  larder_status status; /* out: OK (was there), MISS or an error */
  larder_bytes key;
} larder_cache_key;

/* What expire_many sets. */
enum {
  LARDER_EXPIRE_IF_NONE = 1u << 0, /* NX */
  LARDER_EXPIRE_IF_ANY = 1u << 1,  /* XX */
  LARDER_EXPIRE_IF_LATER = 1u << 2, /* GT */
  LARDER_EXPIRE_IF_SOONER = 1u << 3 /* LT */
};

/* update: reads the entry, asks, writes back only if nobody else wrote meanwhile, else asks again.
 * old: NULL data when there is none. Return LARDER_OK to write *replacement (filled by fn; the kernel
 * releases it) with *ttl_ms (in: time left or the namespace's, -1 none; change it if you like),
 * LARDER_MISS to remove the entry, LARDER_EXISTS to leave it alone, or an error, which update returns.
 * May be called several times; called without locks held. */
typedef larder_status(LARDER_CALL *larder_update_fn)(void *ctx, larder_bytes old, larder_value *replacement, int64_t *ttl_ms) LARDER_NOEXCEPT;

/* migrate: makes a value of an older version into one of a newer. key: text inside the namespace. OK: *out
 * has it, and the kernel releases it; anything else: the old value is of no use, and its entry is a miss.
 * On any thread, a store's own among them, without locks: it may not block, nor call the kernel. A value
 * may come more than once. */
typedef larder_status(LARDER_CALL *larder_migrate_fn)(void *ctx, larder_bytes key, larder_bytes old, larder_value *out) LARDER_NOEXCEPT;

typedef struct larder_cache_scan {
  uint32_t struct_size;
  uint32_t ns;      /* LARDER_NS_NONE: all but sessions */
  uint64_t cursor;  /* in and out, as larder_scan.cursor */
  uint32_t count;
  uint32_t reserved;
  larder_bytes glob; /* Redis glob over the key inside the namespace; empty: all */
  void *ctx;
  /* key: raw text as a client wrote it, without the namespace. [any] */
  void(LARDER_CALL *on_key)(void *ctx, uint32_t ns, larder_bytes key) LARDER_NOEXCEPT;
} larder_cache_scan;

/* What a rule or a person drops, expires or refreshes. */
enum {
  LARDER_TARGET_KEY = 0,       /* one entry of ns */
  LARDER_TARGET_NAMESPACE = 1, /* ns and its children */
  LARDER_TARGET_MATCHING = 2,  /* entries of ns whose key matches what: `*` any text */
  LARDER_TARGET_TAG = 3,       /* entries that carry the tag what */
  LARDER_TARGET_EVERYTHING = 4, /* all but sessions; role admin */
  /* Drop only: the copies in the store named what, nothing else. Entries that other tiers have are as
   * valid as before; role admin. UNSUPPORTED: the store cannot */
  LARDER_TARGET_TIER = 5
};
enum { LARDER_DROP = 0, LARDER_EXPIRE = 1, LARDER_REFRESH = 2 };
typedef struct larder_target { /* frozen */
  uint32_t kind; /* LARDER_TARGET_* */
  uint32_t ns;
  larder_bytes what;
} larder_target;

/* What an invalidation did. Names scopes, never counts entries: an entry is found dead when somebody
 * asks for it. */
typedef struct larder_receipt {
  uint32_t struct_size;
  uint32_t rules;     /* that fired */
  uint32_t dropped, expired, refreshed; /* scopes changed, by action */
  uint32_t warmed;    /* warm items queued */
  uint64_t took_ns;
  /* In: nonzero asks for json. Out: one JSON object naming each rule by file:line and each scope;
   * yours to release. */
  uint32_t want_json;
  uint32_t reserved;
  larder_value json;
} larder_receipt;

/* A request that an application has answered: what route rules match. */
typedef struct larder_request {
  uint32_t struct_size;
  uint32_t status;        /* of the answer: 200; 0 is taken as 200 */
  larder_bytes method;    /* "POST" */
  larder_bytes path;      /* "/v1.0/user/update/42", percent-encoded as sent, without the query */
  larder_bytes query;     /* "a=1&b=2" */
  const larder_pair *headers;
  uint32_t header_count;
  uint32_t reserved;
  larder_bytes body;      /* of the request, for `let x = json|form "..."` */
} larder_request;

/* What a `serve` rule says of a request. Texts are valid until the same thread asks again. */
enum {
  /* The value of that request header is part of the key, so what is kept under it is nobody else's. */
  LARDER_SERVE_KEYED_BY_AUTHORIZATION = 1u << 0,
  LARDER_SERVE_KEYED_BY_COOKIE = 1u << 1,
  LARDER_SERVE_TAKES_TAGS = 1u << 2, /* the namespace has `with tag`: tags that an answer names can be kept with it */
  /* Which entry answers, or whether one does, hangs on a header field (Cache-Control and Pragma aside), a cookie or
   * a body: a cache in front, which tells requests apart by their URL, may not keep the answer. */
  LARDER_SERVE_BY_MORE_THAN_URL = 1u << 3,
  /* The namespace names a source of its values: get_many loads what is missing, entries are values as the source gives
   * them, and the application is not asked. */
  LARDER_SERVE_FROM_SOURCE = 1u << 4
};
typedef struct larder_serve {
  uint32_t struct_size;
  uint32_t ns;
  uint32_t flags;  /* LARDER_SERVE_* */
  uint32_t rule;   /* its number in the policy, as long as that is loaded */
  larder_bytes key;    /* text inside the namespace, as larder_cache_get.key */
  larder_bytes where;  /* "hotel.larder:48" */
  /* Of the namespace, -1: it does not say. How long its entries live, how long after that they may be
   * served while they are made anew, and when that fails. */
  int64_t ttl_ms, stale_revalidating_ms, stale_on_error_ms;
  uint64_t refuse_above; /* bytes; 0: not limited */
} larder_serve;

typedef struct larder_event_record { /* one line of the kernel's event ring */
  uint32_t struct_size;
  int32_t severity;   /* LARDER_LOG_* */
  uint64_t number;    /* rises by one */
  uint64_t at_ms;     /* wall clock */
  larder_bytes type;  /* "invalidate", "reload", "breaker.open", "evict" */
  larder_bytes text;  /* one line */
} larder_event_record;

#define LARDER_SVC_CACHE "larder.cache/1"
typedef struct larder_cache_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Names. find: OK or MISS. name: valid while the namespace's number is. [hot] */
  larder_status(LARDER_CALL *ns_find)(const larder_host *h, larder_bytes name, uint32_t *ns) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *ns_name)(const larder_host *h, uint32_t ns, larder_bytes *name) LARDER_NOEXCEPT;
  /* "user_details:42" -> its namespace and where the key begins: the longest declared name followed by
   * `:`, where `:` may stand for `.` in the name. No such namespace: fallback with prefix 0, or MISS
   * when fallback is LARDER_NS_NONE. [hot] */
  larder_status(LARDER_CALL *resolve)(const larder_host *h, larder_bytes full_key, uint32_t fallback, uint32_t *ns, uint32_t *prefix) LARDER_NOEXCEPT;
  /* Whether key fits ns; else INVALID and err says what fits. [hot] */
  larder_status(LARDER_CALL *check_key)(const larder_host *h, uint32_t ns, larder_bytes key, larder_errbuf *err) LARDER_NOEXCEPT;

  /* Entries. The status of each is in its item; the function returns OK when all items were worked
   * on, whatever became of each. Batches go through the tiers as batches. */
  larder_status(LARDER_CALL *get_many)(const larder_host *h, larder_cache_get *items, size_t n, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *set_many)(const larder_host *h, larder_cache_set *items, size_t n, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *remove_many)(const larder_host *h, larder_cache_key *items, size_t n, const larder_call *call) LARDER_NOEXCEPT;
  /* A value without a pin, as larder_store_v1.visit. ttl_ms is not told. [hot] */
  larder_status(LARDER_CALL *visit)(const larder_host *h, uint32_t ns, larder_bytes key, const larder_call *call,
      void(LARDER_CALL *fn)(void *ctx, larder_bytes value) LARDER_NOEXCEPT, void *ctx) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *update)(const larder_host *h, uint32_t ns, larder_bytes key, larder_update_fn fn, void *ctx, const larder_call *call) LARDER_NOEXCEPT;
  /* ttl_ms <= 0 removes the entry (as EXPIRE does); at most the namespace's hard limit. OK changed,
   * MISS no entry, EXISTS a condition of flags (LARDER_EXPIRE_IF_*) did not hold. */
  larder_status(LARDER_CALL *expire)(const larder_host *h, uint32_t ns, larder_bytes key, int64_t ttl_ms, uint32_t flags, const larder_call *call) LARDER_NOEXCEPT;
  /* Takes the time limit away, or gives back the namespace's ttl where it has one. */
  larder_status(LARDER_CALL *persist)(const larder_host *h, uint32_t ns, larder_bytes key, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *scan)(const larder_host *h, larder_cache_scan *scan, const larder_call *call) LARDER_NOEXCEPT;
  /* Entries that can be served, where memory alone holds at most 1,000; else what the stores count: dead ones until reclaimed. */
  larder_status(LARDER_CALL *count)(const larder_host *h, uint32_t ns, uint64_t *out, const larder_call *call) LARDER_NOEXCEPT;

  /* Invalidation. receipt may be NULL. */
  larder_status(LARDER_CALL *change)(const larder_host *h, uint32_t action, const larder_target *targets, size_t n, larder_receipt *receipt, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *request)(const larder_host *h, const larder_request *rq, larder_receipt *receipt, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *event)(const larder_host *h, larder_bytes name, const larder_pair *values, size_t n, larder_receipt *receipt, const larder_call *call) LARDER_NOEXCEPT;

  /* Reports. what: "request GET /x", "event NAME k=v", "entry NS KEY" for explain, "" or a section
   * for stats; out is text (explain) or one JSON object (stats), yours to release. [worker] */
  larder_status(LARDER_CALL *explain)(const larder_host *h, larder_bytes what, larder_value *out, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *stats)(const larder_host *h, larder_bytes what, larder_value *out, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *warm)(const larder_host *h, uint32_t ns, larder_receipt *receipt, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *reload)(const larder_host *h, larder_value *out, const larder_call *call) LARDER_NOEXCEPT;
  /* Events after *number (0: from the oldest kept), oldest first; *number moves on. [any] */
  larder_status(LARDER_CALL *events)(const larder_host *h, uint64_t *number,
      void(LARDER_CALL *each)(void *ctx, const larder_event_record *e) LARDER_NOEXCEPT, void *ctx) LARDER_NOEXCEPT;

  /* Gives back now the memory of entries of ns (LARDER_NS_NONE: of all) that nobody will ever be
   * served: past their end and its `stale` window, or dropped. Else it comes back by itself, by and
   * by. *removed counts the copies, in every tier of this process. E_TIMEOUT: the deadline came first,
   * and *removed is what was done until then. [worker], role invalidate */
  larder_status(LARDER_CALL *reclaim)(const larder_host *h, uint32_t ns, uint64_t *removed, const larder_call *call) LARDER_NOEXCEPT;

  /* Which entry answers a request that was not sent on yet: by the first `serve` rule of the policy that
   * fits. HEAD is matched as GET. OK; MISS: no rule serves it, out->where is empty; EXISTS: a rule would,
   * but for its `unless` or because the request does not say what the key needs. [hot] */
  larder_status(LARDER_CALL *serve)(const larder_host *h, const larder_request *rq, larder_serve *out) LARDER_NOEXCEPT;
  /* What an entry is called by what can drop it, for caches in front (Surrogate-Key, Cache-Tag): fn is called with
   * its namespace and those around it ("menu"), itself ("menu:42"), its tags and what it depends on, without the
   * escapes of keys; a name may come twice. `with` as in larder_cache_set. OK; EXISTS: some drop that concerns it
   * has no name, as a `with` value is missing; MISS: no such namespace, or the key does not fit. [worker] */
  larder_status(LARDER_CALL *names)(const larder_host *h, uint32_t ns, larder_bytes key, const larder_pair *with, uint32_t with_count,
      void(LARDER_CALL *fn)(void *ctx, larder_bytes name) LARDER_NOEXCEPT, void *ctx) LARDER_NOEXCEPT;
  /* From now on values of version `from` of the namespace of that name, whether it is there yet or not, become
   * ones of version `to` by fn, which stands before what a policy declares for these two. NULL fn takes it
   * back, and no call of it runs when this returns: before ctx goes, in stop at the latest. Not from
   * within fn. E_INVALID: `to` is not after `from`, or more than 65535. [worker] */
  larder_status(LARDER_CALL *migrate)(const larder_host *h, larder_bytes ns, uint32_t from, uint32_t to, larder_migrate_fn fn, void *ctx) LARDER_NOEXCEPT;
  /* What the policy's `never store header` has against these fields of an answer that is to be stored in ns, by
   * name: verdicts[i] gets LARDER_STORE_*. MISS: no such namespace. [any] */
  larder_status(LARDER_CALL *withheld)(const larder_host *h, uint32_t ns, const larder_pair *fields, size_t n, uint8_t *verdicts) LARDER_NOEXCEPT;
  /* The same for `never store json` and a body that is only a part of the value: what a value is as a whole, the
   * kernel looks at itself. OK: it may be stored as it is. EXISTS: as it stands in out, which is yours to release.
   * E_REFUSED: it may not be stored. MISS: no such namespace. [any] */
  larder_status(LARDER_CALL *storable)(const larder_host *h, uint32_t ns, larder_bytes body, larder_value *out) LARDER_NOEXCEPT;
} larder_cache_api;

/* ------------------------------------------------------------ thread check */
/* Present in the conformance kit and in kernels built with checks. */
#define LARDER_SVC_THREADS "larder.threads/1"
typedef struct larder_threads_api {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t(LARDER_CALL *is_control)(const larder_host *h) LARDER_NOEXCEPT;
  int32_t(LARDER_CALL *may_block)(const larder_host *h) LARDER_NOEXCEPT;
} larder_threads_api;

#ifdef __cplusplus
}
#endif
#endif
