/* larder/plugin/compressor.h -- kind 2: shrinks values. Pure functions of their input;
 * an instance is used by many threads at once. All [worker]-free: CPU only. */
#ifndef LARDER_PLUGIN_COMPRESSOR_H
#define LARDER_PLUGIN_COMPRESSOR_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif
enum {
  LARDER_COMP_CAP_DETERMINISTIC = 1u << 0, /* same input, same bytes out */
  LARDER_COMP_CAP_DICTIONARY = 1u << 1
};
typedef struct larder_compressor_v1 {
  uint32_t struct_size;
  /* Number stored in every value's envelope: a value compressed today must be
   * readable by any later build of this plugin. 1..127 larder's own registry,
   * 128..65535 third parties, declared in the manifest too. */
  uint32_t codec_id;
  size_t(LARDER_CALL *bound)(void *self, size_t in_size) LARDER_NOEXCEPT; /* most compress can write */
  /* *out_size: in capacity, out bytes written. LARDER_E_TOO_LARGE: did not fit
   * (the kernel then stores the value raw). [any] */
  larder_status(LARDER_CALL *compress)(void *self, larder_bytes in, void *out, size_t *out_size) LARDER_NOEXCEPT;
  /* *out_size: in the exact original size, from the envelope. Any other length
   * or broken input is LARDER_E_CORRUPT; reading out of bounds is a bug the
   * conformance kit fuzzes for. [any] */
  larder_status(LARDER_CALL *decompress)(void *self, larder_bytes in, void *out, size_t *out_size) LARDER_NOEXCEPT;
  /* Optional with CAP_DICTIONARY: dictionary from samples. [worker] */
  larder_status(LARDER_CALL *train)(void *self, const larder_bytes *samples, size_t n, void *out, size_t *out_size) LARDER_NOEXCEPT;
} larder_compressor_v1;
#ifdef __cplusplus
}
#endif
#endif
