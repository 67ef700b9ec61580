// tests/unit/plugins/store_memory_eviction_test.cpp -- what the ranks of
// plugins/store_memory/eviction.hpp promise, over the simplest memory there is: an array that the
// hand walks round.
#include "plugins/store_memory/watch.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <unordered_map>
#include <vector>

using larder::store_memory::Eviction;
using larder::store_memory::Ghost;
using larder::store_memory::Ghosts;
using larder::store_memory::Watch;

namespace {

std::uint64_t chosen_seed() {
    const char* given = std::getenv("LARDER_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 20261120;
}

std::uint64_t hash_of(std::uint64_t key) {
    std::uint64_t x = (key + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

class Memory {
  public:
    explicit Memory(std::uint64_t capacity) : capacity_(capacity) {}

    bool has(std::uint64_t key) const { return places_.count(key) != 0; }
    std::uint16_t meta(std::uint64_t key) const { return entries_[places_.at(key)].meta; }
    bool ask(std::uint64_t key, std::uint32_t size = 1) {
        if (const auto place = places_.find(key); place != places_.end()) {
            entries_[place->second].meta |= Eviction::used;
            return true;
        }
        while (bytes_ + size > capacity_) {
            evict();
        }
        const std::uint16_t meta = watch_.insert(hash_of(key), entries_.size());
        places_[key] = entries_.size();
        entries_.push_back({key, size, meta});
        bytes_ += size;
        return false;
    }

  private:
    struct Entry {
        std::uint64_t key;
        std::uint32_t size;
        std::uint16_t meta;
    };
    void evict() {
        std::size_t victim = entries_.size();
        float least = 0;
        for (std::uint64_t seen = 0; seen < entries_.size();) {
            hand_ = (hand_ + 1) % entries_.size();
            ++seen;
            const Watch::Look look = watch_.look(entries_[hand_].meta, entries_[hand_].size);
            entries_[hand_].meta = look.meta;
            if (victim == entries_.size() || look.rank < least) {
                victim = hand_;
                least = look.rank;
            }
            if (watch_.enough(seen, least)) {
                break;
            }
        }
        const Entry gone = entries_[victim];
        watch_.evict(hash_of(gone.key), gone.meta);
        bytes_ -= gone.size;
        places_.erase(gone.key);
        if (victim + 1 != entries_.size()) {
            entries_[victim] = entries_.back();
            places_[entries_[victim].key] = victim;
        }
        entries_.pop_back();
    }

    std::uint64_t capacity_, bytes_ = 0;
    Eviction eviction_{1 << 20};
    Watch watch_{eviction_};
    std::vector<Entry> entries_;
    std::unordered_map<std::uint64_t, std::size_t> places_;
    std::size_t hand_ = 0;
};

}  // namespace

TEST_CASE("what is used every round outlives a scan of a hundred times the memory") {
    Memory memory(1000);
    std::uint64_t fresh = 1'000'000;
    for (unsigned round = 0; round < 1000; ++round) {
        for (std::uint64_t key = 0; key < 300; ++key) {
            memory.ask(key);
        }
        for (unsigned i = 0; i < (round < 500 ? 50 : 200); ++i) {
            memory.ask(fresh++);
        }
    }
    unsigned there = 0;
    for (std::uint64_t key = 0; key < 300; ++key) {
        there += memory.has(key) ? 1 : 0;
    }
    REQUIRE(there >= 297);
}

TEST_CASE(
    "a loop of twice the memory hits in more than four rounds of ten, where recency never does") {
    Memory memory(1000);
    unsigned hits = 0;
    constexpr unsigned rounds = 40, measured = 20;
    for (unsigned round = 0; round < rounds; ++round) {
        for (std::uint64_t key = 0; key < 2000; ++key) {
            hits += memory.ask(key) && round >= rounds - measured ? 1 : 0;
        }
    }
    REQUIRE(hits > measured * 2000 * 4 / 10);
}

TEST_CASE("what is used four times a round stays before what is used once, however many rounds") {
    const std::uint64_t seed = chosen_seed();
    INFO("LARDER_SEED=" << seed);
    std::vector<std::uint64_t> round;
    for (std::uint64_t key = 0; key < 3500; ++key) {
        round.insert(round.end(), key < 500 ? 4 : 1, key);
    }
    std::mt19937_64 random(seed);
    std::shuffle(round.begin(), round.end(), random);
    Memory memory(600);
    unsigned hits = 0;
    for (unsigned i = 0; i < 60; ++i) {
        for (const std::uint64_t key : round) {
            hits += memory.ask(key) && key < 500 && i >= 50 ? 1 : 0;
        }
    }
    REQUIRE(hits > 10 * 2000 * 8 / 10);
}

TEST_CASE("a working set that was hot for long makes room for the next one") {
    const std::uint64_t seed = chosen_seed();
    INFO("LARDER_SEED=" << seed);
    std::mt19937_64 random(seed);
    Memory memory(1000);
    unsigned hits = 0;
    for (unsigned set = 0; set < 2; ++set) {
        for (unsigned i = 0; i < 200'000; ++i) {
            const bool hit = memory.ask(set * 10'000 + random() % 900);
            hits += hit && set == 1 && i >= 10'000 && i < 20'000 ? 1 : 0;
        }
    }
    REQUIRE(hits > 9'500);
}

TEST_CASE("of two entries alike but for their size the larger goes") {
    Eviction eviction(1000);
    Watch watch(eviction);
    const std::uint16_t meta = watch.insert(hash_of(1), 100);
    REQUIRE(watch.look(meta, 4096).rank < watch.look(meta, 64).rank);
}

TEST_CASE("metadata keep to their eleven bits, whatever comes in") {
    Eviction eviction(1000);
    Watch watch(eviction);
    for (unsigned meta = 0; meta <= Eviction::meta_mask; ++meta) {
        watch.insert(hash_of(meta), 16);
        const Watch::Look look = watch.look(static_cast<std::uint16_t>(meta), 1);
        REQUIRE((look.meta & ~Eviction::meta_mask) == 0);
        REQUIRE((look.meta & Eviction::used) == 0);
        REQUIRE(look.rank > 0);
    }
}

TEST_CASE(
    "an entry that nobody uses never passes for one that is used, however long it lies there") {
    Eviction eviction(1000);
    Watch watch(eviction);
    std::uint16_t idle = watch.insert(hash_of(0), 16);
    std::uint16_t busy = idle;
    for (std::uint64_t tick = 1; tick < 100'000; ++tick) {
        watch.insert(hash_of(tick), 16);
        watch.evict(hash_of(tick), idle);
        busy = watch.look(static_cast<std::uint16_t>(busy | Eviction::used), 1).meta;
        idle = watch.look(idle, 1).meta;
        if (tick > 100) {
            REQUIRE(watch.look(idle, 1).rank < watch.look(busy, 1).rank);
        }
    }
}

TEST_CASE("what comes back soon after its eviction counts as used twice") {
    Eviction eviction(1000);
    Watch watch(eviction);
    const std::uint16_t first = watch.insert(hash_of(7), 100);
    watch.evict(hash_of(7), first);
    const std::uint16_t stranger = watch.insert(hash_of(8), 100);
    const std::uint16_t again = watch.insert(hash_of(7), 100);
    REQUIRE(watch.look(again, 1).rank > watch.look(stranger, 1).rank);
}

TEST_CASE("ghosts are found once, and the latest of them survive growing") {
    Ghosts ghosts(1 << 20);
    ghosts.fit(2048, 0);
    Ghost ghost{};
    for (std::uint64_t key = 0; key < 1000; ++key) {
        ghosts.add(hash_of(key), {static_cast<unsigned>(key % 8), 5}, [](Ghost) { return false; });
    }
    ghosts.fit(8000, 1000);
    unsigned found = 0;
    for (std::uint64_t key = 0; key < 1000; ++key) {
        if (ghosts.take(hash_of(key), ghost)) {
            ++found;
            REQUIRE(ghost.grade == key % 8);
            REQUIRE(ghost.last_use == 5);
        }
    }
    REQUIRE(found >= 990);
}
