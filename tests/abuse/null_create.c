/* tests/abuse/null_create.c -- its component cannot be created. */
#define ABUSE_NAME "null_create"
#define ABUSE_OWN_DESCRIPTOR
#include "abuse.h"
static const larder_component uncreatable = {.struct_size = sizeof(larder_component),
                                             .kind = LARDER_KIND_STORE,
                                             .name = ABUSE_NAME,
                                             .caps = ABUSE_BITS,
                                             .destroy = abuse_destroy};
static const larder_component *const used = &abuse_component;
LARDER_DESCRIPTOR(ABUSE_ID, "1.0.0", "Apache-2.0", "larder", used == NULL ? NULL : abuse_manifest, NULL, NULL, &uncreatable)
