/* tests/abuse/magic.c -- its descriptor does not begin with larder's magic number. */
#define ABUSE_NAME "magic"
#define ABUSE_MAGIC 0x21464C45u
#include "abuse.h"
