/* tests/plugins_planted/store_otherversion.c -- the descriptor has another version than the manifest. */
#include "planted.h"
PLANTED_MANIFEST("org.larder.planted.otherversion", "1.0", "otherversion", "")
PLANTED_TABLE
PLANTED_COMPONENT("otherversion", 0, planted_table)
PLANTED_PLUGIN("org.larder.planted.otherversion", "2.0.0")
