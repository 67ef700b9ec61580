// kernel/loader/manifest.hpp -- what a plugin says of itself, read from the file without running
// it.
//
// larder_add_plugin() puts the manifest's TOML between two marker lines into the shared library. It
// is found by scanning the bytes of the file, so that `larder check` and `larder plugins` know
// kinds, capabilities and options without a dlopen: nothing of the plugin runs, not even its
// constructors. The file is read, not mapped: when it is truncated meanwhile, that is a short read
// and not a SIGBUS. Bounds: a manifest is at most 256 KiB, a file is scanned up to 1 GiB, in pieces
// of 1 MiB.
#pragma once

#include "kernel/loader/kind.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace larder::loader {

enum class OptionType : std::uint8_t {
    boolean,
    integer,
    real,
    string,
    size,
    duration,
    enumeration,
    list,
    path,
    url,
    secret,
    ref
};
std::string_view name_of(OptionType type);  // "duration", as manifests write it

// A default or an element: bool, int (also size in bytes, duration in ns), float, or text.
using Scalar = std::variant<bool, std::int64_t, double, std::string>;

struct OptionSpec {
    std::string name;
    OptionType type = OptionType::string;
    OptionType element = OptionType::string;  // of a list
    bool required = false;
    bool reloadable = false;
    std::optional<Scalar> fallback;  // `default`; never of a list or secret
    std::optional<std::vector<Scalar>> fallback_list;
    std::optional<double> min, max;    // in the unit of the value: ns, bytes, plain
    std::vector<std::string> values;   // of an enum
    std::vector<std::string> schemes;  // of a url
    std::string ref;                   // of a ref: "store", "compressor"
    std::string doc;
    std::string deprecated;  // "use X"; empty: it is not
};

// One of these options must be there.
struct OptionRule {
    std::vector<std::string> require_one_of;
};

// Names that the same thing has in other systems: no options, but who writes one is told what to write.
struct OptionHint {
    std::vector<std::string> names;
    std::string help;
};

struct MetricSpec {
    std::string name, kind, doc;
};

struct ComponentManifest {
    Kind kind = Kind::store;
    std::string name;
    std::string doc;
    std::uint64_t caps = 0;  // LARDER_..._CAP_*
    std::vector<OptionSpec> options;
    std::vector<OptionRule> rules;
    std::vector<OptionHint> hints;
    std::vector<MetricSpec> metrics;

    const OptionSpec* option(std::string_view name) const;
};

struct Manifest {
    std::string id, version, license, vendor;
    std::uint32_t abi = 0;           // as LARDER_ABI_VERSION: what it was built against
    std::uint32_t requires_abi = 0;  // what it cannot work without; 1.0 when it does not say
    std::vector<ComponentManifest> components;
    std::string text;  // between the marker lines

    const ComponentManifest* component(Kind kind, std::string_view name) const;
};

// Nullopt: `problem` is one line without the file's name ("is not an ELF file", "has no manifest",
// "manifest line 7: ..."). Never runs code of the file and never throws on bad input.
std::optional<Manifest> read_manifest(const std::string& file, std::string& problem);

// The TOML text alone; `problem` begins with "manifest line N: ".
std::optional<Manifest> parse_manifest(std::string text, std::string& problem);

}  // namespace larder::loader
