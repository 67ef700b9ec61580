/* tests/abuse/generation.c -- built for the plugin ABI's second generation, and says so. */
#define ABUSE_NAME "generation"
#define ABUSE_ABI "2.0"
#define ABUSE_ABI_VERSION (2u << 16)
#include "abuse.h"
