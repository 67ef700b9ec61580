// tests/unit/api/typed_space_test.cpp -- a host's own types in and out of a namespace.
#include "kernel/api/typed_space.hpp"
#include "tests/catch.hpp"
#include "tests/support/test_cache.hpp"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace typed_test {

enum class Role { guest, host };
BOOST_DESCRIBE_ENUM(Role, guest, host)

struct Address {
    std::string town, zip;
    bool operator==(const Address&) const = default;
};
BOOST_DESCRIBE_STRUCT(Address, (), (town, zip))

struct User {
    std::string name;
    int age = 0;
    double score = 0;
    Role role = Role::guest;
    std::optional<std::string> mail;
    std::vector<Address> homes;
    std::map<std::string, std::vector<int>> rooms;
    bool operator==(const User&) const = default;
};
BOOST_DESCRIBE_STRUCT(User, (), (name, age, score, role, mail, homes, rooms))

struct Base {
    int id = 0;
};
BOOST_DESCRIBE_STRUCT(Base, (), (id))
struct Derived : Base {
    std::string kind;
};
BOOST_DESCRIBE_STRUCT(Derived, (Base), (kind))

// A host's own codec.
struct Doubled {
    static bool encode(const int& value, std::string& bytes) {
        if (value < 0) return false;
        bytes = std::to_string(value * 2);
        return true;
    }
    static bool decode(std::string_view bytes, int& into) {
        into = std::atoi(std::string(bytes).c_str()) / 2;
        return bytes != "bad";
    }
};

}  // namespace typed_test

using namespace typed_test;

static_assert(ValueCodec<JsonCodec, User> && ValueCodec<JsonCodec, int> && ValueCodec<JsonCodec, boost::json::value>);
static_assert(ValueCodec<BytesCodec, std::string> && !ValueCodec<BytesCodec, int> && ValueCodec<Doubled, int>);

namespace {

const char* const policy = "larder 1\nnamespace user { key \"{id}\"; ttl 1h; absent 1m; stale 1h while revalidating; with team; tag \"team:{team}\" }\n";
const User ann{"Ann", 41, 0.1 + 0.2, Role::host, "ann@example.com", {{"Zurich", "8001"}}, {{"a", {1, 2}}, {"b", {}}}};

template <class T>
T there_and_back(const T& value) {
    std::string bytes;
    T out{};
    REQUIRE(JsonCodec::encode(value, bytes));
    REQUIRE(JsonCodec::decode(bytes, out));
    return out;
}

}  // namespace

TEST_CASE("a struct that is put is got as it was, members within members and all", "[typed]") {
    TestCache c(policy);
    const TypedSpace users(*c.cache, "user");
    CHECK(users.get<User>("1").status == LARDER_MISS);
    REQUIRE(users.put("1", ann) == LARDER_OK);
    const auto got = users.get<User>("1");
    REQUIRE(got);
    CHECK(*got == ann);
    CHECK(c.get("user", "1") ==
          R"({"name":"Ann","age":41,"score":3.0000000000000004E-1,"role":"host","mail":"ann@example.com","homes":[{"town":"Zurich","zip":"8001"}],"rooms":{"a":[1,2],"b":[]}})");
}

TEST_CASE("falsy values are values: zero, an empty text, an empty list, an empty optional member", "[typed]") {
    TestCache c(policy);
    const TypedSpace users(*c.cache, "user");
    users.put("0", 0);
    users.put<std::string>("t", "");
    users.put<std::vector<int>>("l", {});
    users.put("u", User{});
    CHECK(users.get<int>("0").value == 0);
    CHECK(users.get<std::string>("t").value == "");
    CHECK(users.get<std::vector<int>>("l").value == std::vector<int>{});
    CHECK(users.get<User>("u").value == User{});
    CHECK(c.counts("user").misses == 0);
}

TEST_CASE("what cannot be decoded is a miss, counted, and loaded anew where there is a loader", "[typed]") {
    const char* const bad = GENERATE("", "text", "[1]", "{}", R"({"name":1,"age":41,"score":0,"role":"host","homes":[],"rooms":{}})",
                                     R"({"name":"A","age":41,"score":0,"role":"king","homes":[],"rooms":{}})",
                                     R"({"name":"A","age":41,"score":0,"role":"host","homes":[{"town":"Z"}],"rooms":{}})",
                                     R"({"name":"A","age":99999999999,"score":0,"role":"host","homes":[],"rooms":{}})");
    TestCache c(policy);
    const TypedSpace users(*c.cache, "user");
    c.put("user", "1", bad);
    const auto got = users.get<User>("1");
    CHECK(got.status == LARDER_MISS);
    CHECK_FALSE(got);
    CHECK(users.undecodable() == 1);
    c.put("user", "1", bad);
    int loads = 0;
    const auto load = [&loads]() -> std::optional<User> {
        ++loads;
        return ann;
    };
    CHECK(users.get_or_load<User>("1", load).value == ann);
    CHECK(loads == 1);
    CHECK(users.get<User>("1").value == ann);
    CHECK(users.get_or_load<User>("1", load).value == ann);
    CHECK(loads == 1);
    CHECK(users.undecodable() == 2);
    bool told = false;
    c.cache->each_event(0, [&](std::uint64_t, std::uint64_t, int, std::string_view type, std::string_view) { told = told || type == "decode"; });
    CHECK(told);
}

TEST_CASE("a reader with fewer members passes over the others, an optional one may be missing", "[typed]") {
    Address address;
    CHECK(JsonCodec::decode(R"({"zip":"1","town":"Z","street":{"deep":[1]}})", address));
    CHECK(address == Address{"Z", "1"});
    User user;
    CHECK(JsonCodec::decode(R"({"name":"A","age":1,"score":2,"role":"guest","homes":[],"rooms":{}})", user));
    CHECK(user.mail == std::nullopt);
    CHECK(user.score == 2);
    Derived derived;
    CHECK(JsonCodec::decode(R"({"kind":"k","id":7})", derived));
    CHECK(derived.id == 7);
    CHECK(there_and_back(Derived{{3}, "x"}).id == 3);
}

TEST_CASE("no double is changed on its way, whatever its digits", "[typed]") {
    std::mt19937_64 random(3);
    for (int i = 0; i < 20'000; ++i) {
        double number = 0;
        const std::uint64_t bits = random();
        static_assert(sizeof number == sizeof bits);
        std::memcpy(&number, &bits, sizeof number);
        if (!std::isfinite(number)) continue;
        REQUIRE(there_and_back(number) == number);
    }
    for (const double number : {0.1 + 0.2, 5e-324, std::numeric_limits<double>::max(), 1e23, 0.1})
        CHECK(there_and_back(number) == number);
    CHECK(there_and_back(std::numeric_limits<std::uint64_t>::max()) == std::numeric_limits<std::uint64_t>::max());
    CHECK(there_and_back(std::numeric_limits<std::int64_t>::min()) == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("text that is no JSON, or nests too deep, is read as nothing", "[typed]") {
    for (const char* const bad : {"", " ", "{", "1 2", "{\"a\":1,}", "nul", "\"\xff\"", "[1,", "// c\n1"}) {
        INFO(bad);
        CHECK_FALSE(read_json(bad));
    }
    CHECK(read_json(std::string(60, '[') + std::string(60, ']')));
    CHECK_FALSE(read_json(std::string(100'000, '[') + std::string(100'000, ']')));
    CHECK(read_json(" {\"a\" : [1, 2.5, \"\\u00e9\", true, null]} ")->at("a").at(1) == 2.5);
}

TEST_CASE("what a loader does not find is remembered, and what it throws is its caller's error", "[typed]") {
    TestCache c(policy);
    const TypedSpace users(*c.cache, "user");
    int loads = 0;
    const auto nobody = [&loads]() -> std::optional<User> {
        ++loads;
        return std::nullopt;
    };
    CHECK(users.get_or_load<User>("9", nobody).status == LARDER_MISS);
    CHECK(users.get_or_load<User>("9", nobody).status == LARDER_MISS);
    CHECK(loads == 1);
    CHECK(users.get<User>("9").status == LARDER_MISS);
    CHECK(users.get_or_load<User>("8", []() -> std::optional<User> { throw std::runtime_error("away"); }).status == LARDER_E_EXCEPTION);
    CHECK_FALSE(users.get<User>("8"));
}

TEST_CASE("a stale value is answered and said to be so, and made anew behind it", "[typed]") {
    TestCache c(policy);
    const TypedSpace users(*c.cache, "user");
    users.put("1", 1);
    c.after(61min);
    const auto got = users.get_or_load<int>("1", []() -> std::optional<int> { return 2; });
    CHECK(got.value == 1);
    CHECK(got.stale);
    c.after(0ms);
    CHECK(users.get<int>("1").value == 2);
}

TEST_CASE("a host's own codec is used where it is named, and what it has no form for is not put", "[typed]") {
    TestCache c(policy);
    const TypedSpace users(*c.cache, "user");
    REQUIRE(users.put<int, Doubled>("1", 21) == LARDER_OK);
    CHECK(c.get("user", "1") == "42");
    CHECK(users.get<int, Doubled>("1").value == 21);
    CHECK(users.put<int, Doubled>("2", -1) == LARDER_E_INVALID);
    CHECK(users.get_or_load<int, Doubled>("2", []() -> std::optional<int> { return -1; }).status == LARDER_E_INVALID);
    c.put("user", "3", "bad");
    CHECK(users.get<int, Doubled>("3").status == LARDER_MISS);
    users.put<std::string, BytesCodec>("4", std::string("a\0b", 3));
    CHECK(c.get("user", "4") == std::string("a\0b", 3));
}

TEST_CASE("a typed put has the time and the tags it is given", "[typed]") {
    TestCache c(policy);
    const TypedSpace users(*c.cache, "user");
    users.put("1", 1, {5000, {{"team", "a"}}});
    CHECK(c.look("user", "1").ttl_ms == 5000);
    c.drop_tag("team:a");
    CHECK_FALSE(users.get<int>("1"));
}

TEST_CASE("a namespace that is not there answers every call with an error", "[typed]") {
    TestCache c(policy);
    const TypedSpace nothing(*c.cache, "nothing");
    CHECK_FALSE(nothing.exists());
    CHECK(nothing.get<int>("1").status == LARDER_E_INVALID);
    CHECK(nothing.put("1", 1) == LARDER_E_INVALID);
    CHECK(nothing.get_or_load<int>("1", []() -> std::optional<int> { return 1; }).status == LARDER_E_INVALID);
}
