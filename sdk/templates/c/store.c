/* store_@NAME@.c -- a store that keeps so many entries and no more: one list under one lock, to begin with.
 *
 * What a store owes is in <larder/plugin/store.h>: what is borrowed is copied, what is given away is given with its release. */
#include <larder/plugin/plugin.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
  struct entry *next;
  uint32_t ns, key_size;
  size_t value_size;
  char *value;
  char key[];
} entry;

typedef struct @NAME@ {
  pthread_mutex_t mutex;
  entry *buckets[4096];
  int64_t entries, most;
} @NAME@;

static entry **place(@NAME@ *me, const larder_key *key) {
  entry **at = &me->buckets[key->hash % 4096];
  while (*at != NULL && ((*at)->ns != key->ns || (*at)->key_size != key->size || memcmp((*at)->key, key->data, key->size) != 0)) at = &(*at)->next;
  return at;
}

static void released(larder_value *value) { free(value->pin); }

static larder_status get(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  @NAME@ *me = self;
  larder_status status = LARDER_MISS;
  (void)call;
  pthread_mutex_lock(&me->mutex);
  const entry *found = *place(me, key);
  if (found != NULL) {
    char *copy = malloc(found->value_size + 1);
    status = LARDER_E_NOMEM;
    if (copy != NULL) {
      memcpy(copy, found->value, found->value_size);
      *out = (larder_value){copy, found->value_size, released, copy};
      status = LARDER_OK;
    }
  }
  pthread_mutex_unlock(&me->mutex);
  return status;
}

static larder_status put(void *self, const larder_key *key, const larder_put *put, const larder_call *call) {
  @NAME@ *me = self;
  larder_status status = LARDER_OK;
  (void)call;
  char *copy = malloc(put->value.size + 1);
  if (copy == NULL) return LARDER_E_NOMEM;
  if (put->value.size != 0) memcpy(copy, put->value.data, put->value.size);
  pthread_mutex_lock(&me->mutex);
  entry **at = place(me, key);
  if (*at != NULL && (put->flags & LARDER_PUT_IF_ABSENT) != 0) {
    status = LARDER_EXISTS;
  } else if (*at == NULL && me->entries >= me->most) {
    status = LARDER_E_TOO_LARGE;
  } else {
    if (*at == NULL) {
      entry *made = calloc(1, sizeof *made + key->size);
      if (made == NULL) {
        status = LARDER_E_NOMEM;
      } else {
        made->ns = key->ns;
        made->key_size = key->size;
        memcpy(made->key, key->data, key->size);
        *at = made;
        ++me->entries;
      }
    }
    if (*at != NULL) {
      char *old = (*at)->value;
      (*at)->value = copy;
      (*at)->value_size = put->value.size;
      copy = old;
    }
  }
  pthread_mutex_unlock(&me->mutex);
  free(copy);
  return status;
}

static larder_status remove_one(void *self, const larder_key *key, uint64_t if_version, const larder_call *call) {
  @NAME@ *me = self;
  (void)call;
  (void)if_version;
  pthread_mutex_lock(&me->mutex);
  entry **at = place(me, key);
  entry *gone = *at;
  if (gone != NULL) {
    *at = gone->next;
    --me->entries;
  }
  pthread_mutex_unlock(&me->mutex);
  if (gone == NULL) return LARDER_MISS;
  free(gone->value);
  free(gone);
  return LARDER_OK;
}

static larder_status touch(void *self, const larder_key *key, const larder_touch *touch, const larder_call *call) {
  @NAME@ *me = self;
  larder_status status = LARDER_MISS;
  (void)call;
  pthread_mutex_lock(&me->mutex);
  entry *found = *place(me, key);
  if (found != NULL) {
    status = LARDER_E_INVALID;
    if (touch->patch_offset + touch->patch.size <= found->value_size) {
      if (touch->patch.size != 0) memcpy(found->value + touch->patch_offset, touch->patch.data, touch->patch.size);
      status = LARDER_OK;
    }
  }
  pthread_mutex_unlock(&me->mutex);
  return status;
}

static const larder_store_v1 table = {
    .struct_size = sizeof(larder_store_v1), .get = get, .put = put, .remove = remove_one, .touch = touch};

static larder_status create(const larder_host *host, const larder_config *config, larder_instance *out, larder_errbuf *err) {
  (void)err;
  const larder_config_api *options = host->service(host, LARDER_SVC_CONFIG);
  @NAME@ *me = calloc(1, sizeof *me);
  if (me == NULL) return LARDER_E_NOMEM;
  if (options == NULL || options->get_int(config, "most", &me->most) != LARDER_OK) {
    free(me);
    return LARDER_E_CONFIG;
  }
  pthread_mutex_init(&me->mutex, NULL);
  out->caps = LARDER_STORE_CAP_SYNC;
  out->self = me;
  out->vtable = &table;
  return LARDER_OK;
}

static void destroy(void *self) {
  @NAME@ *me = self;
  for (size_t n = 0; n < 4096; ++n)
    for (entry *at = me->buckets[n]; at != NULL;) {
      entry *next = at->next;
      free(at->value);
      free(at);
      at = next;
    }
  pthread_mutex_destroy(&me->mutex);
  free(me);
}

static const larder_component component = {.struct_size = sizeof(larder_component),
                                           .kind = LARDER_KIND_STORE,
                                           .name = "@NAME@",
                                           .caps = LARDER_STORE_CAP_SYNC,
                                           .create = create,
                                           .destroy = destroy};

LARDER_MODULE(&component)
