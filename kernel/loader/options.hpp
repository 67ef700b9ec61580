// kernel/loader/options.hpp -- an instance's options, checked against its plugin's manifest and
// typed.
//
// `larder check` and the kernel's start call the same function, so what is clean is what starts.
// Nothing here knows TOML or policies: what was given comes as plain values, each with the place
// where it was written, and findings name the given option by its index, so that the caller can
// point at it.
#pragma once

#include "kernel/loader/manifest.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace larder::loader {

// A secret, not its bytes: "env:REDIS_PASSWORD" or "file:/run/secrets/redis".
struct SecretRef {
    std::string text;
    friend bool operator==(const SecretRef&, const SecretRef&) = default;
};

struct GivenValue {
    using List = std::vector<GivenValue>;
    std::variant<bool, std::int64_t, double, std::string, List, SecretRef> is;
    // It came from the environment or a file, where everything is text: "8" is a number, "true" a
    // truth.
    bool from_text = false;
};

struct GivenOption {
    std::string name;
    GivenValue value;
    std::string where;  // "larder.toml:14:3"
};

struct OptionValue {
    OptionType type = OptionType::string;
    // Durations in ns and sizes in bytes are int64; elements of a list are texts, durations and
    // sizes among them in decimal ns and bytes.
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>, SecretRef> is;
    std::string where;  // empty: the manifest's default
};

// The typed options of one instance: what larder.config/1 shows to the plugin.
class OptionValues {
  public:
    explicit OptionValues(std::string instance = {}) : instance_(std::move(instance)) {}
    const std::string& instance() const { return instance_; }
    void set(const std::string& name, OptionValue value) { values_[name] = std::move(value); }
    const OptionValue* find(std::string_view name) const;
    const std::map<std::string, OptionValue, std::less<>>& all() const { return values_; }

    // As the functions of larder_config_api take it; this must outlive its use.
    const larder_config* as_config() const { return reinterpret_cast<const larder_config*>(this); }
    static const larder_config_api& api();

  private:
    std::string instance_;
    std::map<std::string, OptionValue, std::less<>> values_;
};

struct OptionFinding {
    static constexpr std::size_t instance = static_cast<std::size_t>(-1);
    std::size_t option = instance;  // index in what was given; `instance`: about all of it
    bool error = true;              // else a warning
    std::string message;            // one sentence, lower case, no full stop
    std::string help;               // what to do; may be empty
};

struct CheckedOptions {
    OptionValues values;
    std::vector<OptionFinding> found;
    bool ok() const;
};

// All findings in one go. `instance` is the name behind the dot of [store.l1].
CheckedOptions check_options(const ComponentManifest& component, const std::string& instance,
                             const std::vector<GivenOption>& given);

// One value against its option. False: `finding` says what was expected.
bool check_value(const OptionSpec& spec, const GivenValue& given, OptionValue& out,
                 OptionFinding& finding);

// Which options differ between two sets of values of one component.
std::vector<std::string> changed_options(const OptionValues& before, const OptionValues& after);

}  // namespace larder::loader
