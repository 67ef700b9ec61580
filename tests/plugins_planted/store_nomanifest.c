/* tests/plugins_planted/store_nomanifest.c -- a plugin with a descriptor, but no manifest in the file. */
#include "planted.h"
static const char planted_manifest[] = "";
PLANTED_TABLE
PLANTED_COMPONENT("nomanifest", 0, planted_table)
PLANTED_PLUGIN("org.larder.planted", "1.0.0")
