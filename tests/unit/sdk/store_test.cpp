// tests/unit/sdk/store_test.cpp -- a store with every function, called through its C table.
#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <larder/plugin/store.hpp>

#include <map>
#include <vector>

using namespace larder::plugin;

namespace {

class Full {
  public:
    static constexpr const char* name = "full";
    static constexpr std::uint64_t caps = LARDER_STORE_CAP_SYNC | LARDER_STORE_CAP_SCAN;
    Full(Host, const Config& config) : small_(config.boolean("small", false)) {}
    std::uint64_t instance_caps() const {
        return small_ ? std::uint64_t{LARDER_STORE_CAP_SYNC} : caps;
    }

    larder_status get(const larder_key& key, const larder_call&, Reply out) {
        const auto found = map_.find(text_of(key));
        return found == map_.end() ? out.miss() : out.owned(found->second);
    }
    larder_status put(const larder_key& key, const larder_put& put, const larder_call&) {
        map_[std::string(text_of(key))] = text_of(put.value);
        return LARDER_OK;
    }
    larder_status remove(const larder_key& key, std::uint64_t if_version, const larder_call&) {
        return if_version == 9                              ? LARDER_E_CONFLICT
               : map_.erase(std::string(text_of(key))) != 0 ? LARDER_OK
                                                            : LARDER_MISS;
    }
    larder_status touch(const larder_key& key, const larder_touch& touch, const larder_call&) {
        map_[std::string(text_of(key))].replace(touch.patch_offset, touch.patch.size,
                                                text_of(touch.patch));
        return LARDER_OK;
    }
    larder_status visit(const larder_key& key, const larder_call&, Visitor fn) {
        const auto found = map_.find(text_of(key));
        return found == map_.end() ? LARDER_MISS : fn(found->second.data(), found->second.size());
    }
    larder_status get_many(std::span<larder_get_item> items, const larder_call& call) {
        for (auto& item : items) {
            item.status = get(item.key, call, Reply(&item.value));
        }
        return LARDER_OK;
    }
    larder_status remove_many(std::span<const larder_key> keys, const larder_call& call) {
        for (const auto& key : keys) {
            remove(key, 0, call);
        }
        return LARDER_OK;
    }
    larder_status clear_ns(std::uint32_t ns, const larder_call&) {
        return ns == UINT32_MAX ? (map_.clear(), LARDER_OK) : LARDER_E_UNSUPPORTED;
    }
    larder_status scan(larder_scan& scan, const larder_call&) {
        for (const auto& [key, value] : map_) {
            const larder_key seen{key.data(), static_cast<std::uint32_t>(key.size()), 0, 0};
            scan.on_key(scan.ctx, &seen, value.size(), -1);
        }
        scan.cursor = 0;
        return LARDER_OK;
    }
    larder_status limits(std::uint32_t ns, std::uint64_t entries, std::uint64_t bytes) {
        limits_ = ns + entries + bytes;
        return LARDER_OK;
    }
    void cancel(void* ctx) { *static_cast<bool*>(ctx) = true; }
    larder_status stats(std::uint32_t, larder_store_stats& out) {
        out.entries = map_.size();
        out.capacity_bytes = limits_;
        return LARDER_OK;
    }

  private:
    bool small_;
    std::uint64_t limits_ = 0;
    std::map<std::string, std::string, std::less<>> map_;
};

larder_key key_of(std::string_view text) {
    return {text.data(), static_cast<std::uint32_t>(text.size()), 0, 0};
}

}  // namespace

TEST_CASE("every function of a store arrives with its arguments", "[sdk]") {
    larder::test::FakeHost host;
    larder::test::FakeInstance store(host, Store<Full>::value, larder::test::FakeConfig());
    REQUIRE(store.created() == LARDER_OK);
    CHECK(store.caps() == Full::caps);
    const auto& t = store.table<larder_store_v1>();
    void* self = store.self();
    larder_call call{};
    call.struct_size = sizeof call;
    const larder_key a = key_of("a"), b = key_of("b");
    larder_put put{};
    put.struct_size = sizeof put;
    put.value = {"value", 5};
    REQUIRE(t.put(self, &a, &put, &call) == LARDER_OK);

    Value value;
    CHECK(t.get(self, &a, &call, value.out()) == LARDER_OK);
    CHECK(value.text() == "value");
    CHECK(t.get(self, &b, &call, value.out()) == LARDER_MISS);

    std::string seen;
    const auto look = [](void* ctx, larder_bytes bytes) noexcept {
        *static_cast<std::string*>(ctx) = text_of(bytes);
    };
    CHECK(t.visit(self, &a, &call, look, &seen) == LARDER_OK);
    CHECK(seen == "value");
    CHECK(t.visit(self, &b, &call, look, &seen) == LARDER_MISS);

    larder_touch touch{};
    touch.struct_size = sizeof touch;
    touch.patch_offset = 1;
    touch.patch = {"OL", 2};
    CHECK(t.touch(self, &a, &touch, &call) == LARDER_OK);

    larder_get_item items[2] = {{a, {}, 0, 0}, {b, {}, 0, 0}};
    CHECK(t.get_many(self, items, 2, &call) == LARDER_OK);
    CHECK(items[1].status == LARDER_MISS);
    REQUIRE(items[0].status == LARDER_OK);
    CHECK(Value(&items[0].value).text() == "vOLue");

    larder_scan scan{};
    scan.struct_size = sizeof scan;
    std::vector<std::string> keys;
    scan.ctx = &keys;
    scan.on_key = [](void* ctx, const larder_key* key, std::uint64_t,
                     std::int64_t) noexcept -> std::int32_t {
        static_cast<std::vector<std::string>*>(ctx)->emplace_back(text_of(*key));
        return 0;
    };
    CHECK(t.scan(self, &scan, &call) == LARDER_OK);
    CHECK(keys == std::vector<std::string>{"a"});

    CHECK(t.limits(self, 1, 20, 300) == LARDER_OK);
    larder_store_stats stats{};
    stats.struct_size = sizeof stats;
    CHECK(t.stats(self, 0, &stats) == LARDER_OK);
    CHECK(stats.entries == 1);
    CHECK(stats.capacity_bytes == 321);

    bool cancelled = false;
    t.cancel(self, &cancelled);
    CHECK(cancelled);
    CHECK(t.remove(self, &a, 9, &call) == LARDER_E_CONFLICT);
    CHECK(t.remove_many(self, &a, 1, &call) == LARDER_OK);
    CHECK(t.remove(self, &a, 0, &call) == LARDER_MISS);
    CHECK(t.clear_ns(self, UINT32_MAX, &call) == LARDER_OK);
    CHECK(t.clear_ns(self, 1, &call) == LARDER_E_UNSUPPORTED);
}

TEST_CASE("an instance may have less than its component", "[sdk]") {
    larder::test::FakeHost host;
    larder::test::FakeConfig config;
    config.set("small", true);
    const larder::test::FakeInstance store(host, Store<Full>::value, config);
    CHECK(store.caps() == LARDER_STORE_CAP_SYNC);
    CHECK(Store<Full>::value.caps == Full::caps);
}
