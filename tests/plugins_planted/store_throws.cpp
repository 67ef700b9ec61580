// tests/plugins_planted/store_throws.cpp -- built without the wrapper and without noexcept: its get
// throws at the kernel.
#define LARDER_ABI_MAY_THROW
#include "planted.h"

#include <stdexcept>

namespace {
larder_status throwing_get(void*, const larder_key*, const larder_call*, larder_value*) {
    throw std::runtime_error("planted");
}
}  // namespace
PLANTED_MANIFEST("org.larder.planted.throws", "1.0", "throws", "\"sync\"")
static const larder_store_v1 planted_table = {sizeof(larder_store_v1),
                                              0,
                                              throwing_get,
                                              planted_put,
                                              planted_remove,
                                              planted_touch,
                                              nullptr,
                                              nullptr,
                                              nullptr,
                                              nullptr,
                                              nullptr,
                                              nullptr,
                                              nullptr,
                                              nullptr};
PLANTED_COMPONENT("throws", LARDER_STORE_CAP_SYNC, planted_table)
static larder_status (*const used)(void*, const larder_key*, const larder_call*,
                                   larder_value*) = planted_get;
static_assert(true || used == nullptr);
PLANTED_PLUGIN("org.larder.planted.throws", "1.0.0")
