/* tests/abuse/blocks_sync.c -- says `sync`, and blocks for longer than it may. */
#define ABUSE_NAME "blocks_sync"
#define ABUSE_GET blocks
#include "abuse.h"

#include <unistd.h>
static larder_status blocks(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  (void)self, (void)key, (void)call, (void)out;
  usleep(300 * 1000);
  return LARDER_MISS;
}
