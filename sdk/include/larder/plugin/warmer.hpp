// larder/plugin/warmer.hpp -- a warmer written as a C++ class: &larder::plugin::Warmer<T>::value
//
// T must have, with the meaning of warmer.h:
//     larder_status fetch(const larder_warm_item&, const larder_call&, larder_cache_set&, Reply);
// and may have
//     larder_status plan(const larder_warm_run&, WarmSink);
//     void          observe(std::span<const larder_access>);
//     larder_status report(std::string_view what, const larder_warm_run&, Reply);
//     larder_status write(const larder_warm_item&, std::span<larder_source_write>, const larder_call&);
#ifndef LARDER_PLUGIN_WARMER_HPP
#define LARDER_PLUGIN_WARMER_HPP
#include "component.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace larder::plugin {

// Where plan names what should be warm; false: that is enough.
class WarmSink {
  public:
    explicit WarmSink(const larder_warm_sink* sink) noexcept : sink_(sink) {}
    bool add(const larder_warm_item& item) const noexcept {
        return sink_->item(sink_->ctx, &item) == 0;
    }
    bool add(std::uint32_t ns, std::string_view key, std::string_view hint = {},
             std::uint32_t priority = 0) const noexcept {
        larder_warm_item item{};
        item.struct_size = sizeof item;
        item.ns = ns;
        item.key = bytes_of(key);
        item.hint = bytes_of(hint);
        item.priority = priority;
        return add(item);
    }

  private:
    const larder_warm_sink* sink_;
};

// The text of an option in the policy's block behind `from NAME "address"`; fallback when it is
// absent.
inline std::string_view option_of(const larder_warm_item& item, std::string_view name,
                                  std::string_view fallback = {}) noexcept {
    for (const larder_pair& option : std::span(item.options, item.option_count)) {
        if (text_of(option.name) == name) {
            return text_of(option.value);
        }
    }
    return fallback;
}

// Takes the policy's text apart (larder_warm_item.hint): literal(std::string_view) for each piece that stands as it is,
// field(std::string_view) for the value of each {name}, in their order. What a value becomes is the callee's affair.
// False: a brace is open, or a name is no field; some pieces may have been told by then.
template <class Literal, class Field>
bool fill_hint(std::string_view text, std::span<const larder_pair> fields, Literal&& literal,
               Field&& field) {
    while (!text.empty()) {
        const std::size_t brace = std::min(text.find_first_of("{}"), text.size());
        if (brace != 0) {
            literal(text.substr(0, brace));
            text.remove_prefix(brace);
            continue;
        }
        if (text.size() > 1 && text[1] == text[0]) {
            literal(text.substr(0, 1));
            text.remove_prefix(2);
            continue;
        }
        const std::size_t end = text[0] == '{' ? text.find('}') : std::string_view::npos;
        if (end == std::string_view::npos) {
            return false;
        }
        const std::string_view name = text.substr(1, end - 1);
        const auto found =
            std::find_if(fields.begin(), fields.end(),
                         [&](const larder_pair& one) { return text_of(one.name) == name; });
        if (found == fields.end()) {
            return false;
        }
        field(text_of(found->value));
        text.remove_prefix(end + 1);
    }
    return true;
}

template <class T>
struct WarmerKind {
    static constexpr std::uint32_t kind = LARDER_KIND_WARMER;
    static T& of(void* self) noexcept { return detail::object_of<T>(self); }

    static larder_status LARDER_CALL fetch(void* self, const larder_warm_item* item,
                                           const larder_call* call, larder_cache_set* set,
                                           larder_value* out) noexcept {
        return detail::guarded(self, [&]() -> larder_status {
            return of(self).fetch(*item, *call, *set, Reply(out));
        });
    }

    static constexpr larder_warmer_v1 make() noexcept {
        larder_warmer_v1 v{};
        v.struct_size = sizeof v;
        v.fetch = &fetch;
        if constexpr (LARDER_DETAIL_HAS(T, plan, larder_warm_run{}, std::declval<WarmSink>())) {
            v.plan = [](void* self, const larder_warm_run* run,
                        const larder_warm_sink* sink) noexcept -> larder_status {
                return detail::guarded(
                    self, [&]() -> larder_status { return of(self).plan(*run, WarmSink(sink)); });
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, observe, std::span<const larder_access>{})) {
            v.observe = [](void* self, const larder_access* batch, std::size_t n) noexcept {
                static_cast<void>(detail::guarded(self, [&]() -> larder_status {
                    of(self).observe(std::span(batch, n));
                    return LARDER_OK;
                }));
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, write, larder_warm_item{}, std::span<larder_source_write>{},
                                        larder_call{})) {
            v.write = [](void* self, const larder_warm_item* source, larder_source_write* writes,
                         size_t n, const larder_call* call) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).write(*source, std::span(writes, n), *call);
                });
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, report, std::string_view{}, larder_warm_run{}, std::declval<Reply>())) {
            v.report = [](void* self, larder_bytes what, const larder_warm_run* run,
                          larder_value* out) noexcept -> larder_status {
                return detail::guarded(
                    self, [&]() -> larder_status { return of(self).report(text_of(what), *run, Reply(out)); });
            };
        }
        return v;
    }
    static constexpr larder_warmer_v1 table = make();
};

template <class T>
using Warmer = Component<T, WarmerKind>;

}  // namespace larder::plugin
#endif
