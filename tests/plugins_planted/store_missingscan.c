/* tests/plugins_planted/store_missingscan.c -- says that it can scan, and has no scan. */
#include "planted.h"
PLANTED_MANIFEST("org.larder.planted.missingscan", "1.0", "missingscan", "\"scan\"")
PLANTED_TABLE
PLANTED_COMPONENT("missingscan", LARDER_STORE_CAP_SCAN, planted_table)
PLANTED_PLUGIN("org.larder.planted.missingscan", "1.0.0")
