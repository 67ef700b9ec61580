/* tests/plugins_planted/store_wrongkind.c -- named like a store, but what is in it is a gateway. */
#include "planted.h"
LARDER_MANIFEST_ATTR static const char planted_manifest[] = LARDER_MANIFEST_BEGIN
    "id = \"org.larder.planted.wrongkind\"\nversion = \"1.0.0\"\nabi = \"1.0\"\nlicense = \"Apache-2.0\"\n"
    "vendor = \"larder\"\n[[component]]\nkind = \"gateway\"\nname = \"wrongkind\"\n" LARDER_MANIFEST_END;
PLANTED_TABLE
PLANTED_COMPONENT("wrongkind", 0, planted_table)
PLANTED_PLUGIN("org.larder.planted.wrongkind", "1.0.0")
