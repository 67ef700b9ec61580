/* invalidator_@NAME@.c -- a write below a path drops the tag of what it names.
 *
 * on_request is asked about every request that the kernel hears of, on the thread that tells it: it does not wait. */
#include <larder/plugin/plugin.h>

#include <stdlib.h>
#include <string.h>

typedef struct invalidator {
  size_t size;
  char below[];
} invalidator;

static int is(larder_bytes text, const char *word) { return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0; }

static larder_status on_request(void *self, const larder_request *request, const larder_inv_sink *sink) {
  const invalidator *me = self;
  const larder_bytes method = request->method;
  const int writes = is(method, "POST") || is(method, "PUT") || is(method, "PATCH") || is(method, "DELETE");
  if (!writes || request->status >= 400) return LARDER_OK;
  if (request->path.size <= me->size || memcmp(request->path.data, me->below, me->size) != 0) return LARDER_OK;
  const char *part = (const char *)request->path.data + me->size;
  const size_t rest = request->path.size - me->size;
  const char *end = memchr(part, '/', rest);
  const size_t size = end == NULL ? rest : (size_t)(end - part);
  char tag[256] = "item:";
  if (size == 0 || size > sizeof tag - 5) return LARDER_OK;
  memcpy(tag + 5, part, size);
  larder_target target;
  memset(&target, 0, sizeof target);
  target.kind = LARDER_TARGET_TAG;
  target.ns = LARDER_NS_NONE;
  target.what = (larder_bytes){tag, 5 + size};
  sink->add(sink->ctx, LARDER_DROP, &target);
  return LARDER_OK;
}

static const larder_invalidator_v1 table = {.struct_size = sizeof(larder_invalidator_v1), .on_request = on_request};

static larder_status create(const larder_host *host, const larder_config *config, larder_instance *out, larder_errbuf *err) {
  (void)err;
  const larder_config_api *options = host->service(host, LARDER_SVC_CONFIG);
  larder_bytes below;
  if (options == NULL || options->get_str(config, "below", &below) != LARDER_OK) return LARDER_E_CONFIG;
  invalidator *me = malloc(sizeof *me + below.size + 1);
  if (me == NULL) return LARDER_E_NOMEM;
  me->size = below.size;
  memcpy(me->below, below.data, below.size);
  out->caps = LARDER_INV_CAP_RULES;
  out->self = me;
  out->vtable = &table;
  return LARDER_OK;
}

static void destroy(void *self) { free(self); }

static const larder_component component = {.struct_size = sizeof(larder_component),
                                           .kind = LARDER_KIND_INVALIDATOR,
                                           .name = "@NAME@",
                                           .caps = LARDER_INV_CAP_RULES,
                                           .create = create,
                                           .destroy = destroy};

LARDER_MODULE(&component)
