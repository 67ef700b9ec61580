/* tests/abuse/generation_hidden.c -- its manifest says generation 1, its descriptor 2. */
#define ABUSE_NAME "generation_hidden"
#define ABUSE_ABI_VERSION (2u << 16)
#include "abuse.h"
