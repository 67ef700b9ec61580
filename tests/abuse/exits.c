/* tests/abuse/exits.c -- its init calls exit(0). */
#define ABUSE_NAME "exits"
#define ABUSE_INIT exits
#include "abuse.h"

#include <stdlib.h>
static larder_status exits(const larder_host *host, larder_errbuf *err) {
  (void)host, (void)err;
  exit(0);
}
