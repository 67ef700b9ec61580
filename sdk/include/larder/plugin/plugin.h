/* larder/plugin/plugin.h -- what a module exports. Include this one. */
#ifndef LARDER_PLUGIN_PLUGIN_H
#define LARDER_PLUGIN_PLUGIN_H
#include "abi.h"
#include "services.h"
#include "store.h"
#include "compressor.h"
#include "warmer.h"
#include "invalidator.h"
#include "session.h"
#include "exporter.h"
#include "gateway.h"
#ifdef __cplusplus
extern "C" {
#endif

enum {
  LARDER_KIND_STORE = 1,
  LARDER_KIND_COMPRESSOR = 2,
  LARDER_KIND_WARMER = 3,
  LARDER_KIND_INVALIDATOR = 4,
  LARDER_KIND_SESSION = 5,
  LARDER_KIND_EXPORTER = 6,
  LARDER_KIND_GATEWAY = 7
};

enum { LARDER_HEALTH_OK = 0, LARDER_HEALTH_DEGRADED = 1, LARDER_HEALTH_DOWN = 2 };
typedef struct larder_health {
  uint32_t struct_size;
  int32_t state;
  char message[120]; /* one line, NUL-terminated */
} larder_health;

/* What create fills in. vtable points at the kind's table (larder_store_v1 ...),
 * static for the life of the module; the kernel copies struct_size bytes of it
 * and puts its own "unsupported" stubs in the missing slots. */
typedef struct larder_instance {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t caps; /* LARDER_STORE_CAP_* ...: this instance, with these options */
  void *self;
  const void *vtable;
} larder_instance;

/* One named thing the module can make. Life of an instance:
 *   create -> start -> (kind's functions) -> stop -> destroy
 * create allocates and checks, no network, no threads; start may connect.
 * After stop returned, no thread of the plugin runs, no done is outstanding and
 * no host function is called; values it handed out may still be pinned, and
 * destroy is only called when the last one was released. */
typedef struct larder_component {
  uint32_t struct_size;
  uint32_t kind;     /* LARDER_KIND_* */
  const char *name;  /* as policy files write it: [a-z][a-z0-9_]*, e.g. "redis" */
  uint64_t caps;     /* the most any instance can have; equals the manifest's */
  larder_status(LARDER_CALL *create)(const larder_host *h, const larder_config *cfg, larder_instance *out, larder_errbuf *err) LARDER_NOEXCEPT; /* [control] */
  void(LARDER_CALL *destroy)(void *self) LARDER_NOEXCEPT;                                                             /* [control] */
  larder_status(LARDER_CALL *start)(void *self, larder_errbuf *err) LARDER_NOEXCEPT;                                  /* [control] optional */
  larder_status(LARDER_CALL *stop)(void *self, uint64_t deadline_ns) LARDER_NOEXCEPT;                                 /* [control] optional, idempotent */
  /* Take changed options marked reloadable, or refuse and stay as before. */
  larder_status(LARDER_CALL *reconfigure)(void *self, const larder_config *cfg, larder_errbuf *err) LARDER_NOEXCEPT; /* [control] optional */
  larder_status(LARDER_CALL *health)(void *self, larder_health *out) LARDER_NOEXCEPT;                                 /* [any] optional */
  /* Named, revisioned extra tables: "com.acme.bulk-import/2". NULL: no. */
  const void *(LARDER_CALL *extension)(void *self, const char *id)LARDER_NOEXCEPT;                                   /* [any] optional */
} larder_component;

/* The module. A constant, so a loader can judge it before it runs any of the
 * module's functions. All strings UTF-8, NUL-terminated, static. */
typedef struct larder_plugin {
  uint32_t magic;       /* LARDER_ABI_MAGIC */
  uint32_t struct_size;
  uint32_t abi_version; /* LARDER_ABI_VERSION of the headers it was built with */
  uint32_t component_count;
  const char *id;      /* "org.larder.redis": reverse domain, [a-z0-9.-] */
  const char *version; /* semver of the plugin itself */
  const char *license; /* SPDX expression */
  const char *vendor;
  const char *build;   /* toolchain and flags, for crash reports */
  const char *manifest; /* the embedded manifest text, marker lines included */
  size_t manifest_size;  /* 0: up to LARDER_MANIFEST_END */
  const larder_component *const *components; /* pointers: components may grow */
  /* Once per process load, before anything else; deinit after the last destroy.
   * Both optional. An embedder may hold two kernels: init/deinit are then
   * called in matched pairs more than once; count them. */
  larder_status(LARDER_CALL *init)(const larder_host *h, larder_errbuf *err) LARDER_NOEXCEPT; /* [control] */
  void(LARDER_CALL *deinit)(void) LARDER_NOEXCEPT;                                            /* [control] */
} larder_plugin;

/* THE one exported symbol. The generation is in the name, so a module can export
 * larder_plugin_abi1 and a later larder_plugin_abi2 side by side. */
extern LARDER_EXPORT const larder_plugin larder_plugin_abi1;

/* Embedded manifest: TOML text between two marker lines, found by scanning the
 * file, so that `larder check` reads options and capabilities without dlopen.
 * cmake's larder_add_plugin() makes this from plugin.larder.toml. */
#define LARDER_MANIFEST_BEGIN "#<larder-manifest/1>\n"
#define LARDER_MANIFEST_END "\n#</larder-manifest>\n"
#if defined(__ELF__)
#  define LARDER_MANIFEST_ATTR __attribute__((used, section(".larder.manifest")))
#else
#  define LARDER_MANIFEST_ATTR __attribute__((used))
#endif

#ifdef __cplusplus
}
#endif
#endif
