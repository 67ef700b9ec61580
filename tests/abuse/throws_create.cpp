// tests/abuse/throws_create.cpp -- the constructor of its instance throws, and nobody catches it.
#define ABUSE_NAME "throws_create"
#define ABUSE_CREATE throws
#include "abuse.h"

static larder_status throws(const larder_host* host, const larder_config* config,
                            larder_instance* out, larder_errbuf* err) {
    (void)abuse_create(host, config, out, err);
    throw 42;
}
