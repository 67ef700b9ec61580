/* exporter_@NAME@.c -- the numbers as one JSON object, a member for each sample.
 *
 * The kernel serves what render writes; an exporter listens to nothing. families is a snapshot, good until render returns. */
#include <larder/plugin/plugin.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static larder_status say(const larder_text_sink *out, const void *text, size_t size) {
  return out->write(out->ctx, (larder_bytes){text, size});
}

/* What stands in a JSON string. */
static larder_status say_escaped(const larder_text_sink *out, larder_bytes text) {
  const unsigned char *bytes = text.data;
  size_t from = 0;
  larder_status status = LARDER_OK;
  for (size_t n = 0; n < text.size && status == LARDER_OK; ++n) {
    if (bytes[n] >= ' ' && bytes[n] != '"' && bytes[n] != '\\') continue;
    char code[8];
    snprintf(code, sizeof code, "\\u%04x", bytes[n]);
    if (n != from) status = say(out, bytes + from, n - from);
    if (status == LARDER_OK) status = say(out, code, 6);
    from = n + 1;
  }
  return status == LARDER_OK && from < text.size ? say(out, bytes + from, text.size - from) : status;
}

static larder_status say_sample(const larder_text_sink *out, const larder_family *family, const larder_sample *sample, int first) {
  char number[48] = "\":null";
  larder_status status = say(out, first ? "\"" : ",\"", first ? 1 : 2);
  if (status == LARDER_OK) status = say_escaped(out, family->name);
  for (uint32_t n = 0; n < sample->label_count && status == LARDER_OK; ++n) {
    status = say(out, " ", 1);
    if (status == LARDER_OK) status = say_escaped(out, sample->labels[n].name);
    if (status == LARDER_OK) status = say(out, "=", 1);
    if (status == LARDER_OK) status = say_escaped(out, sample->labels[n].value);
  }
  if (isfinite(sample->value)) snprintf(number, sizeof number, "\":%.17g", sample->value);
  return status == LARDER_OK ? say(out, number, strlen(number)) : status;
}

static larder_status render(void *self, larder_bytes accept, const larder_family *const *families, size_t n, const larder_text_sink *out,
                            const char **content_type) {
  (void)self, (void)accept;
  int first = 1;
  larder_status status = say(out, "{", 1);
  *content_type = "application/json";
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < families[i]->sample_count && status == LARDER_OK; ++j, first = 0)
      status = say_sample(out, families[i], &families[i]->samples[j], first);
  return status == LARDER_OK ? say(out, "}\n", 2) : status;
}

static const larder_exporter_v1 table = {.struct_size = sizeof(larder_exporter_v1), .render = render};

static larder_status create(const larder_host *host, const larder_config *config, larder_instance *out, larder_errbuf *err) {
  (void)host, (void)config, (void)err;
  out->caps = LARDER_EXP_CAP_PULL;
  out->self = out; /* nothing to keep: any pointer but NULL */
  out->vtable = &table;
  return LARDER_OK;
}

static void destroy(void *self) { (void)self; }

static const larder_component component = {.struct_size = sizeof(larder_component),
                                           .kind = LARDER_KIND_EXPORTER,
                                           .name = "@NAME@",
                                           .caps = LARDER_EXP_CAP_PULL,
                                           .create = create,
                                           .destroy = destroy};

LARDER_MODULE(&component)
