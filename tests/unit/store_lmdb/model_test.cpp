// tests/unit/store_lmdb/model_test.cpp -- the file against a std::map, through restarts, sweeps and time.
//
// The reference keeps what was put until its deadline, as store.h says. With room for everything the store must agree with
// it at every step; with too little room it may lose entries, never invent, keep or mix one up. Every run prints its seed.
#include "lmdb_rig.hpp"

#include "plugins/store_lmdb/page_walk.hpp"
#include "tests/catch.hpp"

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>

using namespace larder;
using namespace larder::test;

namespace {

std::uint64_t chosen_seed(std::uint64_t usual) {
    const char* const given = std::getenv("LARDER_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : usual;
}

class Model {
  public:
    Model(std::uint64_t seed, std::uint64_t capacity, std::uint64_t largest)
        : lossy_(capacity != 0), largest_(largest), random_(seed) {
        if (lossy_) {
            config_.set("capacity", capacity);
        }
        open();
    }

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
            if (i % 1000 == 999) {
                look_at_all();
            }
        }
        store_.reset();
        REQUIRE_FALSE(store_lmdb::damage_in(folder_.file("l2/data.mdb")).has_value());
    }

  private:
    struct Entry {
        std::string value;
        std::uint64_t version, deadline_ms;  // 0: never
    };

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    bool is_over(const Entry& e) const { return e.deadline_ms != 0 && e.deadline_ms <= now_ms_; }
    Entry* there(const std::string& key) {
        const auto at = entries_.find(key);
        return at == entries_.end() || is_over(at->second) ? nullptr : &at->second;
    }
    std::string random_key() { return "larder:v:{k:" + std::to_string(below(80)) + "}"; }
    std::uint64_t random_ttl() { return below(3) == 0 ? 0 : 1 + below(20'000); }
    std::uint64_t deadline(std::uint64_t ttl) const { return ttl == 0 ? 0 : now_ms_ + ttl; }

    // The host's clock goes on from where it was.
    void open() {
        store_.reset();
        store_ = std::make_unique<LmdbRig>(folder_.file("l2"), config_);
        REQUIRE(store_->started());
        REQUIRE_FALSE(store_->host().logged("set aside"));
        store_->host().advance_clock_only(std::chrono::milliseconds(now_ms_));
    }

    // What the store may have given up the reference gives up, too.
    void agree(const std::string& key) {
        const std::string got = store_->value(key);
        const Entry* const e = there(key);
        if (e != nullptr && lossy_ && got == "-") {
            entries_.erase(key);
            return;
        }
        REQUIRE(got == (e == nullptr ? "-" : e->value));
    }

    void put() {
        const std::string key = random_key(), value = std::to_string(++last_) + std::string(below(largest_), 'v');
        const std::uint64_t ttl = random_ttl();
        agree(key);
        Entry* const e = there(key);
        std::uint32_t flags = 0;
        std::uint64_t if_version = 0;
        larder_status wanted = LARDER_OK;
        switch (below(6)) {
            case 0:
                flags = LARDER_PUT_IF_ABSENT;
                wanted = e != nullptr ? LARDER_EXISTS : LARDER_OK;
                break;
            case 1:
                flags = LARDER_PUT_IF_VERSION;
                if_version = e == nullptr || below(2) == 0 ? below(2) * 999'999'999 : e->version;
                wanted = if_version == (e == nullptr ? 0 : e->version) ? LARDER_OK : LARDER_E_CONFLICT;
                break;
            case 2: flags = lossy_ ? 0U : unsigned{LARDER_PUT_KEEP_TTL}; break;
            default: break;
        }
        const std::uint64_t until = (flags & LARDER_PUT_KEEP_TTL) != 0 && e != nullptr ? e->deadline_ms : deadline(ttl);
        const larder_status status = store_->put(key, value, ttl, flags, if_version, last_);
        if (lossy_ && e != nullptr && status != wanted) {  // it went to make room for this
            wanted = flags == LARDER_PUT_IF_VERSION && if_version != 0 ? LARDER_E_CONFLICT : LARDER_OK;
        }
        REQUIRE(status == wanted);
        if (wanted == LARDER_OK) {
            entries_[key] = {value, last_, until};
        }
        agree(key);
    }

    void remove() {
        const std::string key = random_key();
        agree(key);
        const Entry* const e = there(key);
        const std::uint64_t if_version = below(3) != 0 ? 0 : e == nullptr || below(2) == 0 ? 999'999'999 : e->version;
        const larder_status wanted = e == nullptr ? LARDER_MISS : if_version == 0 || if_version == e->version ? LARDER_OK : LARDER_E_CONFLICT;
        const larder_status status = store_->remove(key, if_version);
        REQUIRE((status == wanted || (lossy_ && status == LARDER_MISS)));
        if (status == LARDER_OK || status == LARDER_MISS) {
            entries_.erase(key);
        }
        agree(key);
    }

    void touch() {
        const std::string name = random_key();
        agree(name);
        Entry* const e = there(name);
        const larder_key key = LmdbRig::key(name);
        const larder_call call = LmdbRig::call();
        larder_touch touch{};
        touch.struct_size = sizeof touch;
        touch.ttl_ms = random_ttl();
        touch.patch = plugin::bytes_of("P");
        const larder_status status = store_->store().touch(store_->self(), &key, &touch, &call);
        REQUIRE((status == (e == nullptr ? LARDER_MISS : LARDER_OK) || (lossy_ && status == LARDER_MISS)));
        if (status == LARDER_OK) {
            e->value[0] = 'P';
            e->deadline_ms = deadline(touch.ttl_ms);
        }
        agree(name);
    }

    void step() {
        switch (below(100)) {
            case 0: open(); break;
            case 1: {
                const std::uint64_t ms = below(5000);
                now_ms_ += ms;
                store_->pass(std::chrono::milliseconds(ms));
                break;
            }
            default:
                switch (below(8)) {
                    case 0:
                    case 1: remove(); break;
                    case 2: touch(); break;
                    case 3: agree(random_key()); break;
                    default: put(); break;
                }
        }
    }

    void look_at_all() {
        for (int i = 0; i < 80; ++i) {
            agree("larder:v:{k:" + std::to_string(i) + "}");
        }
        std::set<std::string> alive;
        for (const auto& [key, e] : entries_) {
            if (!is_over(e)) {
                alive.insert(key);
            }
        }
        const std::vector<std::string> seen = store_->keys(0, static_cast<std::uint32_t>(below(50)));
        REQUIRE(std::set<std::string>(seen.begin(), seen.end()) == alive);
        REQUIRE(store_->stats().entries >= alive.size());
    }

    const bool lossy_;
    const std::uint64_t largest_;
    std::minstd_rand random_;
    const TemporaryFolder folder_;
    FakeConfig config_;
    std::unique_ptr<LmdbRig> store_;
    std::map<std::string, Entry> entries_;
    std::uint64_t now_ms_ = 0, last_ = 0;
};

}  // namespace

TEST_CASE("with room for everything the file agrees with the reference at every step") {
    const std::uint64_t seed = chosen_seed(20261121);
    INFO("LARDER_SEED=" << seed);
    Model(seed, 0, 300).run(10'000);
    Model(seed + 1, 0, 12'000).run(3'000);
}

TEST_CASE("with too little room the file loses entries, and invents, keeps and mixes up none") {
    const std::uint64_t seed = chosen_seed(4711);
    INFO("LARDER_SEED=" << seed);
    Model(seed, 4 << 20, 200'000).run(3'000);
}
