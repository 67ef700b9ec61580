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
  LARDER_COMP_CAP_DICTIONARY = 1u << 1,    /* implements train, and opens settings with a dictionary */
  LARDER_COMP_CAP_SETTINGS = 1u << 2       /* implements open, close, compress_with and decompress_with */
};

/* How one namespace uses a codec, where that is not as the instance's options say. */
#define LARDER_LEVEL_OWN INT32_MIN
enum {
  LARDER_SETTING_READS = 1u << 0 /* only decompress_with will be called: what compressing needs is not made */
};
typedef struct larder_codec_setting {
  uint32_t struct_size;
  uint32_t flags;          /* LARDER_SETTING_* */
  int32_t level;           /* on the codec's own scale; LARDER_LEVEL_OWN: the instance's */
  uint32_t reserved;
  larder_bytes dictionary; /* as train made it; borrowed: copied. Empty: none */
} larder_codec_setting;

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
  /* Optional, with CAP_DICTIONARY: a dictionary from samples, sizes as for compress; no larger than the
   * instance wants one. UNSUPPORTED: it wants none. INVALID: nothing can be learnt from these. [worker] */
  larder_status(LARDER_CALL *train)(void *self, const larder_bytes *samples, size_t n, void *out, size_t *out_size) LARDER_NOEXCEPT;

  /* ---- a table that ends before this is one without */
  /* Levels that are worth a trial where the kernel chooses, quickest first: how many there are; at most n are
   * written to out. [control] */
  size_t(LARDER_CALL *levels)(void *self, int32_t *out, size_t n) LARDER_NOEXCEPT;
  /* Makes once what a setting needs (tables, a digested dictionary), for any number of threads at once, until close.
   * INVALID: no such level; CORRUPT: no dictionary of this codec. *out is set with OK only. [worker] */
  larder_status(LARDER_CALL *open)(void *self, const larder_codec_setting *setting, void **out) LARDER_NOEXCEPT;
  /* Nobody uses it any more. [any] */
  void(LARDER_CALL *close)(void *self, void *opened) LARDER_NOEXCEPT;
  /* As compress and decompress. What was compressed with a dictionary is decompressed with the same one only; with
   * another or none it is CORRUPT or another value of the declared size: the kernel keeps them apart. The level makes
   * no difference for decompress_with. [any] */
  larder_status(LARDER_CALL *compress_with)(void *self, void *opened, larder_bytes in, void *out, size_t *out_size) LARDER_NOEXCEPT;
  larder_status(LARDER_CALL *decompress_with)(void *self, void *opened, larder_bytes in, void *out, size_t *out_size) LARDER_NOEXCEPT;
} larder_compressor_v1;

#ifdef __cplusplus
}
#endif
#endif
