/* tests/abuse/missing_symbol.c -- calls a function that nobody has. */
#define ABUSE_NAME "missing_symbol"
#define ABUSE_GET asks_nobody
#include "abuse.h"
larder_status abuse_function_that_nobody_has(void);
static larder_status asks_nobody(void *self, const larder_key *key, const larder_call *call, larder_value *out) {
  (void)self, (void)key, (void)call, (void)out;
  return abuse_function_that_nobody_has();
}
