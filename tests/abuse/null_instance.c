/* tests/abuse/null_instance.c -- create answers OK, and gives neither an instance nor a table. */
#define ABUSE_NAME "null_instance"
#define ABUSE_CREATE gives_nothing
#include "abuse.h"
static larder_status gives_nothing(const larder_host *host, const larder_config *config, larder_instance *out, larder_errbuf *err) {
  (void)abuse_create(host, config, out, err);
  out->self = NULL;
  out->vtable = NULL;
  return LARDER_OK;
}
