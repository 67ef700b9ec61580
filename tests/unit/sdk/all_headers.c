/* tests/unit/sdk/all_headers.c -- all kinds together in C, and the sizes that are promised for ever. */
#include <larder/plugin/plugin.h>
_Static_assert(sizeof(larder_key) == 24, "frozen");
_Static_assert(sizeof(larder_value) == 32, "frozen");
_Static_assert(sizeof(larder_bytes) == 16, "frozen");
_Static_assert(sizeof(larder_target) == 24, "frozen");
_Static_assert(sizeof(larder_pair) == 32, "frozen");
_Static_assert(sizeof(larder_session_id) == LARDER_SESSION_ID_MAX, "frozen");
_Static_assert(sizeof(larder_access) == 48, "frozen");
_Static_assert(offsetof(larder_plugin, components) == 72, "grows at its end only");
_Static_assert(offsetof(larder_component, create) == 24, "grows at its end only");
_Static_assert(offsetof(larder_store_v1, get) == 8 && offsetof(larder_store_v1, touch) == 32, "grows at its end only");
