/* tests/plugins_planted/store_undefined.c -- calls a function that nobody has: found when loading, not at the first hit. */
#include "planted.h"
extern larder_status planted_is_not_there(void);
PLANTED_MANIFEST("org.larder.planted.undefined", "1.0", "undefined", "")
static larder_status unresolved(void *self, uint32_t ns, const larder_call *call) {
  (void)self, (void)ns, (void)call;
  return planted_is_not_there();
}
static const larder_store_v1 planted_table = {
    sizeof(larder_store_v1), 0, planted_get, planted_put, planted_remove, planted_touch,
    NULL, NULL, NULL, unresolved, NULL, NULL, NULL, NULL};
PLANTED_COMPONENT("undefined", 0, planted_table)
PLANTED_PLUGIN("org.larder.planted.undefined", "1.0.0")
