/* tests/abuse/long_table.c -- its descriptor, component and table each say they are a gigabyte long, and are not. */
#define ABUSE_NAME "long_table"
#define ABUSE_TABLE_SIZE (1u << 30)
#define ABUSE_COMPONENT_SIZE (1u << 30)
#define ABUSE_PLUGIN_SIZE (1u << 30)
#include "abuse.h"
