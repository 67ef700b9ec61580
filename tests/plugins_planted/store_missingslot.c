/* tests/plugins_planted/store_missingslot.c -- a table whose size ends before touch, which every store needs. */
#include "planted.h"
PLANTED_MANIFEST("org.larder.planted.missingslot", "1.0", "missingslot", "")
static const larder_store_v1 planted_table = {
    offsetof(larder_store_v1, touch), 0, planted_get, planted_put, planted_remove, planted_touch,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL};
PLANTED_COMPONENT("missingslot", 0, planted_table)
PLANTED_PLUGIN("org.larder.planted.missingslot", "1.0.0")
