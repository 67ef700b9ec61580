/* tests/abuse/abuse.h -- a store in C that keeps nothing, for each abuse to spoil in its own way.
 *
 * A source defines ABUSE_NAME, then what it does otherwise than this: ABUSE_GET and its like name a function of its own. */
#ifndef LARDER_TESTS_ABUSE_H
#define LARDER_TESTS_ABUSE_H
#ifdef __cplusplus
#define LARDER_ABI_MAY_THROW /* what is thrown reaches the kernel */
#endif
#include <larder/plugin/plugin.h>

#include <stddef.h>
#include <string.h>

#ifndef ABUSE_ID
#define ABUSE_ID "org.larder.abuse"
#endif
#ifndef ABUSE_ABI
#define ABUSE_ABI "1.0"
#endif
#ifndef ABUSE_CAPS /* as TOML, and as bits */
#define ABUSE_CAPS "\"sync\""
#define ABUSE_BITS LARDER_STORE_CAP_SYNC
#endif

static const larder_host *abuse_host;

LARDER_MANIFEST_ATTR static const char abuse_manifest[] = LARDER_MANIFEST_BEGIN
    "id = \"" ABUSE_ID "\"\nversion = \"1.0.0\"\nabi = \"" ABUSE_ABI "\"\nlicense = \"Apache-2.0\"\nvendor = \"larder\"\n"
    "[[component]]\nkind = \"store\"\nname = \"" ABUSE_NAME "\"\ncaps = [" ABUSE_CAPS "]\n" LARDER_MANIFEST_END;

#ifdef ABUSE_GET
static larder_status ABUSE_GET(void *self, const larder_key *key, const larder_call *call, larder_value *out);
#else
#define ABUSE_GET abuse_get
static larder_status abuse_get(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  (void)self, (void)key, (void)call, (void)out;
  return LARDER_MISS;
}
#endif
static larder_status abuse_put(void *self, const larder_key *key, const larder_put *put, const larder_call *call) {
  (void)self, (void)key, (void)put, (void)call;
  return LARDER_OK;
}
static larder_status abuse_remove(void *self, const larder_key *key, uint64_t if_version, const larder_call *call) {
  (void)self, (void)key, (void)if_version, (void)call;
  return LARDER_MISS;
}
#ifndef ABUSE_TOUCH
#define ABUSE_TOUCH abuse_touch
static larder_status abuse_touch(void *self, const larder_key *key, const larder_touch *touch, const larder_call *call) {
  (void)self, (void)key, (void)touch, (void)call;
  return LARDER_MISS;
}
#endif
#ifndef ABUSE_TABLE_SIZE
#define ABUSE_TABLE_SIZE sizeof(larder_store_v1)
#endif
static const larder_store_v1 abuse_table = {ABUSE_TABLE_SIZE, 0, ABUSE_GET, abuse_put, abuse_remove, ABUSE_TOUCH, NULL,
                                            NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL};

#ifdef ABUSE_CREATE
static larder_status ABUSE_CREATE(const larder_host *host, const larder_config *config, larder_instance *out, larder_errbuf *err);
#else
#define ABUSE_CREATE abuse_create
#endif
static inline larder_status abuse_create(const larder_host *host, const larder_config *config, larder_instance *out,
                                         larder_errbuf *err) {
  (void)config, (void)err;
  abuse_host = host;
  out->caps = ABUSE_BITS;
  out->self = (void *)(uintptr_t)&abuse_host;
  out->vtable = &abuse_table;
  return LARDER_OK;
}
#ifdef ABUSE_DESTROY
static void ABUSE_DESTROY(void *self);
#else
#define ABUSE_DESTROY abuse_destroy
static void abuse_destroy(void *self) { (void)self; }
#endif
#ifdef ABUSE_START
static larder_status ABUSE_START(void *self, larder_errbuf *err);
#else
#define ABUSE_START NULL
#endif
#ifdef ABUSE_STOP
static larder_status ABUSE_STOP(void *self, uint64_t deadline_ns);
#else
#define ABUSE_STOP NULL
#endif
#ifdef ABUSE_HEALTH
static larder_status ABUSE_HEALTH(void *self, larder_health *out);
#else
#define ABUSE_HEALTH NULL
#endif
#ifdef ABUSE_INIT
static larder_status ABUSE_INIT(const larder_host *host, larder_errbuf *err);
#else
#define ABUSE_INIT NULL
#endif

#ifndef ABUSE_COMPONENT_SIZE
#define ABUSE_COMPONENT_SIZE sizeof(larder_component)
#endif
static const larder_component abuse_component = {ABUSE_COMPONENT_SIZE, LARDER_KIND_STORE, ABUSE_NAME,  ABUSE_BITS,
                                                 ABUSE_CREATE,         ABUSE_DESTROY,     ABUSE_START, ABUSE_STOP,
                                                 NULL,                 ABUSE_HEALTH,      NULL};

#ifndef ABUSE_OWN_DESCRIPTOR
#ifdef __cplusplus
extern "C" {
#endif
static const larder_component *const abuse_components[] = {&abuse_component};
#ifndef ABUSE_MAGIC
#define ABUSE_MAGIC LARDER_ABI_MAGIC
#endif
#ifndef ABUSE_PLUGIN_SIZE
#define ABUSE_PLUGIN_SIZE sizeof(larder_plugin)
#endif
#ifndef ABUSE_ABI_VERSION
#define ABUSE_ABI_VERSION LARDER_ABI_VERSION
#endif
#ifndef ABUSE_ID_TEXT
#define ABUSE_ID_TEXT ABUSE_ID
#endif
LARDER_EXPORT extern const larder_plugin larder_plugin_abi1;
const larder_plugin larder_plugin_abi1 = {
    ABUSE_MAGIC,  ABUSE_PLUGIN_SIZE, ABUSE_ABI_VERSION,       1, ABUSE_ID_TEXT,    "1.0.0",    "Apache-2.0",
    "larder",     "abuse",           abuse_manifest,          0, abuse_components, ABUSE_INIT, NULL};
#ifdef __cplusplus
}
#endif
#endif
#endif
