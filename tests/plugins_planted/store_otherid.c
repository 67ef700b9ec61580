/* tests/plugins_planted/store_otherid.c -- the descriptor has another id than the manifest. */
#include "planted.h"
PLANTED_MANIFEST("org.larder.planted.otherid", "1.0", "otherid", "")
PLANTED_TABLE
PLANTED_COMPONENT("otherid", 0, planted_table)
PLANTED_PLUGIN("org.somebody.else", "1.0.0")
