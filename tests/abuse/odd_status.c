/* tests/abuse/odd_status.c -- answers with statuses that do not exist, on both sides of those that do. */
#define ABUSE_NAME "odd_status"
#define ABUSE_GET answers
#include "abuse.h"

static larder_status answers(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  static const larder_status odd[] = {4, -18, 1000, INT32_MAX, INT32_MIN};
  static unsigned turn;
  (void)self, (void)key, (void)call, (void)out;
  return odd[turn++ % 5];
}
