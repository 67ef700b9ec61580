/* tests/sins/compressor.c -- a codec that is right, but for the one sin it is built with: a length and the bytes as they are. */
#define _GNU_SOURCE
#include "sin.h"

#include <sched.h>
#include <stdint.h>

static unsigned char shared[1 << 22];
static unsigned turn;

static size_t bound(void *self, size_t in_size) {
  (void)self;
  return SIN(small_bound) ? in_size / 2 + 4 : in_size + 5;
}

static larder_status compress(void *self, larder_bytes in, void *out, size_t *out_size) {
  (void)self;
  if (!SIN(small_bound) && *out_size < in.size + 5) return LARDER_E_TOO_LARGE;
  unsigned char *to = out;
  const uint32_t length = (uint32_t)in.size;
  memcpy(to, &length, 4);
  if (SIN(shares) && in.size < sizeof shared) {
    memcpy(shared, in.data, in.size);
    sched_yield();
    memcpy(to + 4, shared, in.size);
  } else if (in.size != 0) {
    memcpy(to + 4, in.data, in.size);
  }
  to[4 + in.size] = SIN(dithers) ? (unsigned char)(++turn | 1u) : 1;
  *out_size = in.size + 5;
  return LARDER_OK;
}

static larder_status decompress(void *self, larder_bytes in, void *out, size_t *out_size) {
  (void)self;
  const unsigned char *from = in.data;
  uint32_t length;
  if (in.size < 5) return LARDER_E_CORRUPT;
  memcpy(&length, from, 4);
  if (SIN(believes)) {
    if (length != *out_size) return LARDER_E_CORRUPT;
    memcpy(out, from + 4, length);
    return LARDER_OK;
  }
  if (SIN(any_length)) {
    const size_t size = *out_size < in.size - 5 ? *out_size : in.size - 5;
    memcpy(out, from + 4, size);
    return LARDER_OK;
  }
  if (length != in.size - 5 || length != *out_size || from[in.size - 1] == 0) return LARDER_E_CORRUPT;
  if (length != 0) memcpy(out, from + 4, length);
  if (SIN(seldom) && length % 997 == 500) ((unsigned char *)out)[length - 1] ^= 1;
  if (SIN(loses) && length != 0) ((unsigned char *)out)[length - 1] ^= 1;
  return LARDER_OK;
}

#ifdef SIN_TAKEN_NUMBER
#define SIN_CODEC 5
#else
#define SIN_CODEC 60002
#endif
static const larder_compressor_v1 table = {
    .struct_size = sizeof(larder_compressor_v1), .codec_id = SIN_CODEC, .bound = bound, .compress = compress, .decompress = decompress};

static larder_status create(const larder_host *host, const larder_config *config, larder_instance *out, larder_errbuf *err) {
  (void)host, (void)config, (void)err;
  out->caps = LARDER_COMP_CAP_DETERMINISTIC;
  out->self = shared;
  out->vtable = &table;
  return LARDER_OK;
}

static void destroy(void *self) { (void)self; }

static const larder_component component = {.struct_size = sizeof(larder_component),
                                           .kind = LARDER_KIND_COMPRESSOR,
                                           .name = SIN_TEXT(SIN_NAME),
                                           .caps = LARDER_COMP_CAP_DETERMINISTIC,
                                           .create = create,
                                           .destroy = destroy};

SIN_MODULE("compressor", "\"deterministic\"")
