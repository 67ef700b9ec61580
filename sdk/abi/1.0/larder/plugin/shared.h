/* larder/plugin/shared.h -- extension "larder.shared/1" of a store that several kernels use at once.
 *
 * A store stays dumb: it keeps bytes. What makes many nodes one cache are five primitives, and all
 * judgement is the kernel's: values and records are read in one round trip, records are made and changed,
 * a lease is the right to fill what was missing, and a sink is told which keys somebody changed.
 *
 * Keys are whole, as they stand in the store, and built by the kernel; PREFIX is the store's option:
 *
 *     PREFIX:v:{NS:KEY}   a value         told to sinks
 *     PREFIX:g:SCOPE      a record        told to sinks; SCOPE is 16 hex digits
 *     PREFIX:l:{NS:KEY}   its lease       not told. The store derives it from the value's key: `v` is `l`
 *
 * The part in braces is a Redis Cluster hash tag: a value and its lease are always on one server; two
 * records need not be.
 *
 * A record is a scope's two random numbers and the moment of its last expire. Missing is a state of its
 * own: it matches nothing, and nothing that is stamped depends on it. So a change writes only records
 * that are there, and a store may lose or evict records at any time: entries are lost, never correctness.
 *
 * With the extension, `put`, `remove` and `touch` of larder_store_v1 also take the key's lease away, before
 * they change the value, `touch` also where there is none.
 *
 * All functions follow the async contract of larder_call. Arrays live until the function returned, or
 * until done; answers are written into them before done is called, and done gets no value.
 * A function answers OK when every item was worked on, whatever became of each.
 */
#ifndef LARDER_PLUGIN_SHARED_H
#define LARDER_PLUGIN_SHARED_H
#include "store.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LARDER_EXT_SHARED "larder.shared/1"

typedef struct larder_record { /* frozen */
  larder_bytes key;       /* PREFIX:g:SCOPE */
  uint64_t drop, expire;  /* never 0, but for change: drop 0 leaves that number as it is (an expire) */
  uint64_t expired_at_ms; /* by the store's clock; 0: never expired */
  larder_status status;   /* out: OK, MISS (there is none) or an error */
  uint32_t reserved;
} larder_record;

/* What a store tells. Called on the store's own threads, one call at a time; the kernel only marks
 * what it keeps, and does not block. From listen until it is called again or stop returned. */
typedef struct larder_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* Somebody wrote, removed or lost these keys: values and records, whole keys. The own writes of this
   * node come back here too. */
  void(LARDER_CALL *changed)(void *ctx, const larder_bytes *keys, size_t n) LARDER_NOEXCEPT;
  /* Anything may have changed: a flush, or the stream was interrupted and is there again. */
  void(LARDER_CALL *changed_all)(void *ctx) LARDER_NOEXCEPT;
  /* yes: from now on every change is told, proved by a key that was written and told back. No: not any
   * more. It starts as no. A store says `no` at once when it knows, and at the latest when the last proof
   * is `max_staleness` old. After `no`, changed_all comes before the next `yes`. */
  void(LARDER_CALL *trust)(void *ctx, int32_t yes) LARDER_NOEXCEPT;
  /* Another server took over, or the same came back: writes it had acknowledged may be lost. The kernel
   * sends its changes of the last while again. older: it has other data than before (a restart from an
   * older copy), so that no record can be relied upon. */
  void(LARDER_CALL *renewed)(void *ctx, int32_t older) LARDER_NOEXCEPT;
} larder_sink;

typedef struct larder_shared_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* PREFIX; lives as long as the instance. [any] */
  larder_bytes(LARDER_CALL *prefix)(void *self) LARDER_NOEXCEPT;
  /* From now on this sink is told, also when the store has started long ago: it begins with no trust,
   * and when there is trust already, changed_all and trust follow at once. NULL: nobody is told any more,
   * and no call of the sink before is under way when listen returns. The sink is copied. [control] */
  larder_status(LARDER_CALL *listen)(void *self, const larder_sink *sink) LARDER_NOEXCEPT;
  /* The server's clock in ms since 1970 as this node knows it, right to about half a round trip;
   * 0: not known yet. Ages of entries are counted by it, so that nodes need no common clock. [hot] */
  uint64_t(LARDER_CALL *now_ms)(void *self) LARDER_NOEXCEPT;
  /* How many servers' worth of silence: after so many ms without proof trust ends. [any] */
  uint64_t(LARDER_CALL *max_staleness_ms)(void *self) LARDER_NOEXCEPT;

  /* Values (as get_many) and records, in one round trip. [any] */
  larder_status(LARDER_CALL *read)(void *self, larder_get_item *items, size_t n, larder_record *records, size_t m,
      const larder_call *call) LARDER_NOEXCEPT;
  /* Writes each record where there is none, and answers what is there then: OK in any case, drop, expire
   * and expired_at_ms being the ones in force. Either lives at least ttl_ms from now on: whoever prolongs a
   * life does so by more than is asked for, because every node is told of it. Done in the order given: the answer for
   * a record is no older than the one before it. [any] */
  larder_status(LARDER_CALL *make)(void *self, larder_record *records, size_t m, uint64_t ttl_ms, const larder_call *call) LARDER_NOEXCEPT;
  /* Overwrites the records that are there (MISS: there is none, nothing is written), to live ttl_ms, each
   * as one step; with drop 0 only its expire and expired_at_ms, so that an expire takes no drop back. In
   * the order given, each done before the next begins. Then removes the keys and their leases, leases
   * first. One round trip where all is on one server. replicas > 0: OK only when so many replicas have
   * it, else E_TIMEOUT. [any] */
  larder_status(LARDER_CALL *change)(void *self, larder_record *records, size_t m, uint64_t ttl_ms, const larder_key *keys, size_t n,
      uint32_t replicas, const larder_call *call) LARDER_NOEXCEPT;
  /* Asks for the right to fill key: OK, it is token's for ttl_ms; EXISTS, another has it. ttl_ms 0 gives
   * token's right back, if it has it: OK in any case. [any] */
  larder_status(LARDER_CALL *lease)(void *self, const larder_key *key, uint64_t token, uint64_t ttl_ms, const larder_call *call) LARDER_NOEXCEPT;
  /* put, if token still has the right, which ends with it; else CONFLICT and nothing changes: somebody
   * put or removed the key meanwhile, or the lease is over. [any] */
  larder_status(LARDER_CALL *fill)(void *self, const larder_key *key, uint64_t token, const larder_put *put, const larder_call *call) LARDER_NOEXCEPT;
} larder_shared_v1;

#ifdef __cplusplus
}
#endif
#endif
