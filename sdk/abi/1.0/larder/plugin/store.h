/* larder/plugin/store.h -- kind 1: a store keeps bytes under keys until a deadline, and nothing more.
 *
 * Tags, versions of values, compression, deadlines, key binding and checksums are the kernel's: they
 * stand in the envelope that a store sees as opaque bytes. So the simplest store is a correct one,
 * and a store that answers with another key's bytes is found out.
 *
 * Keys: (ns, data). Within one process ns is a number and data the key inside the namespace. A store
 * with CAP_SHARED or CAP_PERSISTENT outlives the number, so the kernel gives it the whole physical
 * key in data ("larder:v:{menu.item:7}"), and ns only says which limits apply.
 */
#ifndef LARDER_PLUGIN_STORE_H
#define LARDER_PLUGIN_STORE_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif

/* Capabilities. What an instance does not have, the kernel does in its own code
 * or refuses at policy check time. */
enum {
  LARDER_STORE_CAP_SYNC = 1u << 0,       /* never returns PENDING, never blocks: callable on the request thread */
  LARDER_STORE_CAP_BLOCKING = 1u << 1,   /* may block: the kernel calls it on its bounded worker pool only */
  LARDER_STORE_CAP_ZERO_COPY = 1u << 2,  /* get pins the stored bytes instead of copying them */
  LARDER_STORE_CAP_TTL = 1u << 3,        /* drops entries by itself at ttl */
  LARDER_STORE_CAP_SCAN = 1u << 5,       /* implements scan */
  LARDER_STORE_CAP_VERSION = 1u << 6,    /* honours if_version atomically */
  LARDER_STORE_CAP_SHARED = 1u << 7,     /* other processes see the same entries */
  LARDER_STORE_CAP_PERSISTENT = 1u << 8, /* survives a process restart */
  LARDER_STORE_CAP_BOUNDED = 1u << 9,    /* evicts by itself within a size option */
  LARDER_STORE_CAP_LIMITS = 1u << 10,    /* implements limits */
  /* Knows larder_head: get and visit show the stored bytes themselves, 8-byte aligned and in writable
   * memory of this process. Such a store is given values with LARDER_PUT_HEADED, which are some hundred
   * bytes shorter, and a hit needs no look at the records. */
  LARDER_STORE_CAP_MARK = 1u << 11,
  /* A call without done is carried out by the thread that makes it, as far as that is quicker, and ends
   * by its deadline whatever the other side does: the kernel calls so where it would wait anyway. */
  LARDER_STORE_CAP_WAITS = 1u << 12,
  LARDER_STORE_CAP_EVICT = 1u << 13,    /* implements evict: the order in which a full store's entries go is chosen */
  LARDER_STORE_CAP_DEMOTE = 1u << 14    /* implements demote: what it has no room for is handed on */
};

/* Orders in which entries go that a full store has no room for, by namespace: larder_store_v1.evict. */
enum {
  LARDER_EVICT_ADAPTIVE = 0, /* the store's own; what every namespace begins with */
  LARDER_EVICT_LRU = 1,      /* the longest unused */
  LARDER_EVICT_LFU = 2,      /* the least used, lately */
  LARDER_EVICT_FIFO = 3,     /* the longest there */
  LARDER_EVICT_S3FIFO = 4,   /* what was not used soon after it came, then the longest unused */
  LARDER_EVICT_AUTO = 5      /* the one of these that would do best, found out while it runs */
};

enum {
  LARDER_PUT_IF_ABSENT = 1u << 0,  /* else LARDER_EXISTS */
  LARDER_PUT_IF_VERSION = 1u << 1, /* if_version is current, 0 meaning absent; else LARDER_E_CONFLICT */
  LARDER_PUT_KEEP_TTL = 1u << 2,   /* an entry that is replaced keeps its deadline */
  LARDER_PUT_HEADED = 1u << 3      /* value begins with a larder_head; with CAP_MARK only */
};

/* What a headed value begins with, so that kernel and store keep these once. Each word is read and
 * written whole, atomically, while others read it; the kernel's stores are racy on purpose (each thread
 * stores what is true for all). */
#define LARDER_HEAD_DEADLINE_BITS 40
typedef struct larder_head {
  uint64_t mark;     /* the kernel's: the epoch it last verified the entry at. Stored in place by readers */
  uint64_t version;  /* what larder_put.version says: a store needs no copy of it */
  /* Low 40 bits: when the entry ends, in ms of larder_host.mono_ns / 10^6; 0: never. The store writes
   * them from ttl_ms, at put and at touch, as one atomic store of the word. The high 24 bits are the
   * kernel's and stay. */
  uint64_t deadline;
} larder_head;
typedef struct larder_put {
  uint32_t struct_size;
  uint32_t flags;      /* LARDER_PUT_* */
  larder_bytes value;  /* borrowed: copy it, or take it through movable */
  uint64_t ttl_ms;     /* 0: does not expire */
  uint64_t version;    /* the new entry's id, never 0; what if_version is compared with later */
  uint64_t if_version; /* with IF_VERSION */
  uint32_t priority;   /* 0 lowest .. 255; an eviction hint */
  uint32_t reserved;
  /* NULL, or the owner of value. To keep the bytes without a copy: copy *movable
   * into the entry and set movable->release to NULL before returning. */
  larder_value *movable;
} larder_put;

/* A change of an entry in place, without its value. */
typedef struct larder_touch {
  uint32_t struct_size;
  uint32_t patch_offset;  /* where patch goes in the stored bytes; past their end: LARDER_E_INVALID */
  uint64_t ttl_ms;        /* new time left; 0: does not expire */
  uint64_t if_version;    /* 0: whatever is there; else LARDER_E_CONFLICT when another entry is */
  larder_bytes patch;     /* replaces that many bytes, as one step for every reader; empty: none */
} larder_touch;

/* One key of a batch; frozen. value and status are written by the store. */
typedef struct larder_get_item {
  larder_key key;
  larder_value value;
  larder_status status;
  uint32_t reserved;
} larder_get_item;

/* A walk over keys. The guarantee is that of Redis' SCAN: an entry that is there from the first call
 * until cursor is 0 again is seen at least once; one that comes or goes meanwhile may or may not be;
 * an entry may be seen twice. */
enum {
  /* Also keys whose ttl is over and whose memory has not come back yet, with ttl_ms 0. Who asks for it
   * removes them; a store that frees an entry the moment its ttl ends has none to show. */
  LARDER_SCAN_LAPSED = 1u << 0,
  /* The keys are enough: size and ttl_ms may be 0 and -1 where telling them costs the store something. */
  LARDER_SCAN_KEYS = 1u << 1
};
typedef struct larder_scan {
  uint32_t struct_size;
  uint32_t ns;         /* UINT32_MAX: all */
  uint64_t cursor;     /* in: 0 to begin, else what the call before left; out: 0 at the end, at most 48 bits */
  uint32_t count;      /* about how many keys to visit in this call; 0: the store's choice */
  uint32_t flags;      /* LARDER_SCAN_* */
  void *ctx;
  /* ttl_ms: time left, -1 none. Nonzero ends this call early; cursor then goes on behind this key's
   * group. The store may hold a lock: fn must not call it. */
  int32_t(LARDER_CALL *on_key)(void *ctx, const larder_key *key, uint64_t size, int64_t ttl_ms) LARDER_NOEXCEPT;
} larder_scan;

typedef struct larder_store_stats {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t entries, bytes, capacity_bytes, hits, misses, evictions, expirations, errors;
  /* How entries ended, where the store counts it, and whether they had been read since they were put. */
  uint64_t expired_used, expired_unused, evicted_used, evicted_unused, removed_used, removed_unused;
  uint32_t evicts_by;  /* of one ns, with CAP_EVICT: the LARDER_EVICT_* in force, with AUTO the one it found */
  uint32_t reserved2;
} larder_store_stats;

/* Who is given the entries that a full store lets go: larder_store_v1.demote. */
typedef struct larder_demotion {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* An entry was let go for want of room, and its ttl is not over. Called once for each, within a put of this store and on
   * its thread, with locks held: it blocks nowhere and calls no store. key: valid until it returns. value: the bytes as get
   * shows them, the callee's to release, also at once. */
  void(LARDER_CALL *evicted)(void *ctx, const larder_key *key, larder_value *value) LARDER_NOEXCEPT;
} larder_demotion;

typedef struct larder_store_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* The hot four. [hot] with CAP_SYNC, [worker] with CAP_BLOCKING, else [any].
   * get: LARDER_OK (out filled), LARDER_MISS, LARDER_PENDING or an error; on anything but LARDER_OK
   * out is not touched. An entry past its ttl is a MISS. */
  larder_status(LARDER_CALL *get)(void *self, const larder_key *key, const larder_call *call, larder_value *out) LARDER_NOEXCEPT;
  /* put: LARDER_OK, EXISTS, CONFLICT, TOO_LARGE (cannot fit even when all else is evicted) or an
   * error; on anything but OK the entry is as before. */
  larder_status(LARDER_CALL *put)(void *self, const larder_key *key, const larder_put *put, const larder_call *call) LARDER_NOEXCEPT;
  /* remove: OK, or MISS. if_version 0: whatever is there; else CONFLICT when another entry is. */
  larder_status(LARDER_CALL *remove)(void *self, const larder_key *key, uint64_t if_version, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *touch)(void *self, const larder_key *key, const larder_touch *touch, const larder_call *call) LARDER_NOEXCEPT;
  /* Optional from here on; NULL is allowed. */
  /* get without a pin: fn sees the bytes, valid until fn returns, and is called at most once, before
   * visit returns, on the same thread, when and only when visit returns OK. fn copies or writes them
   * out; it does not block and does not call this store (locks may be held). The kernel prefers it
   * for values up to some KiB: no shared reference count is touched. [hot] */
  larder_status(LARDER_CALL *visit)(void *self, const larder_key *key, const larder_call *call,
      void(LARDER_CALL *fn)(void *ctx, larder_bytes value) LARDER_NOEXCEPT, void *ctx) LARDER_NOEXCEPT;
  /* items live until the call returned, or until done; done gets no value: the answers are in items. */
  larder_status(LARDER_CALL *get_many)(void *self, larder_get_item *items, size_t n, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *remove_many)(void *self, const larder_key *keys, size_t n, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *clear_ns)(void *self, uint32_t ns, const larder_call *call) LARDER_NOEXCEPT; /* UINT32_MAX: all */
  larder_status(LARDER_CALL *scan)(void *self, larder_scan *scan, const larder_call *call) LARDER_NOEXCEPT; /* [worker] */
  /* At most so many entries and bytes of ns; 0: no limit of its own. Takes effect at the next put. [control] */
  larder_status(LARDER_CALL *limits)(void *self, uint32_t ns, uint64_t entries, uint64_t bytes) LARDER_NOEXCEPT;
  /* Best effort: the operation whose done_ctx this is ends soon, with CANCELLED
   * or its result. done is still called exactly once. */
  void(LARDER_CALL *cancel)(void *self, void *done_ctx) LARDER_NOEXCEPT;
  /* ns UINT32_MAX: the whole store. [any] */
  larder_status(LARDER_CALL *stats)(void *self, uint32_t ns, larder_store_stats *out) LARDER_NOEXCEPT;
  /* From now on entries of ns go by this order (LARDER_EVICT_*), those that are there, too; E_UNSUPPORTED: the
   * store has no such order, nothing changes. [control] */
  larder_status(LARDER_CALL *evict)(void *self, uint32_t ns, uint32_t order) LARDER_NOEXCEPT;
  /* From now on entries of ns that are evicted go to `to`, which is copied; its ctx outlives the instance. NULL: they are
   * gone, as those of every namespace are at first. [control] */
  larder_status(LARDER_CALL *demote)(void *self, uint32_t ns, const larder_demotion *to) LARDER_NOEXCEPT;
} larder_store_v1;

#ifdef __cplusplus
}
#endif
#endif
