/* tests/plugins_planted/store_othergeneration.c -- built for generation 2 of the plugin ABI. */
#include "planted.h"
PLANTED_MANIFEST("org.larder.planted.othergeneration", "2.0", "othergeneration", "")
PLANTED_TABLE
PLANTED_COMPONENT("othergeneration", 0, planted_table)
PLANTED_PLUGIN("org.larder.planted.othergeneration", "1.0.0")
