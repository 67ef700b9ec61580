// plugins/store_redis/ring.cpp -- FNV-1a of name and tag, mixed by the finaliser of splitmix64.
#include "ring.hpp"

#include "slot.hpp"

namespace larder::store_redis {
namespace {

std::uint64_t fnv1a(std::string_view bytes) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char byte : bytes) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
    }
    return hash;
}

std::uint64_t mixed(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

}  // namespace

Ring::Ring(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        seeds_.push_back(mixed(fnv1a(name)));
    }
}

std::size_t Ring::owner(std::string_view key) const noexcept {
    const std::uint64_t hash = fnv1a(tag_of(key));
    std::size_t best = 0;
    std::uint64_t highest = 0;
    for (std::size_t i = 0; i < seeds_.size(); ++i) {
        const std::uint64_t drawn = mixed(hash ^ seeds_[i]);
        // Equal numbers, which happens once in 2^64: the higher seed, so that the order does not matter.
        if (i == 0 || drawn > highest || (drawn == highest && seeds_[i] > seeds_[best])) {
            best = i;
            highest = drawn;
        }
    }
    return best;
}

}  // namespace larder::store_redis
