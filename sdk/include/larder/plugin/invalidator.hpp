// larder/plugin/invalidator.hpp -- an invalidator written as a C++ class:
// &larder::plugin::Invalidator<T>::value
//
// With LARDER_INV_CAP_RULES, T has, with the meaning of invalidator.h:
//     larder_status on_request(const larder_request&, InvalidationSink);
// With LARDER_INV_CAP_SOURCE it has start and stop, and calls host.cache() in between.
#ifndef LARDER_PLUGIN_INVALIDATOR_HPP
#define LARDER_PLUGIN_INVALIDATOR_HPP
#include "component.hpp"

#include <cstdint>
#include <string_view>

namespace larder::plugin {

// What a request made stale. action: LARDER_DROP, LARDER_EXPIRE or LARDER_REFRESH.
class InvalidationSink {
  public:
    explicit InvalidationSink(const larder_inv_sink* sink) noexcept : sink_(sink) {}
    void add(std::uint32_t action, const larder_target& target) const noexcept {
        sink_->add(sink_->ctx, action, &target);
    }
    void entry(std::uint32_t action, std::uint32_t ns, std::string_view key) const noexcept {
        add(action, {LARDER_TARGET_KEY, ns, bytes_of(key)});
    }
    void whole(std::uint32_t action, std::uint32_t ns) const noexcept {
        add(action, {LARDER_TARGET_NAMESPACE, ns, {}});
    }
    void tag(std::uint32_t action, std::string_view tag) const noexcept {
        add(action, {LARDER_TARGET_TAG, LARDER_NS_NONE, bytes_of(tag)});
    }

  private:
    const larder_inv_sink* sink_;
};

template <class T>
struct InvalidatorKind {
    static constexpr std::uint32_t kind = LARDER_KIND_INVALIDATOR;
    static T& of(void* self) noexcept { return detail::object_of<T>(self); }

    static constexpr larder_invalidator_v1 make() noexcept {
        larder_invalidator_v1 v{};
        v.struct_size = sizeof v;
        if constexpr (LARDER_DETAIL_HAS(T, on_request, larder_request{},
                                        std::declval<InvalidationSink>())) {
            v.on_request = [](void* self, const larder_request* rq,
                              const larder_inv_sink* sink) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).on_request(*rq, InvalidationSink(sink));
                });
            };
        } else {
            static_assert((T::caps & LARDER_INV_CAP_RULES) == 0, "CAP_RULES needs on_request");
        }
        return v;
    }
    static constexpr larder_invalidator_v1 table = make();
};

template <class T>
using Invalidator = Component<T, InvalidatorKind>;

}  // namespace larder::plugin
#endif
