/* tests/abuse/aborts.c -- its init calls abort(). */
#define ABUSE_NAME "aborts"
#define ABUSE_INIT aborts
#include "abuse.h"

#include <stdlib.h>
static larder_status aborts(const larder_host *host, larder_errbuf *err) {
  (void)host, (void)err;
  abort();
}
