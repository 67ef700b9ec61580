// larder/plugin/exporter.hpp -- an exporter written as a C++ class:
// &larder::plugin::Exporter<T>::value
//
// T has what its capabilities promise, with the meaning of exporter.h:
//     larder_status render(std::string_view accept, Families, TextSink, const char*& content_type);
//     // PULL larder_status push(Families, const larder_call&); // PUSH larder_status
//     events(Events, const larder_call&);                                              // EVENTS
#ifndef LARDER_PLUGIN_EXPORTER_HPP
#define LARDER_PLUGIN_EXPORTER_HPP
#include "component.hpp"

#include <span>
#include <string_view>

namespace larder::plugin {

using Families = std::span<const larder_family* const>;
using Events = std::span<const larder_event* const>;

// Where rendered text goes, in pieces. Throws when the reader has gone.
class TextSink {
  public:
    explicit TextSink(const larder_text_sink* sink) noexcept : sink_(sink) {}
    void write(std::string_view chunk) const {
        if (const larder_status st = sink_->write(sink_->ctx, bytes_of(chunk)); st != LARDER_OK) {
            throw Error(st, "the reader of the rendered text has gone");
        }
    }

  private:
    const larder_text_sink* sink_;
};

template <class T>
struct ExporterKind {
    static constexpr std::uint32_t kind = LARDER_KIND_EXPORTER;
    static T& of(void* self) noexcept { return detail::object_of<T>(self); }

    static constexpr larder_exporter_v1 make() noexcept {
        larder_exporter_v1 v{};
        v.struct_size = sizeof v;
        if constexpr (LARDER_DETAIL_HAS(T, render, std::string_view{}, Families{},
                                        std::declval<TextSink>(), std::declval<const char*&>())) {
            v.render = [](void* self, larder_bytes accept, const larder_family* const* families,
                          std::size_t n, const larder_text_sink* out,
                          const char** content_type) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).render(text_of(accept), Families(families, n), TextSink(out),
                                           *content_type);
                });
            };
        } else {
            static_assert((T::caps & LARDER_EXP_CAP_PULL) == 0, "CAP_PULL needs render");
        }
        if constexpr (LARDER_DETAIL_HAS(T, push, Families{}, larder_call{})) {
            v.push = [](void* self, const larder_family* const* families, std::size_t n,
                        const larder_call* call) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).push(Families(families, n), *call);
                });
            };
        } else {
            static_assert((T::caps & LARDER_EXP_CAP_PUSH) == 0, "CAP_PUSH needs push");
        }
        if constexpr (LARDER_DETAIL_HAS(T, events, Events{}, larder_call{})) {
            v.events = [](void* self, const larder_event* const* events, std::size_t n,
                          const larder_call* call) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).events(Events(events, n), *call);
                });
            };
        } else {
            static_assert((T::caps & LARDER_EXP_CAP_EVENTS) == 0, "CAP_EVENTS needs events");
        }
        return v;
    }
    static constexpr larder_exporter_v1 table = make();
};

template <class T>
using Exporter = Component<T, ExporterKind>;

}  // namespace larder::plugin
#endif
