/* tests/abuse/short_table.c -- its table of functions says it has no function at all. */
#define ABUSE_NAME "short_table"
#define ABUSE_TABLE_SIZE 0
#include "abuse.h"
