// larder/plugin/gateway.hpp -- a gateway written as a C++ class: &larder::plugin::Gateway<T>::value
//
// T must have start() and stop(deadline_ns), see component.hpp, and
//     std::string address(std::uint32_t index) const;  // "127.0.0.1:7380"; empty: no such listener
// and may have
//     larder_status stats(larder_gateway_stats&) const;
#ifndef LARDER_PLUGIN_GATEWAY_HPP
#define LARDER_PLUGIN_GATEWAY_HPP
#include "component.hpp"

#include <cstdint>
#include <string>

namespace larder::plugin {

template <class T>
struct GatewayKind {
    static constexpr std::uint32_t kind = LARDER_KIND_GATEWAY;
    static T& of(void* self) noexcept { return detail::object_of<T>(self); }

    static larder_status LARDER_CALL address(void* self, std::uint32_t index, char* buf,
                                             std::uint32_t cap) noexcept {
        return detail::guarded(self, [&]() -> larder_status {
            const std::string text = of(self).address(index);
            if (text.empty()) {
                return LARDER_MISS;
            }
            if (text.size() >= cap) {
                return LARDER_E_TOO_LARGE;
            }
            buf[text.copy(buf, text.size())] = '\0';
            return LARDER_OK;
        });
    }

    static constexpr larder_gateway_v1 make() noexcept {
        static_assert(LARDER_DETAIL_HAS(T, start) && LARDER_DETAIL_HAS(T, stop, std::uint64_t{}),
                      "a gateway listens in start() and closes in stop()");
        larder_gateway_v1 v{};
        v.struct_size = sizeof v;
        v.address = &address;
        if constexpr (LARDER_DETAIL_HAS(T, stats, std::declval<larder_gateway_stats&>())) {
            v.stats = [](void* self, larder_gateway_stats* out) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    larder_gateway_stats now{};
                    now.struct_size = sizeof now;
                    const larder_status st = of(self).stats(now);
                    if (st == LARDER_OK) {
                        detail::copy_out(now, out);
                    }
                    return st;
                });
            };
        }
        return v;
    }
    static constexpr larder_gateway_v1 table = make();
};

template <class T>
using Gateway = Component<T, GatewayKind>;

}  // namespace larder::plugin
#endif
