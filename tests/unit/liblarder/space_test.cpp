// tests/unit/liblarder/space_test.cpp -- the C++ face: owned values and leases, typed loads, cached and invalidates.
#include "catch.hpp"

#include <larder/larder.hpp>

#include <stdexcept>

using namespace larder;

namespace {

const std::string policy =
    "larder 1\n"
    "namespace user { key \"{call...}\"; ttl 1m; tag \"users\"; stale 5m on error }\n"
    "namespace gone { key \"{id}\"; ttl 1m; absent 10s }\n"
    "on write \"/users/{id}\" { drop user }\n"
    "on event \"moved\" (id) { drop user }\n";

struct Point {
    int x = 0, y = 0;
    bool operator==(const Point&) const = default;
};

host::Kernel opened() {
    std::string problem;
    auto kernel = host::Kernel::open({.policy_text = policy, .plugin_path = LARDER_BIN_DIR "/plugins", .flags = LARDER_OPEN_VIRTUAL_TIME}, problem);
    INFO(problem);
    REQUIRE(kernel.has_value());
    return std::move(*kernel);
}

}  // namespace

template <>
struct larder::host::Codec<Point> {
    static std::optional<std::string> encode(const Point& p) { return std::to_string(p.x) + "," + std::to_string(p.y); }
    static std::optional<Point> decode(std::string_view bytes) {
        const auto comma = bytes.find(',');
        if (comma == std::string_view::npos) return std::nullopt;
        const auto x = Codec<int>::decode(bytes.substr(0, comma)), y = Codec<int>::decode(bytes.substr(comma + 1));
        return x && y ? std::optional<Point>(Point{*x, *y}) : std::nullopt;
    }
};

TEST_CASE("a typed value is loaded once, and kept as its codec writes it") {
    const host::Kernel kernel = opened();
    const host::Space user = *kernel.space("user");
    int loads = 0;
    const auto load = [&] { return ++loads, Point{3, 4}; };
    CHECK(user.get_or_load<Point>("7", load) == Point{3, 4});
    CHECK(user.get_or_load<Point>("7", load) == Point{3, 4});
    CHECK(loads == 1);
    CHECK(user.get("7").value.bytes() == "3,4");
    CHECK(user.get_as<Point>("8") == std::nullopt);
    CHECK(kernel.space("nobody") == std::nullopt);
}

TEST_CASE("what cannot be decoded is a miss and is loaded anew") {
    const host::Kernel kernel = opened();
    const host::Space user = *kernel.space("user");
    CHECK(user.put("7", "no point") == LARDER_R_DONE);
    CHECK(user.get_as<Point>("7") == std::nullopt);
    CHECK(user.put("8", "no point") == LARDER_R_DONE);
    CHECK(user.get_or_load<Point>("8", [] { return Point{1, 2}; }) == Point{1, 2});
}

TEST_CASE("zero, false and the empty text are hits") {
    const host::Kernel kernel = opened();
    const host::Space user = *kernel.space("user");
    int loads = 0;
    for (int i = 0; i < 2; ++i) {
        CHECK(user.get_or_load<int>("zero", [&] { return ++loads, 0; }) == 0);
        CHECK(user.get_or_load<bool>("false", [&] { return ++loads, false; }) == false);
        CHECK(user.get_or_load<std::string>("empty", [&] { return ++loads, std::string(); }) == "");
    }
    CHECK(loads == 3);
}

TEST_CASE("a load that throws comes through, and the next one loads") {
    const host::Kernel kernel = opened();
    const host::Space user = *kernel.space("user");
    CHECK_THROWS_AS(user.get_or_load<int>("7", []() -> int { throw std::runtime_error("down"); }), std::runtime_error);
    CHECK(user.get_or_load<int>("7", [] { return 1; }) == 1);
    larder_kernel_advance(kernel.get(), 61'000);
    CHECK(user.get_or_load<int>("7", []() -> int { throw std::runtime_error("down"); }) == 1);  // stale, on error
}

TEST_CASE("a lease that is let go of has failed") {
    const host::Kernel kernel = opened();
    const host::Space user = *kernel.space("user");
    CHECK(user.get("7").lease);
    CHECK(user.get("7").lease);
}

TEST_CASE("a function that is cached is called once for the same arguments, whatever their number and kind") {
    const host::Kernel kernel = opened();
    const host::Space user = *kernel.space("user");
    int calls = 0;
    const auto name = host::cached(user, "name", [&](int id, const std::string& language) {
        ++calls;
        return language + std::to_string(id);
    });
    CHECK(name(7, "de") == "de7");
    CHECK(name(7, "de") == "de7");
    CHECK(name(7, "fr") == "fr7");
    CHECK(name(8, "de") == "de8");
    CHECK(calls == 3);
    CHECK(user.get("name:7:de").result == LARDER_R_HIT);  // the key of tests/vectors/keys.json
}

TEST_CASE("a cached function that finds nothing is asked again, or not where the namespace says absent") {
    const host::Kernel kernel = opened();
    int calls = 0;
    const auto nothing = [&](int) -> std::optional<int> { return ++calls, std::nullopt; };
    const auto forgets = host::cached(*kernel.space("user"), "f", nothing);
    CHECK(forgets(1) == std::nullopt);
    CHECK(forgets(1) == std::nullopt);
    CHECK(calls == 2);
    const auto knows = host::cached(*kernel.space("gone"), "f", nothing);
    CHECK(knows(1) == std::nullopt);
    CHECK(knows(1) == std::nullopt);
    CHECK(calls == 3);
}

TEST_CASE("a function that invalidates drops after it returned, and not if it throws") {
    const host::Kernel kernel = opened();
    const host::Space user = *kernel.space("user");
    bool seen = false;
    const auto update = host::invalidates(user, {"glob:name:*", "key:x"}, [&](int id) {
        seen = user.get_as<std::string>("name:7").has_value();
        if (id < 0) throw std::runtime_error("no such user");
        return id;
    });
    user.put("name:7", "Ann");
    CHECK_THROWS_AS(update(-1), std::runtime_error);
    CHECK(user.get_as<std::string>("name:7") == "Ann");
    CHECK(update(7) == 7);
    CHECK(seen);
    CHECK(user.get_as<std::string>("name:7") == std::nullopt);
}

TEST_CASE("tags, routes and events reach the policy, and reports come back") {
    const host::Kernel kernel = opened();
    const host::Space user = *kernel.space("user");
    const auto gone = [&] { return !user.get_as<std::string>("7").has_value(); };
    user.put("7", "x");
    CHECK(kernel.drop_tag("users") == LARDER_R_DONE);
    CHECK(gone());
    user.put("7", "x");
    CHECK(kernel.route("PUT", "/users/7", 200) == LARDER_R_DONE);
    CHECK(gone());
    user.put("7", "x");
    CHECK(kernel.event("moved", {{"id", "7"}}) == LARDER_R_DONE);
    CHECK(gone());
    CHECK(kernel.report("json stats").has_value());
    CHECK(kernel.report("weather") == std::nullopt);
}
