/* tests/plugins_planted/store_liedgeneration.c -- the manifest says generation 1, the descriptor generation 2. */
#include "planted.h"
PLANTED_MANIFEST("org.larder.planted.liedgeneration", "1.0", "liedgeneration", "")
PLANTED_TABLE
PLANTED_COMPONENT("liedgeneration", 0, planted_table)
#undef LARDER_ABI_VERSION
#define LARDER_ABI_VERSION (2u << 16)
PLANTED_PLUGIN("org.larder.planted.liedgeneration", "1.0.0")
