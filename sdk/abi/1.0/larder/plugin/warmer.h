/* larder/plugin/warmer.h -- kind 3: makes values ahead of demand.
 *
 * Two ways to use one table. A policy that says
 *     warm menu.item "{id}" { from api "/menu/{id}" { timeout 2s } for id in 1..50 }
 * names the entries itself: the kernel expands it into items (namespace, key, the address text in
 * hint, the option block in options) and calls fetch for each. A warmer that knows better than the
 * policy which keys matter (it watched the traffic) implements plan as well. A namespace's `source`
 * uses the same fetch for one key at a time, with the fields of the key beside the text; its `write`
 * uses write.
 *
 * The plugin makes values; the kernel decides when, how many at once and in what order, skips what is
 * fresh, takes the stamp before fetch is called and puts the answer into the tiers. */
#ifndef LARDER_PLUGIN_WARMER_H
#define LARDER_PLUGIN_WARMER_H
#include "abi.h"
#include "services.h"
#ifdef __cplusplus
extern "C" {
#endif

enum {
  LARDER_WARM_CAP_PLAN = 1u << 0,    /* implements plan */
  LARDER_WARM_CAP_OBSERVE = 1u << 1, /* implements observe */
  LARDER_WARM_CAP_ASYNC = 1u << 2,   /* fetch may answer PENDING and never blocks; else it runs on the
                                      * bounded worker pool of this instance */
  LARDER_WARM_CAP_WRITE = 1u << 3,   /* implements write */
  LARDER_WARM_CAP_REPORT = 1u << 4   /* implements report */
};

/* Why an item is fetched. */
enum {
  LARDER_WARM_STARTUP = 0,
  LARDER_WARM_SCHEDULE = 1,
  LARDER_WARM_DEMAND = 2, /* somebody waits for it: a `source`, or `larder warm` */
  LARDER_WARM_AFTER_INVALIDATION = 3,
  LARDER_WARM_PREDICTED = 4 /* a plan names it, nobody has asked for it yet */
};

typedef struct larder_warm_run {
  uint32_t struct_size;
  uint32_t reason;      /* LARDER_WARM_* */
  uint64_t deadline_ns; /* host monotonic clock; 0: none */
  uint32_t ns;          /* LARDER_NS_NONE: all this warmer serves */
  uint32_t max_items;   /* plan no more than this; 0: no limit */
  /* What the policy's `learn` says. */
  uint64_t window_ms;    /* of history that counts; 0: all there is */
  uint64_t horizon_ms;   /* until the next run: what will be asked for in this time */
  uint64_t ttl_ms;       /* of the namespace; 0: entries live for ever */
  uint32_t min_accesses; /* a key that was asked for less often is no pattern */
  uint32_t min_priority; /* 0..10: plan nothing below it */
} larder_warm_run;

/* One entry to make. Everything in it is borrowed: valid until the function that got it returns, and
 * until done when fetch answered PENDING. */
typedef struct larder_warm_item {
  uint32_t struct_size;
  uint32_t ns;
  larder_bytes key;           /* inside the namespace, as its author writes it */
  larder_bytes hint;          /* the policy's address text, or what plan gave */
  const larder_pair *options; /* the policy's option block, texts; durations "2000ms", sizes in bytes */
  uint32_t option_count;
  uint32_t reason;            /* LARDER_WARM_* */
  uint32_t priority;          /* 0..255, higher first */
  uint32_t cost_ms;           /* estimate; 0: unknown */
  /* For a `source`: hint is the policy's text as it was written, a field of the key standing in it as
   * {name}, a brace that is meant doubled; these are the fields, unescaped. What a value becomes in a
   * path or a statement only the plugin knows: it never pastes one into a statement. With fields NULL
   * the kernel has filled hint in, or nobody has to. */
  const larder_pair *fields;
  uint32_t field_count;
  uint32_t reserved;
  uint64_t due_ms; /* of a plan: wall clock, when it should be made; 0: at once */
} larder_warm_item;

/* One value to bring to where values come from. Borrowed until write returns. */
typedef struct larder_source_write { /* frozen: stands in arrays */
  larder_bytes key;   /* inside the namespace, as its author writes it */
  larder_bytes value; /* of a removal: empty */
  larder_bytes hint;  /* the policy's text behind `write`, or behind `remove`; in the form of
                       * larder_warm_item.hint, {value} for the value; empty: the source's own */
  const larder_pair *fields;
  uint32_t field_count;
  uint32_t remove;       /* 1: the key is to be removed */
  /* out, E_IO before: OK, MISS (nothing to remove), or an error, which says that it was not done, but
   * for E_TIMEOUT: nobody knows. IO, TIMEOUT, BUSY, CLOSED and CANCELLED are worth another attempt. */
  larder_status status;
  uint32_t reserved;
} larder_source_write;

/* The kernel's; valid during plan. */
typedef struct larder_warm_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* Copies the item. Nonzero: enough, return. Same thread as plan. */
  int32_t(LARDER_CALL *item)(void *ctx, const larder_warm_item *it) LARDER_NOEXCEPT;
} larder_warm_sink;

/* What became of an access. */
enum {
  LARDER_ACCESS_MISS = 0,      /* each is told */
  LARDER_ACCESS_HIT = 1,       /* one in `weight` is told */
  LARDER_ACCESS_FIRST_HIT = 2, /* the first of an entry that was made because a plan named it; each is told */
  LARDER_ACCESS_PRELOADED = 3  /* no access: such an entry was made */
};

/* An access to a key; frozen: stands in arrays. Which are told is the kernel's affair: all that went to where
 * values come from, and of the others some. */
typedef struct larder_access {
  uint64_t at_ms;    /* host wall clock */
  uint64_t key_hash; /* as larder_key.hash: good within this process only */
  larder_bytes key;  /* inside the namespace, as clients write it; borrowed */
  uint32_t ns;
  uint32_t what;     /* LARDER_ACCESS_* */
  uint32_t weight;   /* this one stands for so many */
  uint32_t cost_us;  /* what its load took; 0: unknown, or there was none */
} larder_access;

typedef struct larder_warmer_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Make the value of one item. set comes prefilled by the kernel (ns, key, the namespace's ttl); the
   * plugin may change ttl_ms, with and with_count, or set the flag LARDER_SET_ABSENT when it is sure
   * that there is nothing to be cached under this key. What with points at must live as long as the
   * value: it is read before the value is released. set->value is not used: the bytes go to out.
   *   OK: out is filled and the kernel's to release (not touched with LARDER_SET_ABSENT).
   *   MISS: nothing to warm, nothing is cached.
   *   PENDING: with CAP_ASYNC and call->done only; set lives until done, the value travels through it.
   * [worker]; with CAP_ASYNC [any] */
  larder_status(LARDER_CALL *fetch)(void *self, const larder_warm_item *it, const larder_call *call, larder_cache_set *set, larder_value *out) LARDER_NOEXCEPT;
  /* Optional, with CAP_PLAN: name what should be warm now. [worker] */
  larder_status(LARDER_CALL *plan)(void *self, const larder_warm_run *run, const larder_warm_sink *sink) LARDER_NOEXCEPT;
  /* Optional, with CAP_OBSERVE: learn from traffic, some of which may be lost. batch is borrowed, in the order
   * of time but for what several threads did at once. Not on the way of a request. Never two at once. [worker] */
  void(LARDER_CALL *observe)(void *self, const larder_access *batch, size_t n) LARDER_NOEXCEPT;
  /* Optional, with CAP_WRITE: brings n values to where they come from, in their order, and says in each
   * what became of it; one that fails keeps none of the others. `source` is the item that fetch would
   * get, without key and fields. OK: each was looked at; else none was done, and all have that status.
   * Never two at once for one key. [worker] */
  larder_status(LARDER_CALL *write)(void *self, const larder_warm_item *source, larder_source_write *writes, size_t n, const larder_call *call) LARDER_NOEXCEPT;
  /* Optional, with CAP_REPORT: what was learnt of the namespaces, as one JSON object, yours to release. what:
   * "analysis", "week". run: as plan would get it, max_items the most patterns to list. [worker] */
  larder_status(LARDER_CALL *report)(void *self, larder_bytes what, const larder_warm_run *run, larder_value *out) LARDER_NOEXCEPT;
} larder_warmer_v1;

#ifdef __cplusplus
}
#endif
#endif
