/* larder/plugin/plugin.h -- what a module exports. Include this one (C++ authors: cpp.hpp).
 *
 * A module is a shared library with one exported constant, larder_plugin_abi1: its name, and the
 * components it can make. The kernel reads the embedded manifest without loading the file, loads it
 * only when the configuration names it, judges the constant before it runs any function of the module,
 * and never unloads it. */
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
  int32_t state;     /* LARDER_HEALTH_* */
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
  /* Named, revisioned extra tables: "com.acme.bulk-import/2". NULL: no. What it points at lives as
   * long as the instance. */
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
#define LARDER_PLUGIN_SYMBOL "larder_plugin_abi1"
extern LARDER_EXPORT const larder_plugin larder_plugin_abi1;

/* Embedded manifest: TOML text between two marker lines, found by scanning the
 * file, so that `larder check` reads options and capabilities without dlopen.
 * A body with a NUL byte, or without the end marker, is not a manifest. */
#define LARDER_MANIFEST_BEGIN "#<larder-manifest/1>\n"
#define LARDER_MANIFEST_END "\n#</larder-manifest>\n"
#if defined(__APPLE__)
#  define LARDER_MANIFEST_ATTR __attribute__((used, section("__DATA,larder")))
#elif defined(__ELF__)
#  define LARDER_MANIFEST_ATTR __attribute__((used, section(".larder.manifest")))
#else
#  define LARDER_MANIFEST_ATTR
#endif

/* Written by larder_add_plugin() from the manifest file, the one place that states them. */
extern const char larder_manifest_text[];
extern const char larder_manifest_id[];
extern const char larder_manifest_version[];
extern const char larder_manifest_license[];
extern const char larder_manifest_vendor[];

#ifdef __cplusplus
}
#  define LARDER_EXTERN_C_BEGIN extern "C" {
#  define LARDER_EXTERN_C_END }
#else
#  define LARDER_EXTERN_C_BEGIN
#  define LARDER_EXTERN_C_END
#endif

#if defined(__VERSION__)
#  define LARDER_BUILD_TEXT __VERSION__
#else
#  define LARDER_BUILD_TEXT ""
#endif

/* LARDER_MODULE(&component, ...): the descriptor of a module that larder_add_plugin() builds. Once per
 * module, outside any namespace, after the components' definitions. */
#define LARDER_MODULE(...)                                                                       \
  LARDER_DESCRIPTOR(larder_manifest_id, larder_manifest_version, larder_manifest_license,        \
                    larder_manifest_vendor, larder_manifest_text, NULL, NULL, __VA_ARGS__)

/* The same with init and deinit (see larder_plugin). */
#define LARDER_MODULE_WITH_INIT(INIT, DEINIT, ...)                                               \
  LARDER_DESCRIPTOR(larder_manifest_id, larder_manifest_version, larder_manifest_license,        \
                    larder_manifest_vendor, larder_manifest_text, INIT, DEINIT, __VA_ARGS__)

#define LARDER_DESCRIPTOR(ID, VERSION, LICENSE, VENDOR, MANIFEST, INIT, DEINIT, ...)             \
  LARDER_EXTERN_C_BEGIN                                                                          \
  static const larder_component *const larder_components_[] = {__VA_ARGS__};                     \
  LARDER_EXPORT extern const larder_plugin larder_plugin_abi1;                                   \
  const larder_plugin larder_plugin_abi1 = {                                                     \
      LARDER_ABI_MAGIC, sizeof(larder_plugin), LARDER_ABI_VERSION,                               \
      sizeof larder_components_ / sizeof larder_components_[0], ID, VERSION,                     \
      LICENSE, VENDOR, LARDER_BUILD_TEXT, MANIFEST, 0, larder_components_, INIT, DEINIT};        \
  LARDER_EXTERN_C_END

#endif
