// tests/sim/virtual_redis_test.cpp -- what the stand-in for a shared store promises (<larder/plugin/shared.h>).
#include "tests/catch.hpp"
#include "tests/support/virtual_redis.hpp"

using namespace larder;
using namespace larder::test;

namespace {

larder_call plain() {
    larder_call call{};
    call.struct_size = sizeof call;
    return call;
}

larder_key key_of(std::string_view text) { return {text.data(), static_cast<std::uint32_t>(text.size()), 0, 0}; }

larder_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

// Two nodes and what one of them was told.
struct Pair {
    Pair() {
        larder_sink sink{};
        sink.struct_size = sizeof sink;
        sink.ctx = this;
        sink.changed = [](void* ctx, const larder_bytes* keys, std::size_t n) noexcept {
            for (std::size_t i = 0; i < n; ++i)
                static_cast<Pair*>(ctx)->told.emplace_back(static_cast<const char*>(keys[i].data), keys[i].size);
        };
        sink.changed_all = [](void* ctx) noexcept { static_cast<Pair*>(ctx)->told.emplace_back("*"); };
        shared.listen(&two, &sink);
    }
    larder_status put(std::string_view key, std::string_view value, std::uint32_t flags = 0, std::uint64_t version = 1,
                      std::uint64_t if_version = 0, std::uint64_t ttl_ms = 1000) {
        const larder_key k = key_of(key);
        const larder_put what{sizeof(larder_put), flags, bytes(value), ttl_ms, version, if_version, 0, 0, nullptr};
        return store.put(&one, &k, &what, &call);
    }
    larder_status fill(std::string_view key, std::uint64_t token, std::string_view value) {
        const larder_key k = key_of(key);
        const larder_put what{sizeof(larder_put), 0, bytes(value), 1000, 1, 0, 0, 0, nullptr};
        return shared.fill(&one, &k, token, &what, &call);
    }
    larder_status lease(VirtualNode& node, std::string_view key, std::uint64_t token) {
        const larder_key k = key_of(key);
        return shared.lease(&node, &k, token, 500, &call);
    }
    std::string get(std::string_view key) {
        const larder_key k = key_of(key);
        larder_value value{};
        if (store.get(&two, &k, &call, &value) != LARDER_OK) return "(none)";
        std::string text(static_cast<const char*>(value.data), value.size);
        value.release(&value);
        return text;
    }
    std::vector<std::string> hear() {
        redis.deliver();
        return std::exchange(told, {});
    }

    ManualClock clock;
    VirtualRedis redis{clock};
    VirtualNode& one = redis.connect();
    VirtualNode& two = redis.connect();
    const larder_store_v1& store = *one.handle("l2").table;
    const larder_shared_v1& shared = one.shared_table();
    const larder_call call = plain();
    std::vector<std::string> told;
};

constexpr const char* value_key = "larder:v:{a:1}";
constexpr const char* record_key = "larder:g:0000000000000001";

}  // namespace

TEST_CASE("what one node puts the other gets, until its time is over", "[virtual]") {
    Pair p;
    CHECK(p.put(value_key, "x") == LARDER_OK);
    CHECK(p.get(value_key) == "x");
    p.clock.advance(Ms(999));
    CHECK(p.get(value_key) == "x");
    p.clock.advance(Ms(1));
    CHECK(p.get(value_key) == "(none)");
}

TEST_CASE("a put may ask for an absent key or for a version", "[virtual]") {
    Pair p;
    CHECK(p.put(value_key, "x", LARDER_PUT_IF_ABSENT, 7) == LARDER_OK);
    CHECK(p.put(value_key, "y", LARDER_PUT_IF_ABSENT, 8) == LARDER_EXISTS);
    CHECK(p.put(value_key, "y", LARDER_PUT_IF_VERSION, 8, 6) == LARDER_E_CONFLICT);
    CHECK(p.put(value_key, "y", LARDER_PUT_IF_VERSION, 8, 7) == LARDER_OK);
    CHECK(p.get(value_key) == "y");
}

TEST_CASE("a fill needs the lease, and a put, a remove, a touch, a change or time takes it away", "[virtual]") {
    Pair p;
    const larder_key k = key_of(value_key);
    CHECK(p.fill(value_key, 5, "x") == LARDER_E_CONFLICT);
    CHECK(p.lease(p.one, value_key, 5) == LARDER_OK);
    CHECK(p.lease(p.two, value_key, 6) == LARDER_EXISTS);
    CHECK(p.fill(value_key, 6, "x") == LARDER_E_CONFLICT);
    CHECK(p.fill(value_key, 5, "x") == LARDER_OK);
    CHECK(p.fill(value_key, 5, "y") == LARDER_E_CONFLICT);

    CHECK(p.lease(p.one, value_key, 7) == LARDER_OK);
    p.put(value_key, "z");
    CHECK(p.fill(value_key, 7, "y") == LARDER_E_CONFLICT);

    CHECK(p.lease(p.one, value_key, 8) == LARDER_OK);
    CHECK(p.store.remove(&p.two, &k, 0, &p.call) == LARDER_OK);
    CHECK(p.fill(value_key, 8, "y") == LARDER_E_CONFLICT);

    CHECK(p.lease(p.one, value_key, 9) == LARDER_OK);
    CHECK(p.shared.change(&p.two, nullptr, 0, 1000, &k, 1, 0, &p.call) == LARDER_OK);
    CHECK(p.fill(value_key, 9, "y") == LARDER_E_CONFLICT);

    CHECK(p.lease(p.one, value_key, 11) == LARDER_OK);
    const larder_touch touch{sizeof(larder_touch), 0, 1000, 0, {}};
    CHECK(p.store.touch(&p.two, &k, &touch, &p.call) == LARDER_MISS);
    CHECK(p.fill(value_key, 11, "y") == LARDER_E_CONFLICT);

    CHECK(p.lease(p.one, value_key, 10) == LARDER_OK);
    p.clock.advance(Ms(500));
    CHECK(p.fill(value_key, 10, "y") == LARDER_E_CONFLICT);
    CHECK(p.get(value_key) == "(none)");
}

TEST_CASE("a record is made once and changed only where it is", "[virtual]") {
    Pair p;
    larder_record mine{bytes(record_key), 1, 2, 0, LARDER_MISS, 0};
    larder_record other{bytes(record_key), 3, 4, 0, LARDER_MISS, 0};
    CHECK(p.shared.change(&p.one, &mine, 1, 1000, nullptr, 0, 0, &p.call) == LARDER_OK);
    CHECK(mine.status == LARDER_MISS);
    CHECK(p.shared.make(&p.one, &mine, 1, 1000, &p.call) == LARDER_OK);
    CHECK(p.shared.make(&p.two, &other, 1, 1000, &p.call) == LARDER_OK);
    CHECK(other.drop == 1);
    CHECK(other.expire == 2);
    larder_record next{bytes(record_key), 5, 6, 77, LARDER_MISS, 0};
    CHECK(p.shared.change(&p.one, &next, 1, 1000, nullptr, 0, 0, &p.call) == LARDER_OK);
    CHECK(next.status == LARDER_OK);
    larder_record seen{bytes(record_key), 0, 0, 0, LARDER_MISS, 0};
    larder_get_item item{key_of(value_key), {}, LARDER_OK, 0};
    CHECK(p.shared.read(&p.two, &item, 1, &seen, 1, &p.call) == LARDER_OK);
    CHECK(item.status == LARDER_MISS);
    CHECK(seen.status == LARDER_OK);
    CHECK(seen.drop == 5);
    CHECK(seen.expired_at_ms == 77);
    larder_record soft{bytes(record_key), 0, 8, 99, LARDER_MISS, 0};
    CHECK(p.shared.change(&p.one, &soft, 1, 1000, nullptr, 0, 0, &p.call) == LARDER_OK);
    CHECK(p.shared.read(&p.two, &item, 1, &seen, 1, &p.call) == LARDER_OK);
    CHECK(seen.drop == 5);
    CHECK(seen.expire == 8);
    p.clock.advance(Ms(500));
    CHECK(p.shared.make(&p.one, &mine, 1, 1000, &p.call) == LARDER_OK);
    p.clock.advance(Ms(1999));
    CHECK(p.shared.read(&p.two, &item, 1, &seen, 1, &p.call) == LARDER_OK);
    CHECK(seen.status == LARDER_OK);
    p.clock.advance(Ms(1));
    CHECK(p.shared.read(&p.two, &item, 1, &seen, 1, &p.call) == LARDER_OK);
    CHECK(seen.status == LARDER_MISS);
}

TEST_CASE("every change of a value or record is told, of a lease none, and only when delivered", "[virtual]") {
    Pair p;
    p.put(value_key, "x");
    CHECK(p.told.empty());
    CHECK(p.hear() == std::vector<std::string>{value_key});
    p.lease(p.one, value_key, 1);
    CHECK(p.hear().empty());
    larder_record mine{bytes(record_key), 1, 2, 0, LARDER_MISS, 0};
    p.shared.make(&p.one, &mine, 1, 1000, &p.call);
    p.shared.make(&p.one, &mine, 1, 1000, &p.call);
    CHECK(p.hear() == std::vector<std::string>{record_key});
    p.shared.make(&p.one, &mine, 1, 2001, &p.call);
    CHECK(p.hear() == std::vector<std::string>{record_key});
    const larder_key k = key_of(value_key);
    p.shared.change(&p.one, &mine, 1, 5000, &k, 1, 0, &p.call);
    CHECK(p.hear() == std::vector<std::string>{record_key, value_key});
    p.redis.immediate(true);
    p.redis.foreign_write(value_key, "y");
    CHECK(p.told == std::vector<std::string>{value_key});
    p.redis.flush();
    CHECK(p.told.back() == "*");
    CHECK(p.get(value_key) == "(none)");
}

TEST_CASE("a sink that comes late hears that anything may have changed before it may trust", "[virtual]") {
    Pair p;
    p.two.trust(true);
    larder_sink late{};
    late.struct_size = sizeof late;
    std::string heard;
    late.ctx = &heard;
    late.changed_all = [](void* ctx) noexcept { *static_cast<std::string*>(ctx) += "all "; };
    late.trust = [](void* ctx, std::int32_t yes) noexcept { *static_cast<std::string*>(ctx) += yes != 0 ? "yes " : "no "; };
    p.shared.listen(&p.two, &late);
    CHECK(heard == "all yes ");
    p.shared.listen(&p.two, nullptr);
    p.two.trust(false);
    p.put(value_key, "x");
    p.redis.deliver();
    CHECK(heard == "all yes ");
}

TEST_CASE("calls are counted by kind and fail when they shall", "[virtual]") {
    Pair p;
    p.put(value_key, "x");
    p.one.fail = LARDER_E_IO;
    CHECK(p.put(value_key, "y") == LARDER_E_IO);
    CHECK(p.get(value_key) == "x");
    CHECK(p.one.calls(StoreCall::put) == 2);
    CHECK(p.two.calls(StoreCall::get) == 1);
    CHECK(p.one.calls() == 2);
}
