/* larder/plugin/exporter.h -- kind 6: carries numbers and events out. */
#ifndef LARDER_PLUGIN_EXPORTER_H
#define LARDER_PLUGIN_EXPORTER_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif
enum {
  LARDER_EXP_CAP_PULL = 1u << 0,  /* render on request (a gateway mounts it) */
  LARDER_EXP_CAP_PUSH = 1u << 1,  /* called every interval */
  LARDER_EXP_CAP_EVENTS = 1u << 2 /* events: alerts, breaker changes, invalidations, audit */
};
typedef struct larder_label { /* frozen */
  larder_bytes name, value;
} larder_label;
typedef struct larder_sample { /* frozen */
  const larder_label *labels;
  uint32_t label_count;
  uint32_t bucket_count;         /* histograms */
  double value;                  /* counter, gauge; histogram: sum */
  uint64_t count;                /* histogram */
  const double *bucket_le;       /* ascending, last is +inf */
  const uint64_t *bucket_count_le; /* cumulative */
} larder_sample;
typedef struct larder_family {
  uint32_t struct_size;
  int32_t kind; /* LARDER_METRIC_* */
  larder_bytes name, help, unit;
  const larder_sample *samples;
  size_t sample_count;
} larder_family;
typedef struct larder_event {
  uint32_t struct_size;
  int32_t severity; /* LARDER_LOG_* */
  uint64_t at_ms;
  larder_bytes type; /* "breaker.open", "plugin.misbehaved", "invalidate", "alert" */
  larder_bytes subject;
  larder_bytes json; /* the rest, one JSON object */
} larder_event;
typedef struct larder_text_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  larder_status(LARDER_CALL *write)(void *ctx, larder_bytes chunk) LARDER_NOEXCEPT;
} larder_text_sink;
typedef struct larder_exporter_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* families: a consistent snapshot, valid during the call. [worker] */
  larder_status(LARDER_CALL *render)(void *self, larder_bytes accept, const larder_family *const *families, size_t n, const larder_text_sink *out, const char **content_type) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *push)(void *self, const larder_family *const *families, size_t n, const larder_call *call) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *events)(void *self, const larder_event *const *events, size_t n, const larder_call *call) LARDER_NOEXCEPT;
} larder_exporter_v1;
#ifdef __cplusplus
}
#endif
#endif
