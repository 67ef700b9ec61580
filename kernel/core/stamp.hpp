// kernel/core/stamp.hpp -- the scopes of an entry, and the digest that says what their numbers were.
//
// A scope is named by a 64-bit hash of a text that says what it is; the texts are written in one place,
// here. The digest is the sum of mix(scope, number) over the scopes, so it does not depend on their
// order; a scope that appears twice is counted once.
#pragma once

#include "kernel/core/envelope.hpp"
#include "kernel/core/records.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace larder {

// Names scopes. The seed comes from [secrets] binding and is the same on all nodes of a shared store.
class ScopeNames {
  public:
    explicit ScopeNames(std::string_view secret);
    ScopeId root() const { return id('r', {}, {}, {}); }
    ScopeId namespace_(std::string_view ns) const { return id('n', ns, {}, {}); }
    ScopeId tag(std::string_view tag) const { return id('t', tag, {}, {}); }
    ScopeId key(std::string_view ns, std::string_view canonical) const { return id('k', ns, canonical, {}); }
    // One way in which a declared pattern matched, and the tag of entries it matches in too many.
    ScopeId pattern(std::string_view ns, std::string_view shape, std::string_view tuple) const { return id('p', ns, shape, tuple); }
    ScopeId overflow(std::string_view ns, std::string_view shape) const { return id('o', ns, shape, {}); }
    // Changed by whatever can drop single entries of ns: what a dependency on "any of ns" carries.
    ScopeId any_of(std::string_view ns) const { return id('a', ns, {}, {}); }
    // Changed by every ban of ns: what dependents of its entries carry, as nobody can tell which it met.
    ScopeId bans_of(std::string_view ns) const { return id('b', ns, {}, {}); }
    // Changed by every tag that the late tags of ns could make: what an entry put without its `with`
    // values carries instead of them.
    ScopeId late_of(std::string_view ns) const { return id('l', ns, {}, {}); }
    // Changed when what is in memory above this store has to be asked for there.
    ScopeId above(std::string_view store) const { return id('s', store, {}, {}); }
    std::uint64_t binding(std::string_view ns, std::string_view canonical) const;
    std::uint64_t seed() const { return seed_; }

  private:
    ScopeId id(char kind, std::string_view a, std::string_view b, std::string_view c) const;
    std::uint64_t seed_;
};

// The scopes of one entry. overflowed(): there were more than max_scopes; such an entry is not kept.
class ScopeList {
  public:
    void add(ScopeId scope) {
        for (std::size_t i = 0; i < count_; ++i)
            if (ids_[i] == scope) return;
        if (count_ == ids_.size()) { overflowed_ = true; return; }
        ids_[count_++] = scope;
    }
    std::span<const ScopeId> ids() const { return {ids_.data(), count_}; }
    bool overflowed() const { return overflowed_; }

  private:
    std::array<ScopeId, max_scopes> ids_;
    std::size_t count_ = 0;
    bool overflowed_ = false;
};

struct Digest {
    std::uint64_t drop = 0, expire = 0;
    bool complete = true;            // every scope had a record
    std::uint64_t changed = 0;       // the latest change of any of them
    std::uint64_t expired_at_ns = 0; // the latest expire of any of them
};

// Adds one scope's numbers. The order in which scopes are added does not matter.
void add_numbers(Digest& digest, ScopeId scope, std::uint64_t drop, std::uint64_t expire);
// The numbers now, records made where there are none.
Digest stamp_scopes(RecordTable& records, std::span<const ScopeId> scopes);
// The numbers now; complete is false when a record is missing. [hot] lock-free
Digest read_scopes(const RecordTable& records, const EnvelopeView& entry);

}  // namespace larder
