// tests/unit/policies/expiry_test.cpp -- what is over is not served, and its memory comes back: by itself, and when
// somebody says so.
#include "kernel/serve/verbs.hpp"
#include "seed_system.hpp"

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

void fill(SeedSystem& hotel) {
    for (int i = 0; i < 100; ++i) {
        REQUIRE(hotel.put("user_list", std::to_string(i) + ":all", "a page") == LARDER_OK);
        REQUIRE(hotel.put("user_details", std::to_string(i), "a user") == LARDER_OK);
    }
}

std::int64_t entries(SeedSystem& system, const char* space) {
    return system.stat("namespaces", space, "entries");
}

}  // namespace

TEST_CASE("expired entries give their memory back although nobody asks for them", "[expiry]") {
    SeedSystem hotel("hotel");
    fill(hotel);
    hotel.after(59s);
    CHECK(entries(hotel, "user_list") == 100);
    hotel.after(1s);
    CHECK_FALSE(hotel.has("user_list", "0:all"));
    hotel.after(60s / 8 + 1s);  // as the store's page promises
    CHECK(entries(hotel, "user_list") == 0);
    CHECK(entries(hotel, "user_details") == 100);
    CHECK(hotel.stat("tiers", "l1", "expirations") >= 99);
}

TEST_CASE("reclaim removes expired and dropped entries at once, and leaves the others", "[expiry]") {
    SeedSystem hotel("hotel");
    fill(hotel);
    hotel.clock.advance(60s);  // and no timer runs
    CHECK(entries(hotel, "user_list") == 100);
    std::uint64_t removed = 0;
    REQUIRE(hotel.cache().reclaim(hotel.ns("user_details"), &removed, nullptr) == LARDER_OK);
    CHECK(removed == 0);
    REQUIRE(hotel.cache().reclaim(LARDER_NS_NONE, &removed, nullptr) == LARDER_OK);
    CHECK(removed == 300);  // a copy in each of three tiers
    CHECK(entries(hotel, "user_list") == 0);
    CHECK(entries(hotel, "user_details") == 100);
    CHECK(hotel.has("user_details", "7"));

    hotel.drop(LARDER_TARGET_MATCHING, "user_details", "1*");  // 1, 10 to 19
    CHECK(entries(hotel, "user_details") == 100);
    REQUIRE(hotel.cache().reclaim(LARDER_NS_NONE, &removed, nullptr) == LARDER_OK);
    CHECK(removed == 33);
    CHECK(entries(hotel, "user_details") == 89);
    CHECK(hotel.has("user_details", "2"));
}

TEST_CASE("reclaim is there for a program's verb and for plugins, with the right to invalidate", "[expiry]") {
    SeedSystem hotel("hotel");
    fill(hotel);
    hotel.clock.advance(60s);
    const auto& api = hotel.kernel->cache_api();
    std::uint64_t removed = 0;
    larder_call call{};
    call.struct_size = sizeof call;
    call.role = LARDER_ROLE_WRITE;
    CHECK(api.reclaim(hotel.kernel->host(), LARDER_NS_NONE, &removed, &call) == LARDER_E_DENIED);
    CHECK(entries(hotel, "user_list") == 100);

    const auto run = [&hotel](serve::Message words) { return serve::run_verb(*hotel.kernel, words); };
    CHECK(run({"reclaim", "text", "user_lits"}).exit == 1);
    CHECK(run({"reclaim", "text", "a", "b"}).exit == 2);
    CHECK(run({"reclaim", "text", "user_list"}).out == "300 entries removed\n");
    CHECK(run({"reclaim", "json"}).out == "{\"removed\":0}\n");
    call.role = LARDER_ROLE_INVALIDATE;
    CHECK(api.reclaim(hotel.kernel->host(), 4711, &removed, &call) == LARDER_E_INVALID);
}
