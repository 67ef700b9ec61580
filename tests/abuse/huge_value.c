/* tests/abuse/huge_value.c -- values with sizes that no value has, and one without bytes. */
#define ABUSE_NAME "huge_value"
#define ABUSE_GET answers
#include "abuse.h"

static larder_status answers(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  static const size_t sizes[] = {SIZE_MAX, SIZE_MAX / 2, (size_t)1 << 40, ((size_t)1 << 30) + 1, 5};
  static unsigned turn;
  (void)self, (void)key, (void)call;
  const size_t size = sizes[turn++ % 5];
  out->data = size == 5 ? NULL : "x";
  out->size = size;
  out->release = NULL;
  return LARDER_OK;
}
