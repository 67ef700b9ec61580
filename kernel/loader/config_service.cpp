// kernel/loader/config_service.cpp -- larder.config/1: the typed options of one instance, for the
// plugin.
#include "kernel/loader/options.hpp"

namespace larder::loader {
namespace {

const OptionValues& of(const larder_config* config) noexcept {
    return *reinterpret_cast<const OptionValues*>(config);
}

larder_bytes bytes_of(const std::string& text) noexcept { return {text.data(), text.size()}; }

// MISS: the option has no value. INVALID: it has one of another type.
template <class V, class Out, class Give>
larder_status give(const larder_config* config, const char* name, Out* out,
                   Give give_one) noexcept {
    const OptionValue* value = of(config).find(name);
    if (value == nullptr) {
        return LARDER_MISS;
    }
    if (const V* is = std::get_if<V>(&value->is)) {
        *out = give_one(*is);
        return LARDER_OK;
    }
    return LARDER_E_INVALID;
}

larder_config_api make() noexcept {
    larder_config_api api{};
    api.struct_size = sizeof api;
    api.get_bool = [](const larder_config* c, const char* name,
                      std::int32_t* out) noexcept -> larder_status {
        return give<bool>(c, name, out, [](bool v) { return v ? 1 : 0; });
    };
    api.get_int = [](const larder_config* c, const char* name,
                     std::int64_t* out) noexcept -> larder_status {
        return give<std::int64_t>(c, name, out, [](std::int64_t v) { return v; });
    };
    api.get_float = [](const larder_config* c, const char* name,
                       double* out) noexcept -> larder_status {
        return give<double>(c, name, out, [](double v) { return v; });
    };
    api.get_str = [](const larder_config* c, const char* name,
                     larder_bytes* out) noexcept -> larder_status {
        return give<std::string>(c, name, out, [](const std::string& v) { return bytes_of(v); });
    };
    api.get_list = [](const larder_config* c, const char* name, std::uint32_t index,
                      larder_bytes* out) noexcept -> larder_status {
        const OptionValue* value = of(c).find(name);
        if (value == nullptr) {
            return LARDER_MISS;
        }
        const auto* all = std::get_if<std::vector<std::string>>(&value->is);
        if (all == nullptr) {
            return LARDER_E_INVALID;
        }
        if (index >= all->size()) {
            return LARDER_MISS;
        }
        *out = bytes_of((*all)[index]);
        return LARDER_OK;
    };
    api.where = [](const larder_config* c, const char* name,
                   larder_bytes* out) noexcept -> larder_status {
        const OptionValue* value = of(c).find(name);
        if (value == nullptr || value->where.empty()) {
            return LARDER_MISS;
        }
        *out = bytes_of(value->where);
        return LARDER_OK;
    };
    api.instance_name = [](const larder_config* c) noexcept -> const char* {
        return of(c).instance().c_str();
    };
    return api;
}

}  // namespace

const larder_config_api& OptionValues::api() {
    static const larder_config_api table = make();
    return table;
}

}  // namespace larder::loader
