// larder/plugin/config.hpp -- one instance's options, typed, as the kernel has checked them.
//
// The manifest says names, types, ranges and defaults; the kernel has applied all of it before a
// component sees anything. So a getter without a fallback is right for every option that is
// required or has a default, and one with a fallback for the rest. Valid while the constructor or
// reconfigure runs: copy what you keep.
#ifndef LARDER_PLUGIN_CONFIG_HPP
#define LARDER_PLUGIN_CONFIG_HPP
#include "error.hpp"
#include "value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::plugin {

class Config {
  public:
    Config(const larder_host* host, const larder_config* config)
        : api_(static_cast<const larder_config_api*>(host->service(host, LARDER_SVC_CONFIG))),
          config_(config) {
        if (api_ == nullptr) {
            throw Error(LARDER_E_VERSION, "this kernel has no " LARDER_SVC_CONFIG);
        }
    }

    bool has(const char* name) const noexcept {
        larder_bytes place{};
        return api_->where(config_, name, &place) == LARDER_OK;
    }

    bool boolean(const char* name) const {
        return required(name, api_->get_bool, std::int32_t{}) != 0;
    }
    bool boolean(const char* name, bool fallback) const {
        return optional(name, api_->get_bool, std::int32_t{fallback}) != 0;
    }

    std::int64_t integer(const char* name) const {
        return required(name, api_->get_int, std::int64_t{});
    }
    std::int64_t integer(const char* name, std::int64_t fallback) const {
        return optional(name, api_->get_int, fallback);
    }

    double real(const char* name) const { return required(name, api_->get_float, double{}); }
    double real(const char* name, double fallback) const {
        return optional(name, api_->get_float, fallback);
    }

    // A duration option, in nanoseconds.
    std::int64_t duration_ns(const char* name) const { return integer(name); }
    std::int64_t duration_ns(const char* name, std::int64_t fallback) const {
        return integer(name, fallback);
    }

    // A size option, in bytes.
    std::uint64_t size(const char* name) const { return static_cast<std::uint64_t>(integer(name)); }
    std::uint64_t size(const char* name, std::uint64_t fallback) const {
        return static_cast<std::uint64_t>(integer(name, static_cast<std::int64_t>(fallback)));
    }

    // string, enum, path, url and ref options. The view lives as long as the Config.
    std::string_view text(const char* name) const {
        return text_of(required(name, api_->get_str, larder_bytes{}));
    }
    std::string_view text(const char* name, std::string_view fallback) const {
        return text_of(optional(name, api_->get_str, bytes_of(fallback)));
    }

    // Elements of a list<T> option as texts, empty when it is absent. Durations stand in it as
    // nanoseconds, sizes as bytes, in decimal.
    std::vector<std::string> list(const char* name) const {
        std::vector<std::string> all;
        larder_bytes one{};
        for (std::uint32_t i = 0; api_->get_list(config_, name, i, &one) == LARDER_OK; ++i) {
            all.emplace_back(text_of(one));
        }
        return all;
    }

    // Where the option was written, "larder.toml:14:3", for messages.
    std::string where(const char* name) const {
        larder_bytes place{};
        return api_->where(config_, name, &place) == LARDER_OK ? std::string(text_of(place))
                                                               : std::string();
    }

    // "l1" of [store.l1].
    std::string_view instance_name() const noexcept { return api_->instance_name(config_); }

    const larder_config* raw() const noexcept { return config_; }

  private:
    template <class Get, class V>
    V optional(const char* name, Get get, V value) const {
        V found = value;
        const larder_status st = get(config_, name, &found);
        if (st == LARDER_OK) {
            return found;
        }
        if (st == LARDER_MISS) {
            return value;
        }
        throw Error(LARDER_E_INTERNAL,
                    "option " + std::string(name) +
                        " is asked for as another type than the manifest gives it");
    }
    template <class Get, class V>
    V required(const char* name, Get get, V value) const {
        if (get(config_, name, &value) != LARDER_OK) {
            throw Error(
                LARDER_E_INTERNAL,
                "option " + std::string(name) +
                    " has no value of that type: the manifest must make it required, or give "
                    "it a default, or the plugin a fallback");
        }
        return value;
    }

    const larder_config_api* api_;
    const larder_config* config_;
};

}  // namespace larder::plugin
#endif
