/* larder/plugin/compressor.h -- kind 2: makes values smaller, and exactly themselves again.
 *
 * Functions of their input alone; an instance is used by many threads at once and does no I/O. */
#ifndef LARDER_PLUGIN_COMPRESSOR_H
#define LARDER_PLUGIN_COMPRESSOR_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif

enum {
  LARDER_COMP_CAP_DETERMINISTIC = 1u << 0, /* same input, same bytes out */
  LARDER_COMP_CAP_DICTIONARY = 1u << 1     /* implements train */
};

typedef struct larder_compressor_v1 {
  uint32_t struct_size;
  /* The number stored in every value's envelope: what is compressed today must be readable by any
   * later build of this plugin. 1..127 are larder's own, 128..65535 third parties'. */
  uint32_t codec_id;
  /* The most that compress can write for so much input; 0: too much to compress. [hot] */
  size_t(LARDER_CALL *bound)(void *self, size_t in_size) LARDER_NOEXCEPT;
  /* *out_size: in capacity of out, out bytes written. LARDER_E_TOO_LARGE: did not fit (the kernel
   * then stores the value as it is). in and out are borrowed and do not overlap. [any] */
  larder_status(LARDER_CALL *compress)(void *self, larder_bytes in, void *out, size_t *out_size) LARDER_NOEXCEPT;
  /* *out_size: in the exact original size, from the envelope, and the capacity of out. An input that
   * decodes to any other length, or is broken, is LARDER_E_CORRUPT; whatever in holds, nothing outside
   * in is read and nothing outside out is written. [any] */
  larder_status(LARDER_CALL *decompress)(void *self, larder_bytes in, void *out, size_t *out_size) LARDER_NOEXCEPT;
  /* Optional, with CAP_DICTIONARY: a dictionary from samples, sizes as for compress. [worker] */
  larder_status(LARDER_CALL *train)(void *self, const larder_bytes *samples, size_t n, void *out, size_t *out_size) LARDER_NOEXCEPT;
} larder_compressor_v1;

#ifdef __cplusplus
}
#endif
#endif
