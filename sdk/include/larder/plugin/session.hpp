// larder/plugin/session.hpp -- sessions written as a C++ class: &larder::plugin::Session<T>::value
//
// T must have, with the meaning of session.h:
//     larder_status create(const larder_session_spec&, const larder_call&, larder_session_id& out);
//     larder_status load(std::string_view id, const larder_call&, Reply);
//     larder_status save(std::string_view id, std::string_view data, const larder_call&);
//     larder_status touch(std::string_view id, const larder_call&);
//     larder_status destroy(std::string_view id, const larder_call&);
// and may have
//     larder_status rotate(std::string_view id, const larder_call&, larder_session_id& out);
//     larder_status list_user(std::string_view user, SessionSink, const larder_call&);
//     larder_status destroy_user(std::string_view user, std::uint64_t& count, const larder_call&);
//     larder_status get(std::string_view id, const larder_call&, larder_session_info*, Reply);
//     larder_status update(std::string_view id, std::string_view patch, const larder_call&, Reply);
//     larder_status destroy_named(std::string_view user, std::string_view name, const larder_call&);
//     larder_status figures(larder_session_figures& out) const;
#ifndef LARDER_PLUGIN_SESSION_HPP
#define LARDER_PLUGIN_SESSION_HPP
#include "component.hpp"

#include <cstdint>
#include <string_view>

namespace larder::plugin {

inline std::string_view text_of(const larder_session_id& id) noexcept { return {id.text, id.size}; }

// Throws LARDER_E_TOO_LARGE for a text that does not fit an id.
inline void assign(larder_session_id& id, std::string_view text) {
    if (text.size() > sizeof id.text) {
        throw Error(LARDER_E_TOO_LARGE, "a session id is at most 124 bytes");
    }
    id.size = static_cast<std::uint32_t>(text.copy(id.text, sizeof id.text));
}

// Where list_user puts what it finds; false: that is enough.
class SessionSink {
  public:
    explicit SessionSink(const larder_session_sink* sink) noexcept : sink_(sink) {}
    bool add(const larder_session_id& id, std::uint64_t created_ms,
             std::int64_t ttl_ms) const noexcept {
        return sink_->session(sink_->ctx, &id, created_ms, ttl_ms) == 0;
    }

  private:
    const larder_session_sink* sink_;
};

template <class T>
struct SessionKind {
    static constexpr std::uint32_t kind = LARDER_KIND_SESSION;
    static T& of(void* self) noexcept { return detail::object_of<T>(self); }

    static larder_status LARDER_CALL create(void* self, const larder_session_spec* spec,
                                            const larder_call* call,
                                            larder_session_id* out) noexcept {
        return detail::guarded(
            self, [&]() -> larder_status { return of(self).create(*spec, *call, *out); });
    }
    static larder_status LARDER_CALL load(void* self, larder_bytes id, const larder_call* call,
                                          larder_value* out) noexcept {
        return detail::guarded(
            self, [&]() -> larder_status { return of(self).load(text_of(id), *call, Reply(out)); });
    }
    static larder_status LARDER_CALL save(void* self, larder_bytes id, larder_bytes data,
                                          const larder_call* call) noexcept {
        return detail::guarded(self, [&]() -> larder_status {
            return of(self).save(text_of(id), text_of(data), *call);
        });
    }
    static larder_status LARDER_CALL touch(void* self, larder_bytes id,
                                           const larder_call* call) noexcept {
        return detail::guarded(
            self, [&]() -> larder_status { return of(self).touch(text_of(id), *call); });
    }
    static larder_status LARDER_CALL destroy(void* self, larder_bytes id,
                                             const larder_call* call) noexcept {
        return detail::guarded(
            self, [&]() -> larder_status { return of(self).destroy(text_of(id), *call); });
    }

    static constexpr larder_session_v1 make() noexcept {
        larder_session_v1 v{};
        v.struct_size = sizeof v;
        v.create = &create;
        v.load = &load;
        v.save = &save;
        v.touch = &touch;
        v.destroy = &destroy;
        if constexpr (LARDER_DETAIL_HAS(T, rotate, std::string_view{}, larder_call{},
                                        std::declval<larder_session_id&>())) {
            v.rotate = [](void* self, larder_bytes id, const larder_call* call,
                          larder_session_id* out) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).rotate(text_of(id), *call, *out);
                });
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, list_user, std::string_view{},
                                        std::declval<SessionSink>(), larder_call{})) {
            v.list_user = [](void* self, larder_bytes user, const larder_session_sink* sink,
                             const larder_call* call) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).list_user(text_of(user), SessionSink(sink), *call);
                });
            };
        }
        if constexpr (LARDER_DETAIL_HAS(T, destroy_user, std::string_view{},
                                        std::declval<std::uint64_t&>(), larder_call{})) {
            v.destroy_user = [](void* self, larder_bytes user, std::uint64_t* count,
                                const larder_call* call) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).destroy_user(text_of(user), *count, *call);
                });
            };
        }
        if constexpr (requires { &T::get; }) {
            v.get = [](void* self, larder_bytes id, const larder_call* call,
                       larder_session_info* info, larder_value* out) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).get(text_of(id), *call, info, Reply(out));
                });
            };
        }
        if constexpr (requires { &T::update; }) {
            v.update = [](void* self, larder_bytes id, larder_bytes patch, const larder_call* call,
                          larder_value* out) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    Value unwanted;
                    return of(self).update(text_of(id), text_of(patch), *call,
                                           Reply(out == nullptr ? unwanted.out() : out));
                });
            };
        }
        if constexpr (requires { &T::destroy_named; }) {
            v.destroy_named = [](void* self, larder_bytes user, larder_bytes name,
                                 const larder_call* call) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    return of(self).destroy_named(text_of(user), text_of(name), *call);
                });
            };
        }
        if constexpr (requires { &T::figures; }) {
            v.figures = [](void* self, larder_session_figures* out) noexcept -> larder_status {
                return detail::guarded(self, [&]() -> larder_status {
                    larder_session_figures full{};
                    const larder_status status = of(self).figures(full);
                    detail::copy_out(full, out);
                    return status;
                });
            };
        }
        return v;
    }
    static constexpr larder_session_v1 table = make();
};

template <class T>
using Session = Component<T, SessionKind>;

}  // namespace larder::plugin
#endif
