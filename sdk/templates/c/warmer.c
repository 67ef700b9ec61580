/* warmer_@NAME@.c -- the value of a key is the file of its name.
 *
 * The kernel decides when, how many at once and what is fresh; fetch makes one value, or says why not, by the call's deadline. */
#include <larder/plugin/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct warmer {
  size_t size;
  char folder[]; /* ends with a NUL */
} warmer;

static void free_value(larder_value *value) { free(value->pin); }

/* A key is whatever a client wrote: never a path. */
static int is_file_name(larder_bytes key) {
  const char *text = key.data;
  return key.size != 0 && key.size <= 200 && text[0] != '.' && memchr(text, '/', key.size) == NULL && memchr(text, 0, key.size) == NULL;
}

static larder_status read_all(FILE *file, larder_value *out) {
  char *bytes = NULL;
  size_t size = 0, room = 0;
  for (;;) {
    if (size == room) {
      room = room == 0 ? 4096 : 2 * room;
      char *more = realloc(bytes, room);
      if (more == NULL) break;
      bytes = more;
    }
    const size_t got = fread(bytes + size, 1, room - size, file);
    size += got;
    if (got != 0) continue;
    if (ferror(file)) break;
    *out = (larder_value){bytes, size, free_value, bytes};
    return LARDER_OK;
  }
  free(bytes);
  return LARDER_E_IO;
}

static larder_status fetch(void *self, const larder_warm_item *item, const larder_call *call, larder_cache_set *set, larder_value *out) {
  const warmer *me = self;
  (void)call, (void)set;
  if (!is_file_name(item->key)) return LARDER_MISS;
  const size_t length = me->size + 1 + item->key.size + 1;
  char *path = malloc(length);
  if (path == NULL) return LARDER_E_NOMEM;
  snprintf(path, length, "%s/%.*s", me->folder, (int)item->key.size, (const char *)item->key.data);
  FILE *file = fopen(path, "rb");
  free(path);
  if (file == NULL) return LARDER_MISS;
  const larder_status status = read_all(file, out);
  fclose(file);
  return status;
}

static const larder_warmer_v1 table = {.struct_size = sizeof(larder_warmer_v1), .fetch = fetch};

static larder_status create(const larder_host *host, const larder_config *config, larder_instance *out, larder_errbuf *err) {
  (void)err;
  const larder_config_api *options = host->service(host, LARDER_SVC_CONFIG);
  larder_bytes folder;
  if (options == NULL || options->get_str(config, "folder", &folder) != LARDER_OK) return LARDER_E_CONFIG;
  warmer *me = malloc(sizeof *me + folder.size + 1);
  if (me == NULL) return LARDER_E_NOMEM;
  memcpy(me->folder, folder.data, folder.size);
  me->folder[folder.size] = 0;
  me->size = folder.size;
  out->caps = 0;
  out->self = me;
  out->vtable = &table;
  return LARDER_OK;
}

static void destroy(void *self) { free(self); }

static const larder_component component = {.struct_size = sizeof(larder_component),
                                           .kind = LARDER_KIND_WARMER,
                                           .name = "@NAME@",
                                           .caps = 0,
                                           .create = create,
                                           .destroy = destroy};

LARDER_MODULE(&component)
