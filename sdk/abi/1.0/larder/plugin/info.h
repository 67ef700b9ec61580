/* larder/plugin/info.h -- an extension: what the server behind an instance says of itself.
 *
 * For people and monitoring: versions, memory, clients of a server that is not this process. The kernel
 * asks when somebody wants to know, not on any hot path. */
#ifndef LARDER_PLUGIN_INFO_H
#define LARDER_PLUGIN_INFO_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LARDER_EXT_INFO "larder.info/1"
typedef struct larder_info_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Lines `name:value`, with the names of Redis' INFO where they mean the same; as the server said when
   * it was last asked. out is the caller's to release. MISS: it never answered. [any] */
  larder_status(LARDER_CALL *info)(void *self, larder_value *out) LARDER_NOEXCEPT;
} larder_info_v1;

#ifdef __cplusplus
}
#endif
#endif
