/* tests/abuse/blocks.c -- get takes no notice of its deadline: it comes back when it likes. */
#define ABUSE_NAME "blocks"
#define ABUSE_CAPS "\"blocking\""
#define ABUSE_BITS LARDER_STORE_CAP_BLOCKING
#define ABUSE_GET blocks
#include "abuse.h"

#include <unistd.h>
static larder_status blocks(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  (void)self, (void)key, (void)call, (void)out;
  usleep(400 * 1000);
  return LARDER_MISS;
}
