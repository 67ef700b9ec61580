/* larder/plugin/exporter.h -- kind 6: carries numbers and events out.
 *
 * An exporter listens to nothing: the kernel serves /metrics and asks a PULL exporter to render. */
#ifndef LARDER_PLUGIN_EXPORTER_H
#define LARDER_PLUGIN_EXPORTER_H
#include "abi.h"
#include "services.h"
#ifdef __cplusplus
extern "C" {
#endif

enum {
  LARDER_EXP_CAP_PULL = 1u << 0,  /* implements render */
  LARDER_EXP_CAP_PUSH = 1u << 1,  /* implements push; called every interval */
  LARDER_EXP_CAP_EVENTS = 1u << 2, /* implements events: gets the alerts that the policy sends to it */
  /* With EVENTS: gets each invalidation that a rule, a request or an operator has done in this process as
   * an event "invalidate", after it was done. json: {"changes": [CHANGE...]}, where a CHANGE has action
   * (drop, expire, refresh), target (key, namespace, matching, tag, everything), text (the key, pattern or
   * tag) and namespaces (those it reaches; not for a tag and everything). */
  LARDER_EXP_CAP_CHANGES = 1u << 3
};

/* One line of numbers; frozen. */
typedef struct larder_sample {
  const larder_pair *labels;
  uint32_t label_count;
  uint32_t bucket_count;           /* histogram: entries of both arrays below */
  double value;                    /* counter, gauge; histogram: sum */
  uint64_t count;                  /* histogram */
  const double *bucket_le;         /* ascending, last is +inf */
  const uint64_t *bucket_count_le; /* cumulative */
} larder_sample;

typedef struct larder_family {
  uint32_t struct_size;
  int32_t kind;                 /* LARDER_METRIC_* */
  larder_bytes name, help, unit;
  const larder_sample *samples;
  size_t sample_count;
} larder_family;

typedef struct larder_event {
  uint32_t struct_size;
  int32_t severity;     /* LARDER_LOG_* */
  uint64_t at_ms;       /* host wall clock */
  larder_bytes type;    /* "alert", "invalidate" */
  larder_bytes subject; /* what it is about: an instance, a namespace, a rule */
  larder_bytes json;    /* the rest, one JSON object */
} larder_event;

/* Where text goes, in pieces. The caller's; valid during the call that got it. */
typedef struct larder_text_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* chunk is borrowed. Anything but OK: stop and return it. Same thread. */
  larder_status(LARDER_CALL *write)(void *ctx, larder_bytes chunk) LARDER_NOEXCEPT;
} larder_text_sink;

/* families and events: a consistent snapshot, valid until the function returns. Never PENDING. */
typedef struct larder_exporter_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* With CAP_PULL. accept: the client's Accept header. *content_type: static text. [worker] */
  larder_status(LARDER_CALL *render)(void *self, larder_bytes accept, const larder_family *const *families, size_t n, const larder_text_sink *out, const char **content_type) LARDER_NOEXCEPT;
  /* With CAP_PUSH. One call at a time. [worker] */
  larder_status(LARDER_CALL *push)(void *self, const larder_family *const *families, size_t n, const larder_call *call) LARDER_NOEXCEPT;
  /* With CAP_EVENTS, oldest first. One call at a time; an error is retried with the same events. [worker] */
  larder_status(LARDER_CALL *events)(void *self, const larder_event *const *events, size_t n, const larder_call *call) LARDER_NOEXCEPT;
} larder_exporter_v1;

#ifdef __cplusplus
}
#endif
#endif
