/* tests/plugins_planted/store_newer.c -- of a later 1.x: words, a kind and table members that this kernel does not know. */
#include "planted.h"
LARDER_MANIFEST_ATTR static const char planted_manifest[] = LARDER_MANIFEST_BEGIN
    "id = \"org.larder.planted.newer\"\nversion = \"1.0.0\"\nabi = \"1.7\"\nlicense = \"Apache-2.0\"\n"
    "vendor = \"larder\"\nsingleton = true\n"
    "[[component]]\nkind = \"store\"\nname = \"newer\"\ncaps = [\"sync\", \"telepathic\"]\ncolour = \"red\"\n" LARDER_MANIFEST_END;
/* A table that has grown by two slots. */
static const struct {
  larder_store_v1 known;
  void (*later[2])(void);
} planted_table = {{sizeof(larder_store_v1) + 2 * sizeof(void (*)(void)), 0, planted_get, planted_put, planted_remove,
                    planted_touch, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
                   {NULL, NULL}};
PLANTED_COMPONENT("newer", LARDER_STORE_CAP_SYNC | (UINT64_C(1) << 40), planted_table)
PLANTED_PLUGIN("org.larder.planted.newer", "1.0.0")
