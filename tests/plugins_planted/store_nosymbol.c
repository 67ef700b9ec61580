/* tests/plugins_planted/store_nosymbol.c -- a manifest, but no descriptor. */
#include "planted.h"
PLANTED_MANIFEST("org.larder.planted.nosymbol", "1.0", "nosymbol", "")
LARDER_EXPORT const char *planted_nothing(void);
const char *planted_nothing(void) {
  (void)planted_get, (void)planted_put, (void)planted_remove, (void)planted_touch, (void)planted_destroy;
  return planted_manifest;
}
