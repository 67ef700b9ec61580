/* tests/plugins_planted/store_demanding.c -- cannot work without a service of ABI 1.9. */
#include "planted.h"
PLANTED_MANIFEST("org.larder.planted.demanding", "1.9\"\nrequires_abi = \"1.9", "demanding", "")
PLANTED_TABLE
PLANTED_COMPONENT("demanding", 0, planted_table)
PLANTED_PLUGIN("org.larder.planted.demanding", "1.0.0")
