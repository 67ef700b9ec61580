/* tests/abuse/short_descriptor.c -- its descriptor says it ends before its list of components. */
#define ABUSE_NAME "short_descriptor"
#define ABUSE_PLUGIN_SIZE 24
#include "abuse.h"
