/* tests/abuse/crashes.c -- get writes where there is no memory. */
#define ABUSE_NAME "crashes"
#define ABUSE_GET crashes
#include "abuse.h"

static larder_status crashes(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  (void)self, (void)key, (void)call, (void)out;
  *(volatile int *)8 = 1;
  return LARDER_MISS;
}
