/* tests/plugins_planted/planted.h -- a store in C that does nothing, for planted plugins to spoil in one place each. */
#ifndef LARDER_TESTS_PLANTED_H
#define LARDER_TESTS_PLANTED_H
#include <larder/plugin/plugin.h>

/* The manifest of a store; ABI and CAPS as TOML. */
#define PLANTED_MANIFEST(ID, ABI, NAME, CAPS)                                                     \
  LARDER_MANIFEST_ATTR static const char planted_manifest[] = LARDER_MANIFEST_BEGIN               \
      "id = \"" ID "\"\nversion = \"1.0.0\"\nabi = \"" ABI "\"\nlicense = \"Apache-2.0\"\n"        \
      "vendor = \"larder\"\n[[component]]\nkind = \"store\"\nname = \"" NAME "\"\ncaps = [" CAPS  \
      "]\n" LARDER_MANIFEST_END;

static larder_status planted_get(void *self, const larder_key *key, const larder_call *call, larder_value *out) LARDER_NOEXCEPT {
  (void)self, (void)key, (void)call, (void)out;
  return LARDER_MISS;
}
static larder_status planted_put(void *self, const larder_key *key, const larder_put *put, const larder_call *call) LARDER_NOEXCEPT {
  (void)self, (void)key, (void)put, (void)call;
  return LARDER_OK;
}
static larder_status planted_remove(void *self, const larder_key *key, uint64_t if_version, const larder_call *call) LARDER_NOEXCEPT {
  (void)self, (void)key, (void)if_version, (void)call;
  return LARDER_MISS;
}
static larder_status planted_touch(void *self, const larder_key *key, const larder_touch *touch, const larder_call *call) LARDER_NOEXCEPT {
  (void)self, (void)key, (void)touch, (void)call;
  return LARDER_MISS;
}
static void planted_destroy(void *self) LARDER_NOEXCEPT { (void)self; }

/* A component whose instances have this table. */
#define PLANTED_COMPONENT(NAME, CAPS, TABLE)                                                      \
  static larder_status planted_create(const larder_host *h, const larder_config *cfg,             \
                                      larder_instance *out, larder_errbuf *err) LARDER_NOEXCEPT { \
    (void)h, (void)cfg, (void)err;                                                                \
    out->caps = CAPS;                                                                             \
    out->self = out;                                                                              \
    out->vtable = &TABLE;                                                                         \
    return LARDER_OK;                                                                             \
  }                                                                                               \
  static const larder_component planted_component = {                                             \
      sizeof(larder_component), LARDER_KIND_STORE, NAME, CAPS, planted_create, planted_destroy,   \
      NULL, NULL, NULL, NULL, NULL};

#define PLANTED_TABLE                                                                             \
  static const larder_store_v1 planted_table = {                                                  \
      sizeof(larder_store_v1), 0, planted_get, planted_put, planted_remove, planted_touch,        \
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL};

#define PLANTED_PLUGIN(ID, VERSION)                                                               \
  LARDER_DESCRIPTOR(ID, VERSION, "Apache-2.0", "larder", planted_manifest, NULL, NULL,            \
                    &planted_component)
#endif
