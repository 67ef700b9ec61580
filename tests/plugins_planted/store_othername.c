/* tests/plugins_planted/store_othername.c -- the manifest states a component that the descriptor does not have. */
#include "planted.h"
PLANTED_MANIFEST("org.larder.planted.othername", "1.0", "othername", "")
PLANTED_TABLE
PLANTED_COMPONENT("another", 0, planted_table)
PLANTED_PLUGIN("org.larder.planted.othername", "1.0.0")
