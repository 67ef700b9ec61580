/* tests/sins/store.c -- a store that holds what it promises, but for the one sin it is built with. */
#define _GNU_SOURCE
#include "sin.h"

/* One that says it is shared, and is: by the instances of one process. */
#ifdef SIN_OWN_PROCESS
#define SIN_CAPS ((uint64_t)LARDER_STORE_CAP_SYNC | LARDER_STORE_CAP_SHARED)
#define SIN_CAPS_TEXT "\"sync\", \"shared\""
#else
#define SIN_CAPS LARDER_STORE_CAP_SYNC
#define SIN_CAPS_TEXT "\"sync\""
#endif

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct entry {
  struct entry *next;
  uint32_t ns, key_size;
  size_t size;
  char *key, *value;
} entry;

typedef struct store {
  pthread_mutex_t mutex;
  entry *buckets[1024];
  uint64_t entries, bytes;
  const larder_host *host;
  int stopped;
} store;

static int same(const entry *e, const larder_key *key) {
  if (!SIN(one_namespace) && e->ns != key->ns) return 0;
  if (e->key_size != key->size) return 0;
  if (SIN(another)) return key->size == 0 || e->key[0] == key->data[0];
  return memcmp(e->key, key->data, key->size) == 0;
}

static entry **place(store *me, const larder_key *key) {
  const uint64_t bucket = SIN(another) || SIN(one_namespace) ? 0 : key->hash % 1024;
  entry **at = &me->buckets[bucket];
  while (*at != NULL && !same(*at, key)) at = &(*at)->next;
  return at;
}

static void released(larder_value *value) { free(value->pin); }

static larder_status missed(larder_value *out) {
  if (SIN(crash)) *(volatile int *)0 = 1;
  if (SIN(hang)) for (;;) pause();
  if (SIN(leaves)) exit(0);
  if (SIN(writes_on_miss)) out->size = 7;
  if (SIN(odd_status)) return 42;
  if (SIN(waits)) return LARDER_PENDING;
  if (SIN(never_misses)) {
    *out = (larder_value){"", 0, NULL, NULL};
    return LARDER_OK;
  }
  return LARDER_MISS;
}

static larder_status get(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  store *me = self;
  if (SIN(refuses_flags) && (call->flags >> 3) != 0) return LARDER_E_INVALID;
  pthread_mutex_lock(&me->mutex);
  const entry *found = *place(me, key);
  if (found == NULL) {
    pthread_mutex_unlock(&me->mutex);
    return missed(out);
  }
  larder_status status = LARDER_OK;
  if (SIN(changes_held) || SIN(keeps_value)) {
    *out = (larder_value){found->value, found->size, NULL, NULL};
  } else {
    char *copy = malloc(found->size + 1);
    memcpy(copy, found->value, found->size);
    *out = (larder_value){copy, found->size, released, copy};
  }
  pthread_mutex_unlock(&me->mutex);
  return status;
}

static larder_status put(void *self, const larder_key *key, const larder_put *put, const larder_call *call) {
  store *me = self;
  if (SIN(prints)) puts("a put");
  if (SIN(refuses_flags) && ((call->flags >> 3) != 0 || (put->flags >> 4) != 0)) return LARDER_E_INVALID;
  size_t size = put->value.size;
  if (SIN(text_only) && size != 0) size = strnlen(put->value.data, size);
  if (SIN(cuts) && size > 65536) size = 65536;
  larder_status status = LARDER_OK;
  pthread_mutex_lock(&me->mutex);
  entry **at = place(me, key);
  if (*at != NULL && (put->flags & LARDER_PUT_IF_ABSENT) != 0 && !SIN(replaces_always)) {
    status = LARDER_EXISTS;
  } else {
    entry *e = *at;
    if (e == NULL) {
      e = calloc(1, sizeof *e);
      e->ns = key->ns;
      e->key_size = key->size;
      if (SIN(keeps_key)) {
        e->key = (char *)(uintptr_t)key->data;
      } else {
        e->key = malloc(key->size + 1u);
        memcpy(e->key, key->data, key->size + (SIN(reads_past) ? 1u : 0u));
      }
      *at = e;
      ++me->entries;
    }
    me->bytes += size - e->size;
    if (SIN(keeps_value)) {
      e->value = (char *)(uintptr_t)put->value.data;
    } else if (SIN(changes_held) && e->value != NULL && size <= e->size) {
      memcpy(e->value, put->value.data, size);
    } else {
      /* The old bytes of changes_held are somebody's: they are never freed. */
      if (!SIN(changes_held)) free(e->value);
      e->value = malloc(size + 1);
      if (size != 0) memcpy(e->value, put->value.data, size);
      if (SIN(overruns)) e->value[size + 1] = 0; /* inside what malloc rounds up to, mostly */
      if (SIN(rare) && me->entries == 5 && size == 299) --size;
    }
    e->size = size;
  }
  pthread_mutex_unlock(&me->mutex);
  return status;
}

static larder_status remove_one(void *self, const larder_key *key, uint64_t if_version, const larder_call *call) {
  store *me = self;
  (void)call, (void)if_version;
  pthread_mutex_lock(&me->mutex);
  entry **at = place(me, key);
  entry *gone = *at;
  if (gone != NULL) {
    *at = gone->next;
    --me->entries;
    me->bytes -= gone->size;
  }
  pthread_mutex_unlock(&me->mutex);
  if (gone == NULL) return SIN(removes_always) ? LARDER_OK : LARDER_MISS;
  if (!SIN(keeps_key)) free(gone->key);
  if (!SIN(keeps_value) && !SIN(changes_held)) free(gone->value);
  free(gone);
  return LARDER_OK;
}

static larder_status touch(void *self, const larder_key *key, const larder_touch *touch, const larder_call *call) {
  store *me = self;
  larder_status status = LARDER_MISS;
  (void)call;
  pthread_mutex_lock(&me->mutex);
  entry *found = *place(me, key);
  if (found != NULL) {
    const size_t end = touch->patch_offset + touch->patch.size;
    status = end <= found->size ? LARDER_OK : LARDER_E_INVALID;
    if (status != LARDER_OK && SIN(patches_past)) {
      found->value = realloc(found->value, end + 1);
      found->size = end;
      status = LARDER_OK;
    }
    if (status == LARDER_OK && touch->patch.size != 0) memcpy(found->value + touch->patch_offset, touch->patch.data, touch->patch.size);
  }
  pthread_mutex_unlock(&me->mutex);
  return status;
}

static larder_status get_many(void *self, larder_get_item *items, size_t n, const larder_call *call) {
  for (size_t i = 0; i < n; ++i) items[i].status = get(self, &items[SIN(two_values) ? 0 : i].key, call, &items[i].value);
  return LARDER_OK;
}

static larder_status clear_ns(void *self, uint32_t ns, const larder_call *call) {
  store *me = self;
  (void)call;
  pthread_mutex_lock(&me->mutex);
  for (size_t n = 0; n < 1024; ++n)
    for (entry **at = &me->buckets[n]; *at != NULL;) {
      entry *e = *at;
      if (ns != UINT32_MAX && e->ns != ns && !SIN(clears_all)) {
        at = &e->next;
        continue;
      }
      *at = e->next;
      --me->entries;
      me->bytes -= e->size;
      if (!SIN(keeps_key)) free(e->key);
      if (!SIN(keeps_value) && !SIN(changes_held)) free(e->value);
      free(e);
    }
  pthread_mutex_unlock(&me->mutex);
  return LARDER_OK;
}

static larder_status stats(void *self, uint32_t ns, larder_store_stats *out) {
  store *me = self;
  (void)ns;
  const uint32_t size = out->struct_size;
  larder_store_stats all;
  memset(&all, 0, sizeof all);
  all.struct_size = size;
  pthread_mutex_lock(&me->mutex);
  all.entries = me->entries;
  all.bytes = me->bytes;
  pthread_mutex_unlock(&me->mutex);
  memcpy(out, &all, SIN(counts_past) || size > sizeof all ? sizeof all : size);
  return LARDER_OK;
}

static const larder_store_v1 table = {.struct_size = sizeof(larder_store_v1),
                                      .get = get,
                                      .put = put,
                                      .remove = remove_one,
                                      .touch = touch,
                                      .get_many = get_many,
                                      .clear_ns = clear_ns,
                                      .stats = stats};

static void *idle(void *ctx) {
  (void)ctx;
  for (;;) pause();
  return NULL;
}

static void *busy(void *ctx) {
  const larder_host *host = ctx;
  for (;;) {
    host->mono_ns(host);
    usleep(1000);
  }
  return NULL;
}

static void start_thread(void *(*work)(void *), const larder_host *host) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, work, (void *)(uintptr_t)host) == 0) pthread_detach(thread);
}

static larder_status create(const larder_host *host, const larder_config *config, larder_instance *out, larder_errbuf *err) {
  (void)config, (void)err;
  static store everybodys = {.mutex = PTHREAD_MUTEX_INITIALIZER};
  if (SIN(own_process)) {
    everybodys.host = host;
    out->caps = SIN_CAPS;
    out->self = &everybodys;
    out->vtable = &table;
    return LARDER_OK;
  }
  store *me = calloc(1, sizeof *me);
  if (me == NULL) return LARDER_E_NOMEM;
  pthread_mutex_init(&me->mutex, NULL);
  me->host = host;
  if (SIN(creates_thread)) start_thread(idle, host);
  if (SIN(creates_socket) && socket(AF_INET, SOCK_STREAM, 0) < 0) return LARDER_E_IO;
  out->caps = SIN_CAPS;
  out->self = me;
  out->vtable = &table;
  return LARDER_OK;
}

static void destroy(void *self) {
  store *me = self;
  if (SIN(forgets) || SIN(own_process)) return;
  clear_ns(me, UINT32_MAX, NULL);
  pthread_mutex_destroy(&me->mutex);
  free(me);
}

static larder_status start(void *self, larder_errbuf *err) {
  store *me = self;
  (void)err;
  if (SIN(lingers)) start_thread(idle, me->host);
  if (SIN(calls_after)) start_thread(busy, me->host);
  return LARDER_OK;
}

static larder_status stop(void *self, uint64_t deadline_ns) {
  store *me = self;
  (void)deadline_ns;
  if (me->stopped++ != 0 && SIN(stops_once)) abort();
  return LARDER_OK;
}

static larder_status health(void *self, larder_health *out) {
  (void)self;
  larder_health all;
  memset(&all, 0, sizeof all);
  all.struct_size = out->struct_size;
  memcpy(out, &all, SIN(health_past) || out->struct_size > sizeof all ? sizeof all : out->struct_size);
  return LARDER_OK;
}

static const void *extension(void *self, const char *id) {
  (void)id;
  return SIN(knows_all) ? self : NULL;
}

static void taken(int signal) { (void)signal; }

__attribute__((constructor)) static void loaded(void) {
  if (SIN(loads_thread)) start_thread(idle, NULL);
  if (SIN(loads_signal)) signal(SIGUSR1, taken);
  if (SIN(loads_file) && open("/dev/null", O_RDONLY) < 0) abort();
}

#ifdef SIN_EXPORTS
LARDER_EXPORT int a_function_of_its_own(void);
int a_function_of_its_own(void) { return 1; }
#endif

static const larder_component component = {.struct_size = sizeof(larder_component),
                                           .kind = LARDER_KIND_STORE,
                                           .name = SIN_TEXT(SIN_NAME),
                                           .caps = SIN_CAPS,
                                           .create = create,
                                           .destroy = destroy,
                                           .start = start,
                                           .stop = stop,
                                           .health = health,
                                           .extension = extension};

SIN_MODULE("store", SIN_CAPS_TEXT)
