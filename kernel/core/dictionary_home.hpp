// kernel/core/dictionary_home.hpp -- where a namespace's dictionaries lie: beside its values, in the last tier that
// other nodes or later runs see.
//
//     PREFIX:v:{#dictionary:NS:8 hex digits}   one dictionary
//     PREFIX:v:{#dictionary:NS}                which one values are written with now
//
// No namespace is called so, so no key is. What is written is an entry of the shared form (shared_envelope.hpp), bound
// to its name and checked like a value, and a dictionary is also checked against its own number, which is made of it.
// It outlives what was compressed with it: it is written for twice the longest life of an entry, and prolonged
// while somebody uses it. A store may lose it: then entries are lost, never correctness.
#pragma once

#include "kernel/core/coder.hpp"
#include "kernel/core/stamp.hpp"
#include "kernel/core/tier.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace larder {

// May wait for its store in every call. [worker]
class DictionaryHome {
  public:
    struct Options {
        std::shared_ptr<Tier> tier;
        std::string prefix;  // of the store's keys
        std::string space;   // the namespace
        std::uint64_t life_ms = 0;     // of what is written; 0: for ever
        std::uint64_t timeout_ns = 0;  // of one call
    };
    DictionaryHome(Options options, const ScopeNames& names, Clock& clock, Random& random) : options_(std::move(options)), names_(names), clock_(clock), random_(random) {}

    struct Current {
        std::uint16_t codec = 0;
        std::uint32_t id = 0;
        bool operator==(const Current&) const = default;
    };
    // OK, MISS (there is none, or it is damaged) or the store's error.
    larder_status load(std::uint32_t id, std::shared_ptr<const Dictionary>& out) const;
    larder_status current(Current& out) const;
    bool save(const Dictionary& dictionary) const;
    bool set_current(const Current& current) const;
    // It lives on from now; where it has gone, it is written again.
    bool keep(const Dictionary& dictionary) const;
    std::uint64_t life_ms() const noexcept { return options_.life_ms; }

  private:
    std::string name_of(std::uint32_t id) const;
    larder_status read(const std::string& name, std::string& payload) const;
    bool write(const std::string& name, std::string_view payload) const;
    larder_key key_of(const std::string& whole) const;
    std::uint64_t binding(const std::string& name) const;

    const Options options_;
    const ScopeNames& names_;
    Clock& clock_;
    Random& random_;
};

}  // namespace larder
