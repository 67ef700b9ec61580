/* larder/plugin/abi.h -- base types of the larder plugin ABI, generation 1.
 *
 * C11 / C++17 and later. Needs only <stddef.h> and <stdint.h>.
 *
 * GROWTH RULES (checked by tests/abi):
 *  - a struct that begins with struct_size may grow, at its end only;
 *    a reader treats every member past struct_size as zero / NULL;
 *  - in structs: the caller sets struct_size to what it built; the callee reads
 *    and, for out structs, writes only members inside it (LARDER_HAS);
 *  - a struct without struct_size is frozen for the life of generation 1;
 *  - growable structs are never put in arrays by value: arrays hold pointers;
 *  - enumerators and flag bits are only ever added; a reader ignores flag bits
 *    it does not know and maps unknown enumerators to its documented default;
 *  - no bitfields, no C enums, no bool, no long, no size_t-in-int, no unions
 *    without a tag, no variadic functions, no struct returned by value.
 *
 * THREAD TAGS used on every function:
 *  [control]  the kernel's control thread; never two at once for one module
 *  [any]      any thread, concurrently, must be thread-safe
 *  [hot]      like [any], and must not block: no I/O wait, no sleep, no
 *             unbounded loop; a bounded mutex is allowed
 *  [worker]   like [any], may block until call->deadline_ns
 */
#ifndef LARDER_PLUGIN_ABI_H
#define LARDER_PLUGIN_ABI_H

#include <stddef.h>
#include <stdint.h>

#define LARDER_ABI_MAJOR 1u
#define LARDER_ABI_MINOR 0u
#define LARDER_ABI_VERSION ((LARDER_ABI_MAJOR << 16) | LARDER_ABI_MINOR)
#define LARDER_ABI_MAGIC 0x3152444Cu /* 'L','D','R','1' in memory, little endian */

#if defined(_WIN32)
#  define LARDER_EXPORT __declspec(dllexport)
#  define LARDER_CALL __cdecl
#else
#  define LARDER_EXPORT __attribute__((visibility("default")))
#  define LARDER_CALL
#endif

/* In C++ every ABI function type is noexcept, so a function that may throw does
 * not convert to a table slot: the compiler refuses it. LARDER_ABI_MAY_THROW
 * leaves it out, for tests of what a misbuilt plugin does to the kernel; noexcept
 * changes neither calling convention nor layout. */
#if defined(__cplusplus) && !defined(LARDER_ABI_MAY_THROW)
#  define LARDER_NOEXCEPT noexcept
#else
#  define LARDER_NOEXCEPT
#endif

/* LARDER_HAS(p, member): p's owner compiled with a header that had member. */
#define LARDER_HAS(p, member)                                                   \
  ((p)->struct_size >= offsetof(LARDER_TYPEOF(p), member) + sizeof((p)->member))
#if defined(__cplusplus)
#  include <type_traits>
#  define LARDER_TYPEOF(p) std::remove_cv_t<std::remove_pointer_t<std::remove_cv_t<std::remove_reference_t<decltype(p)>>>>
#else
#  define LARDER_TYPEOF(p) __typeof__(*(p))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ status */
typedef int32_t larder_status;
enum {
  LARDER_OK = 0,
  LARDER_MISS = 1,    /* no such entry; not an error */
  LARDER_PENDING = 2, /* taken; call->done is called exactly once, later */
  LARDER_EXISTS = 3,  /* put with IF_ABSENT found an entry; not an error */

  LARDER_E_INVALID = -1,     /* the caller's argument is wrong */
  LARDER_E_UNSUPPORTED = -2, /* this instance does not do that */
  LARDER_E_NOMEM = -3,
  LARDER_E_IO = -4,        /* backend unreachable or failed     (retryable)   */
  LARDER_E_TIMEOUT = -5,   /* deadline_ns passed                (retryable)   */
  LARDER_E_BUSY = -6,      /* back-pressure: queue or pool full (retryable)   */
  LARDER_E_CANCELLED = -7, /* cancel() or stop() ended it                     */
  LARDER_E_CLOSED = -8,    /* called outside start..stop                      */
  LARDER_E_CONFLICT = -9,  /* version given in put/remove no longer current   */
  LARDER_E_TOO_LARGE = -10,
  LARDER_E_CORRUPT = -11, /* stored bytes fail the plugin's own check         */
  LARDER_E_DENIED = -12,  /* authentication or permission                     */
  LARDER_E_CONFIG = -13,  /* option set is well typed but makes no sense      */
  LARDER_E_VERSION = -14, /* plugin or peer too old / too new                 */
  LARDER_E_INTERNAL = -15,
  LARDER_E_EXCEPTION = -16, /* a C++ wrapper stopped an exception here         */
  LARDER_E_REFUSED = -17 /* larder.cache/1 only: a guard of the policy wants it confirmed, or its `never store` keeps it out */
};

/* ------------------------------------------------- frozen value-like structs */
/* Borrowed bytes. Valid until the called function returns, unless said. */
typedef struct larder_bytes {
  const void *data;
  size_t size;
} larder_bytes;

/* A key as every hot call carries it. Borrowed: valid until the function returns,
 * also when it returns LARDER_PENDING. data is not NUL-terminated and may hold
 * any byte. hash is the kernel's 64-bit hash of (ns, data), so that stores need
 * not hash again; it is seeded per process against crafted collisions: never
 * persist it and never send it to another process. */
typedef struct larder_key {
  const char *data;
  uint32_t size;
  uint32_t ns; /* namespace number, never reused in a process; its name: larder_cache_api.ns_name */
  uint64_t hash;
} larder_key;

/* A value with its owner. Whoever holds it calls release exactly once, from any
 * thread; data and size stay valid and unchanged until then, even if the entry
 * is overwritten, evicted or removed meanwhile (pinned, zero-copy).
 * release == NULL: nothing to give back (static data).
 * The plugin must not fail, block or call the host from release, and release reads nothing but
 * pin: the holder may have narrowed data and size to a part of the value (the kernel does, to the
 * payload behind its envelope). */
typedef struct larder_value larder_value;
struct larder_value {
  const void *data;
  size_t size;
  void(LARDER_CALL *release)(larder_value *v) LARDER_NOEXCEPT; /* [any] */
  void *pin; /* the owner's; nobody else looks at it */
};

/* Where a cold function writes a one-line UTF-8 reason. The caller owns buf. */
typedef struct larder_errbuf {
  char *buf;
  uint32_t cap; /* bytes at buf, the NUL included */
  uint32_t len; /* written, the NUL excluded */
} larder_errbuf;

/* ----------------------------------------------------------- async contract */
/* value: NULL, or a filled value that now belongs to the callee of done. */
typedef void(LARDER_CALL *larder_done_fn)(void *ctx, larder_status st,
                                          larder_value *value) LARDER_NOEXCEPT;

/* One operation's context, built by the caller, read-only for the callee and
 * valid until the function returns - copy what you keep.
 *   done == NULL: the function must finish before it returns.
 *   done != NULL: it may return LARDER_PENDING; then done(done_ctx, ...) is
 *   called exactly once, from any thread, but never from inside the function
 *   that returned LARDER_PENDING on the same thread. If it returns anything
 *   else, done is not called. Out pointers are dead once the function returned:
 *   a late value travels through done. */
typedef struct larder_call {
  uint32_t struct_size;
  uint32_t flags;       /* LARDER_CALL_* */
  uint64_t deadline_ns; /* host monotonic clock; 0: none */
  larder_done_fn done;
  void *done_ctx;
  const char *traceparent; /* W3C trace context, NUL-terminated, or NULL */
  uint32_t role;           /* LARDER_ROLE_* of whoever asks */
  uint32_t reserved;
  uint64_t client;         /* a gateway's number for the connection that asks; 0: none. A connection's own
                            * remove of a key forgets what its earlier miss was judged under (see
                            * LARDER_GET_FENCE in services.h) */
  uint64_t now_ns;         /* the host's monotonic clock as the caller just read it; 0: not read */
} larder_call;
/* Who asks. Each role may do what the ones before it may. A call whose role is too low for what it
 * asks ends with LARDER_E_DENIED. TRUSTED is code in this process acting for itself. */
enum {
  LARDER_ROLE_TRUSTED = 0,
  LARDER_ROLE_READ = 1,       /* get, exists, ttl, scan, stats, explain       */
  LARDER_ROLE_WRITE = 2,      /* put, remove, expire, persist of single keys  */
  LARDER_ROLE_INVALIDATE = 3, /* drop, expire, refresh, request, event, warm  */
  LARDER_ROLE_ADMIN = 4       /* drop everything, reload                      */
};
enum {
  LARDER_CALL_PEEK = 1u << 0,    /* do not count as a use (no LRU promotion) */
  LARDER_CALL_COLD = 1u << 1,    /* background traffic: may be deferred      */
  LARDER_CALL_NO_VALUE = 1u << 2, /* existence only: out stays untouched      */
  /* change, request and event of larder.cache/1: nothing is changed; the receipt says what would be,
   * and its json has how many entries would go, whether that is exact, and some of them. [worker] */
  LARDER_CALL_REHEARSE = 1u << 16,
  /* change of larder.cache/1: a person asks, and has not confirmed it. What takes more than a guard of
   * the policy allows ends with LARDER_E_REFUSED and changes nothing; the receipt's json, asked for or
   * not, has the counts (`refused`). Counting walks what is kept, so [worker], where the policy has such guards. */
  LARDER_CALL_GUARDED = 1u << 17
};

#ifdef __cplusplus
}
#endif
#endif /* LARDER_PLUGIN_ABI_H */
