// larder/plugin/component.hpp -- an ordinary class becomes a component: create, destroy, start,
// stop and the rest.
//
// The class T states
//     static constexpr const char* name = "memory";          // as policies and larder.toml write
//     it static constexpr std::uint64_t caps = LARDER_..._CAP_...;  // the most any instance has
//     T(larder::plugin::Host, const larder::plugin::Config&);   // no I/O, no threads; throw to
//     refuse
// and may have
//     std::uint64_t instance_caps() const;        // what this instance has; else caps
//     void start();                               // connect, listen; throw to refuse
//     void stop(std::uint64_t deadline_ns);       // afterwards nothing of it runs; idempotent
//     void reconfigure(const Config&);            // throw to refuse and stay as before
//     Health health() const;                      // from any thread
//     const void* extension(std::string_view id); // from any thread
// Functions of its kind are found by name: one that is there but does not fit is a compile error,
// one that is not there is an empty slot, which the kernel fills with "unsupported".
#ifndef LARDER_PLUGIN_COMPONENT_HPP
#define LARDER_PLUGIN_COMPONENT_HPP
#include "host.hpp"

#include <cstddef>
#include <memory>
#include <string>

// Whether T has a member function of that name: a single one, or overloads of which one fits ARGS.
#define LARDER_DETAIL_HAS(T, NAME, ...) \
    (                                   \
        requires { &T::NAME; } || requires(T & t_) { t_.NAME(__VA_ARGS__); })

namespace larder::plugin {

struct Health {
    std::int32_t state = LARDER_HEALTH_OK;
    std::string message;  // One line, cut at 119 bytes.
};

// Kind<T> gives `table`, the kind's table of thunks, and `kind`.
template <class T, template <class> class Kind>
struct Component {
    using Self = detail::Held<T>;

    static larder_status LARDER_CALL create(const larder_host* host, const larder_config* config,
                                            larder_instance* out, larder_errbuf* err) noexcept {
        return detail::guarded(host, err, [&]() -> larder_status {
            auto held = std::make_unique<Self>(host, Host(host), Config(host, config));
            out->caps = T::caps;
            if constexpr (LARDER_DETAIL_HAS(T, instance_caps)) {
                out->caps = held->object.instance_caps();
            }
            out->vtable = &Kind<T>::table;
            out->self = static_cast<void*>(held.release());
            return LARDER_OK;
        });
    }

    static void LARDER_CALL destroy(void* self) noexcept { delete static_cast<Self*>(self); }

    static larder_status LARDER_CALL start(void* self, larder_errbuf* err) noexcept {
        return detail::guarded(detail::host_of(self), err, [&]() -> larder_status {
            detail::object_of<T>(self).start();
            return LARDER_OK;
        });
    }

    static larder_status LARDER_CALL stop(void* self, std::uint64_t deadline_ns) noexcept {
        return detail::guarded(self, [&]() -> larder_status {
            detail::object_of<T>(self).stop(deadline_ns);
            return LARDER_OK;
        });
    }

    static larder_status LARDER_CALL reconfigure(void* self, const larder_config* config,
                                                 larder_errbuf* err) noexcept {
        const larder_host* host = detail::host_of(self);
        return detail::guarded(host, err, [&]() -> larder_status {
            detail::object_of<T>(self).reconfigure(Config(host, config));
            return LARDER_OK;
        });
    }

    static larder_status LARDER_CALL health(void* self, larder_health* out) noexcept {
        return detail::guarded(self, [&]() -> larder_status {
            const Health now = detail::object_of<T>(self).health();
            larder_health full{};
            full.state = now.state;
            now.message.copy(full.message, sizeof full.message - 1);
            detail::copy_out(full, out);
            return LARDER_OK;
        });
    }

    static const void* LARDER_CALL extension(void* self, const char* id) noexcept {
        const void* found = nullptr;
        static_cast<void>(detail::guarded(self, [&]() -> larder_status {
            found = detail::object_of<T>(self).extension(std::string_view(id));
            return LARDER_OK;
        }));
        return found;
    }

    static constexpr larder_component make() noexcept {
        larder_component c{};
        c.struct_size = sizeof c;
        c.kind = Kind<T>::kind;
        c.name = T::name;
        c.caps = T::caps;
        c.create = &create;
        c.destroy = &destroy;
        if constexpr (LARDER_DETAIL_HAS(T, start)) {
            c.start = &start;
        }
        if constexpr (LARDER_DETAIL_HAS(T, stop, std::uint64_t{})) {
            c.stop = &stop;
        }
        if constexpr (LARDER_DETAIL_HAS(T, reconfigure, std::declval<const Config&>())) {
            c.reconfigure = &reconfigure;
        }
        if constexpr (LARDER_DETAIL_HAS(T, health)) {
            c.health = &health;
        }
        if constexpr (LARDER_DETAIL_HAS(T, extension, std::string_view{})) {
            c.extension = &extension;
        }
        return c;
    }

    static constexpr larder_component value = make();
};

}  // namespace larder::plugin
#endif
