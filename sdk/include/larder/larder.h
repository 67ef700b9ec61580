/* larder/larder.h -- larder inside another program: liblarder.so, for servers in C and whatever calls C.
 *
 *     larder_open_args args = {.size = sizeof args};
 *     args.config_path = "larder.toml";
 *     larder_diag diag = {.size = sizeof diag};
 *     larder_kernel *k = larder_kernel_open(&args, &diag);
 *     int32_t menu = larder_kernel_space(k, "menu", 4);
 *     larder_ref *ref; uint64_t lease; size_t n;
 *     switch (larder_kernel_get(k, menu, "7", 1, NULL, 0, &ref, &lease)) {
 *       case LARDER_R_HIT:   send(larder_ref_data(ref, &n), n); larder_ref_release(ref); break;
 *       case LARDER_R_LEASE: load it; larder_kernel_fill(k, lease, bytes, n, NULL, NULL, 0); break;
 *     }
 *
 * Leases instead of loader callbacks: who gets LARDER_R_LEASE is the one that loads, in its own way and its own
 * time, and says what came of it with fill or fail. All others wait for that answer, or are told to load by
 * themselves when it takes too long. A value loaded before something dropped its entry is answered and not kept.
 *
 * Rules that hold for everything here:
 * 1. Nothing calls back into the embedder. What takes long arrives on a larder_loop, which has one pollable fd. A
 *    call with a loop does not block; the same call without one (NULL) blocks, at most for the deadline of
 *    larder.toml's [limits].
 * 2. Scalars, pointers and lengths; no struct by value. Structs that can grow begin with their own size, set by
 *    the caller: `larder_put_args args = {.size = sizeof args};` leaves all else at its default.
 * 3. No C++ type, exception or errno crosses. What went wrong is a LARDER_R_*; larder_problem() has a sentence.
 * 4. Every function may be called by any thread at any time between open and close, unless it says otherwise.
 *    A loop belongs to one thread, but for what other threads complete on it.
 * 5. After fork() the child has no kernel: every call answers LARDER_R_FORKED, close does nothing. Open after it.
 * 6. Borrowed memory (keys, values, arrays) is read until the call returns and never later.
 * 7. This header grows; what stands in it never changes. larder_embed_abi() rises with each addition. */
#ifndef LARDER_LARDER_H
#define LARDER_LARDER_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#  define LARDER_EMBED_API __attribute__((visibility("default")))
#else
#  define LARDER_EMBED_API
#endif
/* The revision of this header. */
#define LARDER_EMBED_ABI 1u

typedef struct larder_kernel larder_kernel; /* a cache with its policy, plugins and threads */
typedef struct larder_loop larder_loop;     /* a queue of completions, for one event loop */
typedef struct larder_ref larder_ref;       /* bytes that are kept for you until you release them */

/* What a call answers. */
typedef int32_t larder_result;
/* The values of larder_result. */
enum {
  LARDER_R_HIT = 0,    /* a value */
  LARDER_R_DONE = 0,   /* of calls that have none: it is done */
  LARDER_R_STALE = 1,  /* a value that is past its time but may be answered; with a lease: make it anew behind */
  LARDER_R_LEASE = 2,  /* no value: you load it, then fill or fail */
  LARDER_R_WAIT = 3,   /* not yet: a completion will arrive on the loop */
  LARDER_R_PASS = 4,   /* no value and no lease: load it, and keep it to yourself */
  LARDER_R_ABSENT = 5, /* known not to exist */
  LARDER_R_NONE = 6,   /* there was no such entry, or a condition did not hold; nothing was done */

  LARDER_R_FAILED = -1,      /* a bug of larder's: its log says more */
  LARDER_R_ABI = -2,         /* a struct's size is none that this library knows */
  LARDER_R_POLICY = -3,      /* the policy or the configuration is wrong; larder_problem() shows where */
  LARDER_R_FORKED = -4,      /* this is the child of the process that opened the kernel */
  LARDER_R_TOO_LARGE = -5,   /* the value is larger than the namespace allows */
  LARDER_R_CLOSED = -6,      /* the kernel is stopping */
  LARDER_R_INVALID = -7,     /* no such namespace, a key that does not fit, a NULL that may not be */
  LARDER_R_UNREACHABLE = -8, /* a store or a source failed */
  LARDER_R_TIMEOUT = -9,     /* the deadline passed */
  LARDER_R_BUSY = -10,       /* too much is under way: a queue is full */
  LARDER_R_DENIED = -11,      /* the role that asks may not */
  LARDER_R_REFUSED = -12,     /* a guard of the policy wants it confirmed, or a session limit says no */
  LARDER_R_UNSUPPORTED = -13, /* nothing here does that */
  LARDER_R_NO_LEASE = -14,    /* that lease is over, or never was */
  LARDER_R_NO_MEMORY = -15    /* none was left; nothing was done */
};

/* A text; only inside arrays and structs. */
typedef struct larder_str {
  const char *p; /* need not end with NUL */
  size_t n;      /* bytes */
} larder_str;
/* A name and its value: of a header, a `with` name, an event. */
typedef struct larder_field {
  larder_str name, value; /* neither ends with NUL */
} larder_field;

/* The revision of this header that the library was built with: at least the LARDER_EMBED_ABI you compiled with. */
LARDER_EMBED_API uint32_t larder_embed_abi(void);
/* The library's version, "0.1.0". Static. */
LARDER_EMBED_API const char *larder_version(void);
/* A sentence about the last call of this thread that was answered with less than 0. Yours until the thread's next call. */
LARDER_EMBED_API const char *larder_problem(void);
/* A result's name without its prefix: "HIT", "LEASE", "UNREACHABLE". Static. */
LARDER_EMBED_API const char *larder_result_name(larder_result result);

/* ------------------------------------------------------------------------------------------- a kernel */

/* larder_open_args.flags. */
enum {
  /* Time stands still until larder_kernel_advance(): for tests of the host. Nothing runs by itself. */
  LARDER_OPEN_VIRTUAL_TIME = 1u << 0,
  /* Start although the policy names stores, codecs or sources that are not configured: they sleep. */
  LARDER_OPEN_ALLOW_MISSING = 1u << 1,
  /* Listen where [admin] says, so that `larder stats`, `larder top` and the page see this process. */
  LARDER_OPEN_ADMIN = 1u << 2
};
/* What larder_kernel_open and larder_kernel_check are given; all but `size` may be left 0. */
typedef struct larder_open_args {
  size_t size;              /* sizeof(larder_open_args) */
  uint32_t flags;           /* LARDER_OPEN_* */
  uint32_t reserved;        /* 0 */
  const char *config_path;  /* larder.toml; NULL: config_text */
  const char *config_text;  /* its text; NULL as well: one memory store `l1`, and the codecs that are installed */
  const char *policy_path;  /* in the place of the configuration's; several with ':' between */
  const char *policy_text;  /* a policy in memory, in the place of both; messages call it "policy.larder" */
  const char *profile;      /* of the policy; NULL: the configuration's */
  const char *plugin_path;  /* folders with ':' between; NULL: the configuration's, else $LARDER_PLUGIN_PATH, else
                             * where plugins stand beside this library */
  const char *const *env;   /* "NAME=value", NULL at the end: what policy and configuration see before the process's */
} larder_open_args;
/* What is wrong with a policy or a configuration, and where. */
typedef struct larder_diag {
  size_t size;     /* sizeof(larder_diag) */
  int32_t code;    /* LARDER_R_* */
  uint32_t line, column; /* in the file that `text` begins with; 0: of no place */
  char text[496];  /* the first finding, NUL at the end; larder_problem() has all of them */
} larder_diag;

/* Opens a kernel and starts it. NULL: args or what it leads to is wrong, and diag (may be NULL) says how. One process
 * may have several. Blocks until stores and gateways run. Its threads take none of the process's signals. */
LARDER_EMBED_API larder_kernel *larder_kernel_open(const larder_open_args *args, larder_diag *diag);
/* Judges what open would be given, and opens nothing: no plugin is loaded, no thread begins, and it may be called before
 * fork(). DONE, or POLICY and diag (may be NULL) with the place. */
LARDER_EMBED_API larder_result larder_kernel_check(const larder_open_args *args, larder_diag *diag);
/* Closes a kernel: ends gateways, then what is in flight, then stores; then `k` is gone. Loops and refs of it are freed
 * before, and nobody is inside another call. NULL is none. */
LARDER_EMBED_API void larder_kernel_close(larder_kernel *k);
/* Reads configuration and policy again and changes over in one step; wrong ones change nothing (LARDER_R_POLICY). Blocks for
 * as long as compiling takes. */
LARDER_EMBED_API larder_result larder_kernel_reload(larder_kernel *k, larder_diag *diag);
/* Moves virtual time on, and does what is due until then. LARDER_R_UNSUPPORTED: it has the machine's. */
LARDER_EMBED_API larder_result larder_kernel_advance(larder_kernel *k, int64_t ms);

/* A namespace's number, as long as the kernel lives and whatever policies come; below 0: LARDER_R_INVALID. Ask once. */
LARDER_EMBED_API int32_t larder_kernel_space(larder_kernel *k, const char *name, size_t n);
/* The namespace that a full key names, "menu:item:7", and in *key_at where the key begins in it: the longest declared name
 * with ':' behind. */
LARDER_EMBED_API int32_t larder_kernel_resolve(larder_kernel *k, const char *full_key, size_t n, size_t *key_at);
/* Whether a key fits a namespace. DONE, or INVALID with the namespace's key template in larder_problem(). */
LARDER_EMBED_API larder_result larder_kernel_check_key(larder_kernel *k, int32_t space, const char *key, size_t n);

/* -------------------------------------------------------------------------------------------- entries */

/* Looks an entry up. HIT STALE LEASE PASS ABSENT, or WAIT with a loop: then what it comes to arrives there under `user`,
 * and neither *ref nor *lease is written now. HIT and STALE: *ref is yours to release. LEASE: *lease is what fill and
 * fail take; STALE: likewise, or 0 where somebody else makes it anew. loop NULL: blocks while others load it, and while
 * a lower tier is asked. */
LARDER_EMBED_API larder_result larder_kernel_get(larder_kernel *k, int32_t space, const char *key, size_t n, larder_loop *loop,
                                                 uint64_t user, larder_ref **ref, uint64_t *lease);
/* Copies what this process has, in one call, for foreign-function interfaces. 0 or more: the value's length; it was copied
 * to buf if it is at most `cap`. Else -16 - LARDER_R_*: -19 WAIT (only a get can tell), -20 PASS, -21 ABSENT, -22
 * NONE; with `lease` not NULL also -18 LEASE, as a get's. -1 to -15: LARDER_R_* as they are. A stale value is none. */
LARDER_EMBED_API int64_t larder_kernel_read(larder_kernel *k, int32_t space, const char *key, size_t n, void *buf, size_t cap, uint64_t *lease);

/* larder_put_args.flags. */
enum {
  LARDER_PUT_ONLY_NEW = 1u << 0,      /* NONE if there is one */
  LARDER_PUT_ONLY_OVER = 1u << 1,     /* NONE if there is none */
  LARDER_PUT_KEEP_LIFE = 1u << 2,     /* the time left of the entry that is replaced */
  LARDER_PUT_NOTHING_THERE = 1u << 3  /* known not to exist: bytes are ignored; the namespace says `absent` */
};
/* What a put or a fill says of its value; all but `size` may be left 0. */
typedef struct larder_put_args {
  size_t size;              /* sizeof(larder_put_args) */
  uint32_t flags;           /* LARDER_PUT_*; of fill only NOTHING_THERE */
  uint32_t nwith;           /* length of `with` */
  const larder_field *with; /* values of the namespace's `with` names; a name may come several times (`with tag`) */
  int64_t ttl_ms;           /* 0: the namespace's; -1: the longest it allows; else at most that */
} larder_put_args;

/* Brings the value of a lease. It goes to all who wait. DONE: kept. NONE: not kept, as something dropped or replaced the
 * entry since the lease began; those who wait load anew. Others: not kept, those who wait get PASS. args NULL: nothing
 * special. In any case the lease is over, but for NO_LEASE: it was. Leases live for 25 s. */
LARDER_EMBED_API larder_result larder_kernel_fill(larder_kernel *k, uint64_t lease, const void *bytes, size_t n, const larder_put_args *args,
                                                  larder_loop *loop, uint64_t user);
/* Gives a lease up: the load came to nothing. Where the policy says `stale ... on error` and there is a stale value, all
 * who wait get it, and so does the caller: STALE and *stale (may be NULL: not wanted). Else they get PASS, and the
 * caller DONE. */
LARDER_EMBED_API larder_result larder_kernel_fail(larder_kernel *k, uint64_t lease, larder_ref **stale);

/* Puts a value. A load of the same key that is under way is older than it, and will not replace it. */
LARDER_EMBED_API larder_result larder_kernel_put(larder_kernel *k, int32_t space, const char *key, size_t n, const void *bytes, size_t m,
                                                 const larder_put_args *args, larder_loop *loop, uint64_t user);
/* Drops one entry. DONE: there was one; NONE: there was none. */
LARDER_EMBED_API larder_result larder_kernel_drop(larder_kernel *k, int32_t space, const char *key, size_t n, larder_loop *loop, uint64_t user);
/* Changes when an entry ends: in ttl_ms, 0 or less is now, at most the namespace's limit. NONE: no such entry. */
LARDER_EMBED_API larder_result larder_kernel_expire(larder_kernel *k, int32_t space, const char *key, size_t n, int64_t ttl_ms);
/* Reads the time left of an entry in ms, -1: without end. It is no use of it. NONE: no such entry. */
LARDER_EMBED_API larder_result larder_kernel_ttl(larder_kernel *k, int32_t space, const char *key, size_t n, int64_t *ttl_ms);
/* Ties an entry to another: what drops `on_key` from now on drops `key` as well, as long as that entry lives. NONE: no
 * such entry. */
LARDER_EMBED_API larder_result larder_kernel_depend(larder_kernel *k, int32_t space, const char *key, size_t n, int32_t on_space,
                                                    const char *on_key, size_t on_n);
/* Lists keys of a namespace that fit a Redis glob ("" all), some at a time: *cursor 0 begins, and is 0 after the last.
 * *keys: one after another, each behind its length as a 32-bit number of this machine. Each key that is there all the
 * time comes at least once. */
LARDER_EMBED_API larder_result larder_kernel_keys(larder_kernel *k, int32_t space, const char *glob, size_t n, uint64_t *cursor, uint32_t about,
                                                  larder_ref **keys);

/* -------------------------------------------------------------------------------------- invalidation */

/* What an invalidation does. */
enum {
  LARDER_DO_DROP = 0,   /* it is gone */
  LARDER_DO_EXPIRE = 1, /* it is stale: served under `stale` while it is made anew */
  LARDER_DO_REFRESH = 2 /* it is gone, and the policy's `warm` items make it anew */
};
#define LARDER_SPACE_NONE (-1) /* no namespace: of rules that name none */
/* Drops, expires or refreshes what `rule` names: "tag:active", "all", and of a namespace (else LARDER_SPACE_NONE)
 * "namespace" with all below it, "key:7", "prefix:2024-01-", "glob:order:*" (`*` is any text). *receipt (may be NULL):
 * JSON that names each rule that fired by file and line, and each scope. */
LARDER_EMBED_API larder_result larder_kernel_invalidate(larder_kernel *k, uint32_t what, int32_t space, const char *rule, size_t n, larder_loop *loop,
                                                        uint64_t user, larder_ref **receipt);
/* A request and what the application answered it. */
typedef struct larder_route_args {
  size_t size; /* sizeof(larder_route_args) */
  larder_str method, path, query; /* "PUT", "/v1.0/user/update/42" as it was sent, "a=1&b=2" */
  larder_str body;                /* of the request, for `let x = json "id"` */
  const larder_field *headers;    /* of the request */
  uint32_t nheaders;              /* length of `headers` */
  int32_t status;                 /* of the answer; 0: 200 */
} larder_route_args;
/* Tells that the application has answered a request: route rules of the policy fire. *receipt (may be NULL) as
 * invalidate's. */
LARDER_EMBED_API larder_result larder_kernel_route(larder_kernel *k, const larder_route_args *args, larder_loop *loop, uint64_t user, larder_ref **receipt);
/* Tells that something happened which the policy has rules for: `on event "sold" (id)`. */
LARDER_EMBED_API larder_result larder_kernel_event(larder_kernel *k, const char *name, size_t n, const larder_field *values, uint32_t nvalues,
                                                   larder_loop *loop, uint64_t user, larder_ref **receipt);
/* Finds the entry that answers a request that was not worked on yet, by the policy's `serve` rules. HIT: *space, and
 * *key is its key, to be released. NONE: no rule serves it. */
LARDER_EMBED_API larder_result larder_kernel_serve(larder_kernel *k, const larder_route_args *args, int32_t *space, larder_ref **key);
/* Begins the policy's `warm` items of a namespace, or all of them (LARDER_SPACE_NONE). *queued: how many
 * runs; report "warm runs" tells how far they are. UNSUPPORTED: nothing here warms. */
LARDER_EMBED_API larder_result larder_kernel_warm(larder_kernel *k, int32_t space, uint32_t *queued);

/* ------------------------------------------------------------------------------------------ sessions */
/* Sessions that the policy calls `session NAME`, kept by the plugin of [session.NAME]. With a loop answers arrive there,
 * and out arguments are not written; HIT has text in the completion's ref. NONE: no such session. */

/* Begins a session. *id: what the client gets, a secret. data: what is kept, JSON if update is to work. REFUSED: the
 * user has as many as the policy allows. */
LARDER_EMBED_API larder_result larder_session_create(larder_kernel *k, const char *session, const char *user_name, size_t un, const char *data, size_t n,
                                                     larder_loop *loop, uint64_t user, larder_ref **id);
/* Reads a session's data; a use of it. */
LARDER_EMBED_API larder_result larder_session_get(larder_kernel *k, const char *session, const char *id, size_t idn, larder_loop *loop, uint64_t user,
                                                  larder_ref **data);
/* Changes a session's data by a merge patch (RFC 7386); *data: what it says afterwards (may be NULL). */
LARDER_EMBED_API larder_result larder_session_update(larder_kernel *k, const char *session, const char *id, size_t idn, const char *patch, size_t n,
                                                     larder_loop *loop, uint64_t user, larder_ref **data);
/* Gives a session a new id, as after a login; the old one is of no use soon. */
LARDER_EMBED_API larder_result larder_session_rotate(larder_kernel *k, const char *session, const char *id, size_t idn, larder_loop *loop, uint64_t user,
                                                     larder_ref **fresh);
/* Ends one session. */
LARDER_EMBED_API larder_result larder_session_end(larder_kernel *k, const char *session, const char *id, size_t idn, larder_loop *loop, uint64_t user);
/* Ends all sessions of a user. *ended (may be NULL): how many. */
LARDER_EMBED_API larder_result larder_session_end_user(larder_kernel *k, const char *session, const char *user_name, size_t un, larder_loop *loop,
                                                       uint64_t user, uint64_t *ended);

/* ------------------------------------------------------------------------------------------- reports */

/* Answers what the program's verbs answer, as text or with "json " before it as JSON where there is one: "stats", "stats
 * namespaces", "explain PUT /x", "why SPACE KEY", "events AFTER", "alerts", "alerts now" (judges, and tells sinks),
 * "plugins", "policy", "warm runs", "warm items", "warm plan" (what is foreseen), "warm analysis" and "warm week" (what
 * was learnt); and "summary" (JSON: hit rate, latencies, operations, overall and by namespace), "metrics" (Prometheus'
 * text), "warnings" (what sleeps), "addresses" (what gateways bound). INVALID: it is not understood. Words
 * with spaces stand in double quotes. May block. */
LARDER_EMBED_API larder_result larder_kernel_report(larder_kernel *k, const char *what, size_t n, larder_ref **text);
/* Writes a line of larder's log; level 0 trace to 4 error. */
LARDER_EMBED_API void larder_kernel_log(larder_kernel *k, int32_t level, const char *text, size_t n);

/* -------------------------------------------------------------------------------------------- values */

/* A value's bytes; never NULL, valid until release. */
LARDER_EMBED_API const void *larder_ref_data(const larder_ref *ref, size_t *n);
/* What was left of a value's life when it was answered, in ms, -1 without end; of a stale one minus the time since it
 * became so. */
LARDER_EMBED_API int64_t larder_ref_ttl_ms(const larder_ref *ref);
/* One more holder of a value. Answers `ref`. */
LARDER_EMBED_API larder_ref *larder_ref_retain(larder_ref *ref);
/* Lets go of a value. Any thread. NULL is none. */
LARDER_EMBED_API void larder_ref_release(larder_ref *ref);

/* --------------------------------------------------------------------------------------------- loops */

/* What came of a call that was answered with WAIT. */
typedef struct larder_completion {
  uint64_t user;     /* as it was given to the call */
  int32_t result;    /* LARDER_R_* */
  uint32_t reserved; /* 0 */
  larder_ref *ref;   /* yours to release, or NULL */
  uint64_t lease;    /* of LEASE, and of a STALE that is yours to make anew; else 0 */
} larder_completion;

/* A queue of completions, for one event loop. NULL: descriptors ran out (larder_problem()). Freed before its kernel is
 * closed. */
LARDER_EMBED_API larder_loop *larder_loop_new(larder_kernel *k);
/* The descriptor that is readable while there are completions. Level or edge triggered: it is written when the queue
 * becomes non-empty and read when a drain has emptied it. Not to be read or closed by others. */
LARDER_EMBED_API int larder_loop_fd(const larder_loop *loop);
/* Takes at most `max` completions; how many. Never blocks. */
LARDER_EMBED_API size_t larder_loop_drain(larder_loop *loop, larder_completion *out, size_t max);
/* Takes back what a user waits for: after it returns no completion of this user appears. What it was about goes on
 * without it; a lease that nobody hears of is given to the next. How many were taken back. */
LARDER_EMBED_API size_t larder_loop_cancel(larder_loop *loop, uint64_t user);
/* Asks for alerts: from now on each that fires or is resolved arrives as a completion of this user: its ref is JSON with
 * "type" (its name), "firing" and "readings". */
LARDER_EMBED_API larder_result larder_loop_watch_alerts(larder_loop *loop, uint64_t user);
/* Frees a loop, and with it all that has not been drained. NULL is none. */
LARDER_EMBED_API void larder_loop_free(larder_loop *loop);

#ifdef __cplusplus
}
#endif
#endif
