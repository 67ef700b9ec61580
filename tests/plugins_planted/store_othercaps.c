/* tests/plugins_planted/store_othercaps.c -- the descriptor claims a capability that the manifest does not state. */
#include "planted.h"
PLANTED_MANIFEST("org.larder.planted.othercaps", "1.0", "othercaps", "\"sync\"")
PLANTED_TABLE
PLANTED_COMPONENT("othercaps", LARDER_STORE_CAP_SYNC | LARDER_STORE_CAP_ZERO_COPY, planted_table)
PLANTED_PLUGIN("org.larder.planted.othercaps", "1.0.0")
