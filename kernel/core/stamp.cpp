// kernel/core/stamp.cpp -- the names of scopes, and the sums over their numbers.
#include "kernel/core/stamp.hpp"

#include <xxhash.h>

namespace larder {
namespace {

constexpr std::uint64_t fixed_seed = 0x6c61726465723031ULL;  // "larder01"

// SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014): every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t x) {
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ULL;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

void add_record(Digest& digest, ScopeId scope, const Record& record) {
    add_numbers(digest, scope, record.drop, record.expire);
    if (record.changed > digest.changed) digest.changed = record.changed;
    if (record.expired_at_ns > digest.expired_at_ns) digest.expired_at_ns = record.expired_at_ns;
}

}  // namespace

ScopeNames::ScopeNames(std::string_view secret)
    : seed_(secret.empty() ? fixed_seed : XXH3_64bits_withSeed(secret.data(), secret.size(), fixed_seed)) {}

ScopeId ScopeNames::id(char kind, std::string_view a, std::string_view b, std::string_view c) const {
    // Chained, so that no separator has to be kept out of the parts.
    std::uint64_t h = seed_ + static_cast<unsigned char>(kind);
    h = XXH3_64bits_withSeed(a.data(), a.size(), h);
    if (!b.empty() || !c.empty()) h = XXH3_64bits_withSeed(b.data(), b.size(), h + 1);
    if (!c.empty()) h = XXH3_64bits_withSeed(c.data(), c.size(), h + 2);
    return h == 0 ? 1 : h;
}

std::uint64_t ScopeNames::binding(std::string_view ns, std::string_view canonical) const {
    return id('v', ns, canonical, {});
}

void add_numbers(Digest& digest, ScopeId scope, std::uint64_t drop, std::uint64_t expire) {
    digest.drop += mix(scope ^ drop);
    digest.expire += mix(scope ^ expire);
}

Digest stamp_scopes(RecordTable& records, std::span<const ScopeId> scopes) {
    Digest digest;
    for (const ScopeId scope : scopes) add_record(digest, scope, records.stamp(scope));
    return digest;
}

Digest read_scopes(const RecordTable& records, const EnvelopeView& entry) {
    Digest digest;
    Record record;
    for (std::size_t i = 0; i < entry.head().scopes; ++i) {
        const ScopeId scope = entry.scope(i);
        if (!records.find(scope, record)) {
            digest.complete = false;
            return digest;
        }
        add_record(digest, scope, record);
    }
    return digest;
}

}  // namespace larder
