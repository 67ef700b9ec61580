/* session_@NAME@.c -- sessions as they are, found by their identifier.
 *
 * The kernel gives records a store (larder.session_store/1); the plugin owns identifiers, their form and their end. These
 * records are not sealed: who reads the store reads the data, and the identifiers. Neither can they be listed by user. */
#include <larder/plugin/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sessions {
  const larder_host *host;
  const larder_session_store_api *store;
  size_t size;
  char name[];
} sessions;

/* 16 bytes of ours (when it ends at the latest), 8 of its version, then the data. */
enum { HEAD = 24, ID_SIZE = 24 };

static larder_bytes name_of(const sessions *me) { return (larder_bytes){me->name, me->size}; }
static uint64_t now(const sessions *me) { return me->store->now_ms(me->host, name_of(me)); }

/* Anybody sends anything: only what create makes is looked for. */
static int is_id(larder_bytes id) {
  const char *text = id.data;
  if (id.size != ID_SIZE) return 0;
  for (size_t n = 0; n < id.size; ++n) {
    const char c = text[n];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return 0;
  }
  return 1;
}

static larder_status write_record(const sessions *me, larder_bytes id, larder_bytes data, uint64_t ends, uint32_t flags, const larder_call *call) {
  larder_session_facts facts;
  memset(&facts, 0, sizeof facts);
  facts.struct_size = sizeof facts;
  me->store->facts(me->host, name_of(me), &facts);
  const uint64_t left = ends > now(me) ? ends - now(me) : 1, version = me->host->wall_ms(me->host) + 1;
  char *record = calloc(1, HEAD + data.size);
  if (record == NULL) return LARDER_E_NOMEM;
  memcpy(record, &ends, sizeof ends);
  memcpy(record + 16, &version, sizeof version);
  if (data.size != 0) memcpy(record + HEAD, data.data, data.size);
  larder_put put;
  memset(&put, 0, sizeof put);
  put.struct_size = sizeof put;
  put.flags = flags;
  put.value = (larder_bytes){record, HEAD + data.size};
  put.ttl_ms = facts.idle_ms == 0 || facts.idle_ms > left ? left : facts.idle_ms;
  put.version = version;
  const larder_status status = me->store->put(me->host, name_of(me), id, &put, call);
  free(record);
  return status;
}

/* The record of a session that has not ended; the caller's to release. */
static larder_status read_record(const sessions *me, larder_bytes id, const larder_call *call, larder_value *record, uint64_t *ends) {
  memset(record, 0, sizeof *record);
  if (!is_id(id)) return LARDER_MISS;
  const larder_status status = me->store->get(me->host, name_of(me), id, call, record);
  if (status != LARDER_OK) return status;
  if (record->size >= HEAD) {
    memcpy(ends, record->data, sizeof *ends);
    if (*ends > now(me)) return LARDER_OK;
  }
  if (record->release != NULL) record->release(record);
  return LARDER_MISS;
}

static larder_status create_session(void *self, const larder_session_spec *spec, const larder_call *call, larder_session_id *out) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const sessions *me = self;
  unsigned char bytes[ID_SIZE];
  larder_session_facts facts;
  memset(&facts, 0, sizeof facts);
  facts.struct_size = sizeof facts;
  if (me->store->facts(me->host, name_of(me), &facts) != LARDER_OK) return LARDER_E_CONFIG;
  FILE *random = fopen("/dev/urandom", "rb");
  const size_t got = random == NULL ? 0 : fread(bytes, 1, sizeof bytes, random);
  if (random != NULL) fclose(random);
  if (got != sizeof bytes) return LARDER_E_IO;
  char id[ID_SIZE];
  for (size_t n = 0; n < sizeof id; ++n) id[n] = letters[bytes[n] & 63u];
  const larder_status status =
      write_record(me, (larder_bytes){id, sizeof id}, spec->data, now(me) + facts.absolute_ms, LARDER_PUT_IF_ABSENT, call);
  if (status != LARDER_OK) return status;
  out->size = sizeof id;
  memcpy(out->text, id, sizeof id);
  return LARDER_OK;
}

static void free_value(larder_value *value) { free(value->pin); }

static larder_status load(void *self, larder_bytes id, const larder_call *call, larder_value *out) {
  const sessions *me = self;
  larder_value record;
  uint64_t ends = 0;
  larder_status status = read_record(me, id, call, &record, &ends);
  if (status != LARDER_OK) return status;
  const larder_bytes data = {(const char *)record.data + HEAD, record.size - HEAD};
  char *copy = malloc(data.size + 1);
  if (copy == NULL) {
    status = LARDER_E_NOMEM;
  } else {
    memcpy(copy, data.data, data.size);
    status = write_record(me, id, data, ends, 0, call); /* a use begins the idle time anew */
  }
  if (record.release != NULL) record.release(&record);
  if (status == LARDER_OK) *out = (larder_value){copy, data.size, free_value, copy};
  else free(copy);
  return status;
}

/* With data NULL the old data stays. */
static larder_status write_again(const sessions *me, larder_bytes id, const larder_bytes *data, const larder_call *call) {
  larder_value record;
  uint64_t ends = 0;
  larder_status status = read_record(me, id, call, &record, &ends);
  if (status != LARDER_OK) return status;
  const larder_bytes old = {(const char *)record.data + HEAD, record.size - HEAD};
  status = write_record(me, id, data == NULL ? old : *data, ends, 0, call);
  if (record.release != NULL) record.release(&record);
  return status;
}

static larder_status save(void *self, larder_bytes id, larder_bytes data, const larder_call *call) { return write_again(self, id, &data, call); }
static larder_status touch(void *self, larder_bytes id, const larder_call *call) { return write_again(self, id, NULL, call); }

static larder_status destroy_session(void *self, larder_bytes id, const larder_call *call) {
  const sessions *me = self;
  return is_id(id) ? me->store->remove(me->host, name_of(me), id, 0, call) : LARDER_MISS;
}

static const larder_session_v1 table = {.struct_size = sizeof(larder_session_v1),
                                        .create = create_session,
                                        .load = load,
                                        .save = save,
                                        .touch = touch,
                                        .destroy = destroy_session};

static larder_status create(const larder_host *host, const larder_config *config, larder_instance *out, larder_errbuf *err) {
  (void)err;
  const larder_config_api *options = host->service(host, LARDER_SVC_CONFIG);
  const larder_session_store_api *store = host->service(host, LARDER_SVC_SESSION_STORE);
  if (options == NULL || store == NULL) return LARDER_E_UNSUPPORTED;
  const char *name = options->instance_name(config);
  sessions *me = malloc(sizeof *me + strlen(name) + 1);
  if (me == NULL) return LARDER_E_NOMEM;
  me->host = host;
  me->store = store;
  me->size = strlen(name);
  memcpy(me->name, name, me->size);
  out->caps = 0;
  out->self = me;
  out->vtable = &table;
  return LARDER_OK;
}

static void destroy(void *self) { free(self); }

static const larder_component component = {.struct_size = sizeof(larder_component),
                                           .kind = LARDER_KIND_SESSION,
                                           .name = "@NAME@",
                                           .caps = 0,
                                           .create = create,
                                           .destroy = destroy};

LARDER_MODULE(&component)
