// tests/unit/warming/withhold_test.cpp -- what a policy says is never stored is in no tier, however it comes.
#include "kernel/core/figures.hpp"
#include "kernel/core/json_withhold.hpp"
#include "tests/catch.hpp"
#include "tests/unit/warming/warm_rig.hpp"

#include <algorithm>

using namespace larder;
using namespace larder::test;

namespace {

const char* const policy = R"(larder 1
defaults { never store key "*:reset:*" }
namespace user  { key "{id}"; ttl 1h; never store json "password", "token" then strip }
namespace card  { key "{id}"; ttl 1h; never store json "card.cvv"; never store json "password" then strip }
namespace page  { key "{rest...}"; ttl 1h; never store header "Set-Cookie", "X-Api-Key"; never store header "Server" then strip }
namespace login { key "{a}:{b}:{c}"; ttl 1h }
namespace sourced { key "{id}"; ttl 1h; source db; never store json "password" }
warm user "{id}" { from db "x"; for id in "1" })";

std::string left_of(std::string_view text, std::vector<std::string> names) {
    std::vector<WithheldPath> paths;
    for (std::size_t i = 0; i < names.size(); ++i) paths.push_back(withheld_path(names[i], i));
    std::string left;
    std::vector<std::size_t> rules;
    switch (withhold_json(text, paths, left, rules)) {
        case Withheld::nothing: return "as it is";
        case Withheld::broken: return "broken";
        case Withheld::some: return left;
    }
    return {};
}

// All that a store holds, as bytes: keys and values as they stand in it.
std::string dump(WarmRig& rig) {
    StoreHandle store = rig.store.handle("l1");
    struct Found {
        std::vector<std::pair<std::uint32_t, std::string>> keys;
    } found;
    larder_call call{};
    call.struct_size = sizeof call;
    larder_scan scan{};
    scan.struct_size = sizeof scan;
    scan.ns = UINT32_MAX;
    scan.count = 1'000'000;
    scan.ctx = &found;
    scan.on_key = [](void* ctx, const larder_key* key, std::uint64_t, std::int64_t) noexcept -> std::int32_t {
        static_cast<Found*>(ctx)->keys.emplace_back(key->ns, std::string(static_cast<const char*>(key->data), key->size));
        return 0;
    };
    store.table->scan(store.self, &scan, &call);
    std::string out;
    for (const auto& [ns, text] : found.keys) {
        larder_value value{};
        const larder_key key{text.data(), static_cast<std::uint32_t>(text.size()), ns, 0};
        if (store.table->get(store.self, &key, &call, &value) != LARDER_OK) continue;
        (out += text).append(static_cast<const char*>(value.data), value.size);
        if (value.release != nullptr) value.release(&value);
    }
    return out;
}

}  // namespace

TEST_CASE("members that are withheld go, wherever they stand and however they are written, and the rest stays as it was") {
    CHECK(left_of(R"({"a":1,"password":"x","b":2.50})", {"password"}) == R"({"a":1,"b":2.50})");
    CHECK(left_of(R"({"password":"x"})", {"password"}) == "{}");
    CHECK(left_of(R"({"password":"x","a":1})", {"password"}) == R"({"a":1})");
    CHECK(left_of(R"([{"u":{"PassWord":{"deep":[1,2]}}},{"password":null}])", {"password"}) == R"([{"u":{}},{}])");
    CHECK(left_of(R"({"\u0070assword":"x","\u0050ASSWORD":1,"k":true})", {"password"}) == R"({"k":true})");
    CHECK(left_of(R"({"card":{"cvv":1,"no":2},"cvv":3})", {"card.cvv"}) == R"({"card":{"no":2},"cvv":3})");
    CHECK(left_of(R"({"cards":[{"card":{"cvv":1}}]})", {"card.cvv"}) == R"({"cards":[{"card":{}}]})");
    CHECK(left_of(R"({"passwords":1,"a":"password"})", {"password"}) == "as it is");
}

TEST_CASE("what begins like JSON and is none is refused, as nobody knows what is in it, and other values are as they are") {
    CHECK(left_of("{\"password\":\"x\"", {"password"}) == "broken");
    CHECK(left_of("{\"a\":01}", {"password"}) == "broken");
    CHECK(left_of("[1,]", {"password"}) == "broken");
    CHECK(left_of("{\"a\":\"\x01\"}", {"password"}) == "broken");
    CHECK(left_of(std::string(100, '['), {"password"}) == "broken");
    CHECK(left_of("{} {}", {"password"}) == "broken");
    CHECK(left_of("password=x", {"password"}) == "as it is");
    CHECK(left_of("", {"password"}) == "as it is");
}

TEST_CASE("a planted password reaches no tier: not by a put, not by a load and not by warming") {
    WarmRig rig(policy);
    const std::string secret = "hunter2-planted";
    CHECK(rig.put("user", "1", R"({"name":"Ann","password":")" + secret + R"("})") == LARDER_OK);
    CHECK(rig.get("user", "1") == R"({"name":"Ann"})");
    CHECK(rig.put("card", "1", R"({"card":{"cvv":")" + secret + R"("}})") == LARDER_E_REFUSED);
    CHECK(rig.get("card", "1") == "none");
    CHECK(rig.put("card", "2", R"({"password":")" + secret + R"(","card":{"no":7}})") == LARDER_OK);
    CHECK(rig.get("card", "2") == R"({"card":{"no":7}})");
    CHECK(rig.put("login", "a:reset:" + secret, "x") == LARDER_E_REFUSED);
    rig.values["9"] = R"({"password":")" + secret + R"("})";
    CHECK(rig.get("sourced", "9") == rig.values["9"]);  // who asks gets what its source says
    CHECK(rig.get("sourced", "9") == rig.values["9"]);
    CHECK(std::count_if(rig.asked.begin(), rig.asked.end(), [](const std::string& line) { return line.starts_with("sourced 9"); }) == 2);
    rig.values["1"] = R"({"token":")" + secret + R"(","x":1})";
    rig.warm("user", true);
    rig.executor.run();
    CHECK(rig.get("user", "1") == R"({"x":1})");
    CHECK(dump(rig).find(secret) == std::string::npos);
    CHECK(dump(rig).find("Ann") == std::string::npos);  // it was replaced
    CHECK(rig.cache->figures().space("user")->counts.stripped == 2);
}

TEST_CASE("a refused value takes the one before it along, which is older than what was to be put") {
    WarmRig rig(policy);
    CHECK(rig.put("card", "1", R"({"n":1})") == LARDER_OK);
    CHECK(rig.put("card", "1", R"({"card":{"cvv":1},"n":2})") == LARDER_E_REFUSED);
    CHECK(rig.get("card", "1") == "none");
}

TEST_CASE("fields of an answer's header are judged by name, in any case") {
    WarmRig rig(policy);
    const larder_pair fields[] = {{b("set-cookie"), b("a=b")}, {b("Content-Type"), b("x")}, {b("SERVER"), b("x")}};
    std::uint8_t verdicts[3] = {9, 9, 9};
    CHECK(rig.cache->withheld(rig.ns("page"), fields, 3, verdicts) == LARDER_OK);
    CHECK(verdicts[0] == LARDER_STORE_REFUSED);
    CHECK(verdicts[1] == LARDER_STORE_ALLOWED);
    CHECK(verdicts[2] == LARDER_STORE_STRIPPED);
    CHECK(rig.cache->withheld(rig.ns("user"), fields, 3, verdicts) == LARDER_OK);
    CHECK(verdicts[0] == LARDER_STORE_ALLOWED);
    std::string left;
    CHECK(rig.cache->storable(rig.ns("user"), R"({"token":1,"a":2})", left) == LARDER_EXISTS);
    CHECK(left == R"({"a":2})");
    CHECK(rig.cache->storable(rig.ns("card"), R"({"card":{"cvv":2}})", left) == LARDER_E_REFUSED);
    CHECK(rig.cache->storable(rig.ns("card"), "plain", left) == LARDER_OK);
}

TEST_CASE("what was stored before such a rule came is not served under it") {
    WarmRig rig("larder 1\nnamespace user { key \"{id}\"; ttl 1h }\n");
    CHECK(rig.put("user", "1", R"({"password":"x"})") == LARDER_OK);
    rig.install("larder 1\nnamespace user { key \"{id}\"; ttl 1h; never store json \"password\" then strip }\n");
    CHECK(rig.get("user", "1") == "none");
}

TEST_CASE("each kind of refusal is told once, and then at every power of two") {
    WarmRig rig(policy);
    for (int i = 0; i < 100; ++i) CHECK(rig.put("card", std::to_string(i), R"({"card":{"cvv":1}})") == LARDER_E_REFUSED);
    std::size_t told = 0;
    rig.cache->each_event(0, [&](std::uint64_t, std::uint64_t, int, std::string_view type, std::string_view text) {
        if (type == "never store" && text.find("card.cvv") != std::string_view::npos && text.find("test.larder:4") != std::string_view::npos) ++told;
    });
    CHECK(told == 7);
    CHECK(rig.cache->figures().space("card")->counts.withheld == 100);
}
