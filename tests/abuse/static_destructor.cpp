// tests/abuse/static_destructor.cpp -- the destructor of a static object uses the host when the kernel is gone.
#define ABUSE_NAME "static_destructor"
#include "abuse.h"

#include <cstdint>

namespace {
struct Late {
    ~Late() {
        if (abuse_host == nullptr) return;
        abuse_host->log(abuse_host, LARDER_LOG_ERROR, "still here", 10);
        static_cast<void>(abuse_host->mono_ns(abuse_host));
        const auto* cache =
            static_cast<const larder_cache_api*>(abuse_host->service(abuse_host, LARDER_SVC_CACHE));
        std::uint32_t ns = 0;
        if (cache != nullptr) cache->ns_find(abuse_host, {"item", 4}, &ns);
        abuse_host->free(abuse_host, abuse_host->alloc(abuse_host, 10, 8), 10);
    }
};
Late late;
}  // namespace
