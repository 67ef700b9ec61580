/* tests/abuse/unterminated_text.c -- its health message does not end, nor fits the length it claims for an error. */
#define ABUSE_NAME "unterminated_text"
#define ABUSE_HEALTH endless
#define ABUSE_START refuses
#include "abuse.h"

#include <stdlib.h>
static larder_status endless(void *self, larder_health *out) {
  (void)self;
  out->state = 77;
  memset(out->message, 'x', sizeof out->message);
  return LARDER_OK;
}
static larder_status refuses(void *self, larder_errbuf *err) {
  (void)self;
  if (getenv("LARDER_ABUSE_START") == NULL) return LARDER_OK;
  memset(err->buf, 'y', err->cap);
  err->len = UINT32_MAX;
  return LARDER_E_IO;
}
