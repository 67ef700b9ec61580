// tests/unit/plugins/store_memory_model_test.cpp -- the memory table against a std::map, a million
// steps long.
//
// The reference keeps what was put until its deadline, as store.h says. With room for everything
// the table must agree with it at every step; with too little room it may lose entries, never
// invent, keep or mix one up. Every run prints its seed.
#include "tests/catch.hpp"
#include "tests/unit/plugins/memory_table.hpp"

#include <chrono>
#include <cstdlib>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace larder::test;

namespace {

std::uint64_t chosen_seed(std::uint64_t usual) {
    const char* given = std::getenv("LARDER_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : usual;
}

class Model {
  public:
    Model(std::uint64_t seed, std::uint64_t capacity, std::uint32_t shards, int key_count)
        : table_(capacity, shards),
          lossy_(capacity < (std::uint64_t{64} << 20)),
          key_count_(key_count),
          random_(seed) {}

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
            if (i % 4096 == 0) {
                compare_all();
            }
        }
        compare_all();
        pins_.clear();
        table_.table.clear(UINT32_MAX);
        REQUIRE(table_.stats().bytes == 0);
        REQUIRE(table_.stats().entries == 0);
    }

  private:
    struct Held {
        std::string value;
        std::uint64_t version;
        std::uint64_t deadline_ms;  // 0: none.
    };
    using Name = std::pair<std::uint32_t, std::string>;

    std::uint64_t now_ms() const { return table_.host.now_ns() / 1'000'000; }
    std::uint64_t pick(std::uint64_t below) { return random_() % below; }

    // A third of the keys share three hashes.
    larder_key key(const Name& name) const {
        larder_key k = key_of(name.second, name.first);
        if (name.second.size() % 3 == 0) {
            k.hash = name.second.size();
        }
        return k;
    }
    Name a_name() {
        const std::uint64_t n = pick(static_cast<std::uint64_t>(key_count_));
        return {static_cast<std::uint32_t>(n % 4), numbered("k", n * n * 7919)};
    }
    std::string a_value() {
        static constexpr std::size_t sizes[] = {0, 1, 8, 60, 100, 300, 2000};
        return std::string(sizes[pick(std::size(sizes))], static_cast<char>('a' + pick(26)));
    }
    std::uint64_t a_ttl() {
        static constexpr std::uint64_t ttls[] = {0, 0, 1, 20, 300, 5'000, 90'000, 4'000'000};
        return ttls[pick(std::size(ttls))];
    }
    std::uint64_t deadline(std::uint64_t ttl_ms) const {
        return ttl_ms == 0 ? 0 : now_ms() + ttl_ms;
    }

    // The reference's entry, if there is one; told by the table when it may have been evicted.
    Held* held(const Name& name) {
        const auto found = model_.find(name);
        if (found == model_.end()) {
            return nullptr;
        }
        const bool lapsed =
            found->second.deadline_ms != 0 && found->second.deadline_ms <= now_ms();
        const bool evicted = lossy_ && !lapsed &&
                             table_.table.get(key(name), LARDER_CALL_NO_VALUE | LARDER_CALL_PEEK,
                                              nullptr) == LARDER_MISS;
        if (lapsed || evicted) {
            model_.erase(found);
            return nullptr;
        }
        return &found->second;
    }

    void step() {
        const Name name = a_name();
        Held* there = held(name);
        switch (pick(12)) {
            case 0:
            case 1:
            case 2:
                put(name, there);
                break;
            case 3:
                remove(name, there);
                break;
            case 4:
                touch(name, there);
                break;
            case 5:
                table_.host.advance_clock_only(std::chrono::microseconds(pick(50'000)));
                if (pick(4) == 0) {
                    table_.table.tend();
                }
                break;
            case 6:
                if (pick(2000) == 0) {
                    const auto ns = static_cast<std::uint32_t>(pick(4));
                    table_.table.clear(ns);
                    std::erase_if(model_, [&](const auto& e) { return e.first.first == ns; });
                }
                if (pins_.size() < 64) {
                    pin(name, there);
                } else {
                    const auto at = static_cast<std::ptrdiff_t>(pick(pins_.size()));
                    REQUIRE(pins_[static_cast<std::size_t>(at)].first.view() ==
                            pins_[static_cast<std::size_t>(at)].second);
                    pins_.erase(pins_.begin() + at);
                }
                break;
            default:
                get(name, there);
        }
    }

    void get(const Name& name, const Held* there) {
        Pin pin;
        const larder_status st = table_.table.get(key(name), 0, pin.out());
        REQUIRE(st == (there != nullptr ? LARDER_OK : LARDER_MISS));
        if (there != nullptr) {
            REQUIRE(pin.view() == there->value);
        }
    }
    void pin(const Name& name, const Held* there) {
        Pin pin;
        if (table_.table.get(key(name), 0, pin.out()) == LARDER_OK) {
            REQUIRE(there != nullptr);
            pins_.emplace_back(std::move(pin), there->value);
        }
    }
    void put(const Name& name, Held* there) {
        static constexpr std::uint32_t ways[] = {
            0, 0, 0, LARDER_PUT_IF_ABSENT, LARDER_PUT_IF_VERSION, LARDER_PUT_KEEP_TTL};
        const std::string value = a_value();
        const std::uint64_t ttl = a_ttl();
        larder_put put = put_of(value, ttl, ++version_, ways[pick(std::size(ways))]);
        const std::uint64_t current = there != nullptr ? there->version : 0;
        put.if_version = pick(2) == 0 ? current : pick(5);
        larder_status expected = LARDER_OK;
        if ((put.flags & LARDER_PUT_IF_ABSENT) != 0 && there != nullptr) {
            expected = LARDER_EXISTS;
        } else if ((put.flags & LARDER_PUT_IF_VERSION) != 0 && put.if_version != current) {
            expected = LARDER_E_CONFLICT;
        }
        REQUIRE(table_.table.put(key(name), put) == expected);
        if (expected == LARDER_OK) {
            const bool keep = (put.flags & LARDER_PUT_KEEP_TTL) != 0 && there != nullptr;
            const std::uint64_t until = keep ? there->deadline_ms : deadline(ttl);
            model_[name] = Held{value, version_, until};
        }
        if (lossy_ && pins_.empty()) {
            REQUIRE(table_.table.bytes() <= table_.table.capacity());
        }
    }
    void remove(const Name& name, const Held* there) {
        const std::uint64_t version = pick(2) == 0                       ? 0
                                      : there != nullptr && pick(2) == 0 ? there->version
                                                                         : pick(5) + 1;
        const larder_status expected = there == nullptr ? LARDER_MISS
                                       : version != 0 && version != there->version
                                           ? LARDER_E_CONFLICT
                                           : LARDER_OK;
        REQUIRE(table_.table.remove(key(name), version) == expected);
        if (expected == LARDER_OK) {
            model_.erase(name);
        }
    }
    void touch(const Name& name, Held* there) {
        larder_touch t{};
        t.struct_size = sizeof t;
        t.ttl_ms = a_ttl();
        t.if_version = pick(3) == 0 ? (there != nullptr ? there->version : 1) : 0;
        const std::string patch(pick(3) == 0 ? 8 : 0, static_cast<char>('A' + pick(26)));
        t.patch = {patch.data(), patch.size()};
        t.patch_offset = static_cast<std::uint32_t>(pick(100));
        larder_status expected = LARDER_OK;
        if (there == nullptr) {
            expected = LARDER_MISS;
        } else if (!patch.empty() && t.patch_offset + patch.size() > there->value.size()) {
            expected = LARDER_E_INVALID;
        }
        REQUIRE(table_.table.touch(key(name), t) == expected);
        if (expected == LARDER_OK) {
            there->deadline_ms = deadline(t.ttl_ms);
            if (!patch.empty()) {
                there->value.replace(t.patch_offset, patch.size(), patch);
            }
        }
    }

    // Every entry that the reference has is found by a scan, with its size and time left, and no
    // other.
    void compare_all() {
        struct Seen {
            std::map<Name, std::pair<std::uint64_t, std::int64_t>> all;
        } seen;
        larder_scan scan{};
        scan.struct_size = sizeof scan;
        scan.ns = UINT32_MAX;
        scan.count = static_cast<std::uint32_t>(1 + pick(500));
        scan.ctx = &seen;
        scan.on_key = [](void* ctx, const larder_key* k, std::uint64_t size,
                         std::int64_t ttl_ms) noexcept {
            static_cast<Seen*>(ctx)->all[{k->ns, std::string(k->data, k->size)}] = {size, ttl_ms};
            return 0;
        };
        do {
            table_.table.scan(scan);
        } while (scan.cursor != 0);
        const std::uint64_t now = now_ms();
        for (auto e = model_.begin(); e != model_.end();) {
            const bool lapsed = e->second.deadline_ms != 0 && e->second.deadline_ms <= now;
            const auto found = seen.all.find(e->first);
            if (lapsed || (lossy_ && found == seen.all.end())) {
                e = model_.erase(e);
                continue;
            }
            REQUIRE(found != seen.all.end());
            REQUIRE(found->second.first == e->second.value.size());
            const std::int64_t left =
                e->second.deadline_ms == 0
                    ? -1
                    : static_cast<std::int64_t>(e->second.deadline_ms - now);
            REQUIRE(found->second.second == left);
            ++e;
        }
        REQUIRE(seen.all.size() == model_.size());
        std::uint64_t entries = 0, bytes = 0;
        for (std::uint32_t ns = 0; ns < 4; ++ns) {
            entries += table_.stats(ns).entries;
            bytes += table_.stats(ns).bytes;
        }
        REQUIRE(table_.stats().entries == entries);
        // What only pins hold is in the whole, and in no namespace.
        REQUIRE(table_.stats().bytes >= bytes);
    }

    MemoryTable table_;
    const bool lossy_;
    const int key_count_;
    std::mt19937_64 random_;
    std::map<Name, Held> model_;
    std::vector<std::pair<Pin, std::string>> pins_;
    std::uint64_t version_ = 0;
};

#if defined(LARDER_SANITIZED) || !defined(NDEBUG)
constexpr int steps = 40'000;
#else
constexpr int steps = 400'000;
#endif

}  // namespace

TEST_CASE("with room for all, the table agrees with a map at every step") {
    const std::uint64_t seed = chosen_seed(20'261'120);
    INFO("seed " << seed << " (LARDER_SEED=" << seed << ")");
    Model(seed, std::uint64_t{64} << 20, 4, 3000).run(steps);
}

TEST_CASE("the same in one shard, with few keys that meet often") {
    const std::uint64_t seed = chosen_seed(20'261'121);
    INFO("seed " << seed << " (LARDER_SEED=" << seed << ")");
    Model(seed, std::uint64_t{64} << 20, 1, 40).run(steps);
}

TEST_CASE("with too little room, the table loses entries and invents none") {
    const std::uint64_t seed = chosen_seed(20'261'122);
    INFO("seed " << seed << " (LARDER_SEED=" << seed << ")");
    Model(seed, 256 << 10, 4, 3000).run(steps);
}
