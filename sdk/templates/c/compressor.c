/* compressor_@NAME@.c -- runs of the same byte become a count and the byte.
 *
 * codec_id is written into every value: what is compressed today has to be read by any later build. Take a number of your own
 * from 128 to 65535 before anything is stored. */
#include <larder/plugin/plugin.h>

#include <string.h>

static size_t bound(void *self, size_t in_size) {
  (void)self;
  return in_size > ((size_t)1 << 30) ? 0 : 2 * in_size + 1;
}

static larder_status compress(void *self, larder_bytes in, void *out, size_t *out_size) {
  (void)self;
  const unsigned char *from = in.data;
  unsigned char *to = out;
  const size_t room = *out_size;
  size_t at = 0;
  for (size_t n = 0; n < in.size;) {
    size_t run = 1;
    while (run < 255 && n + run < in.size && from[n + run] == from[n]) ++run;
    if (room - at < 2) return LARDER_E_TOO_LARGE;
    to[at++] = (unsigned char)run;
    to[at++] = from[n];
    n += run;
  }
  if (at == room) return LARDER_E_TOO_LARGE;
  to[at++] = 0; /* the end: what was cut off is found out */
  *out_size = at;
  return LARDER_OK;
}

static larder_status decompress(void *self, larder_bytes in, void *out, size_t *out_size) {
  (void)self;
  const unsigned char *from = in.data;
  unsigned char *to = out;
  size_t at = 0, n = 0;
  for (; n + 1 < in.size && from[n] != 0; n += 2) {
    if (from[n] > *out_size - at) return LARDER_E_CORRUPT;
    memset(to + at, from[n + 1], from[n]);
    at += from[n];
  }
  return n + 1 == in.size && from[n] == 0 && at == *out_size ? LARDER_OK : LARDER_E_CORRUPT;
}

static const larder_compressor_v1 table = {
    .struct_size = sizeof(larder_compressor_v1), .codec_id = 60001, .bound = bound, .compress = compress, .decompress = decompress};

static larder_status create(const larder_host *host, const larder_config *config, larder_instance *out, larder_errbuf *err) {
  (void)host;
  (void)config;
  (void)err;
  out->caps = LARDER_COMP_CAP_DETERMINISTIC;
  out->self = out; /* nothing to keep: any pointer but NULL */
  out->vtable = &table;
  return LARDER_OK;
}

static void destroy(void *self) { (void)self; }

static const larder_component component = {.struct_size = sizeof(larder_component),
                                           .kind = LARDER_KIND_COMPRESSOR,
                                           .name = "@NAME@",
                                           .caps = LARDER_COMP_CAP_DETERMINISTIC,
                                           .create = create,
                                           .destroy = destroy};

LARDER_MODULE(&component)
