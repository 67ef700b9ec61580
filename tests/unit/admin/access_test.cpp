// tests/unit/admin/access_test.cpp -- who may ask, and how often.
#include "catch.hpp"
#include "kernel/serve/access.hpp"

#include <larder/plugin/abi.h>

#include <map>

using namespace larder;
using serve::RateLimit;
using serve::TokenBook;
using test::contains;

namespace {

config::AdminToken token(std::string name, std::uint32_t role, std::string env) {
    config::AdminToken made;
    made.name = std::move(name);
    made.role = role;
    made.secret.kind = config::Reference::Kind::env;
    made.secret.name = std::move(env);
    return made;
}

config::Environment environment(std::map<std::string, std::string> values) {
    config::Environment out;
    out.env = [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
        const auto it = values.find(std::string(name));
        return it == values.end() ? std::nullopt : std::optional(it->second);
    };
    return out;
}

}  // namespace

TEST_CASE("a token is found by its whole secret, and by nothing shorter, longer or nearly right") {
    std::string problem;
    const auto book = TokenBook::read({token("ops", LARDER_ROLE_ADMIN, "A"), token("app", LARDER_ROLE_READ, "B")},
                                      environment({{"A", "0123456789abcdef"}, {"B", "fedcba9876543210"}}), problem);
    REQUIRE(book);
    REQUIRE(book->find("Bearer 0123456789abcdef"));
    CHECK(book->find("Bearer 0123456789abcdef")->name == "ops");
    CHECK(book->find("bearer fedcba9876543210")->role == LARDER_ROLE_READ);
    for (const char* wrong : {"", "Bearer ", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "0123456789abcdef",
                              "Basic 0123456789abcdef", "Bearer 0123456789abcdeF", "Bearer"})
        CHECK(book->find(wrong) == nullptr);
}

TEST_CASE("a secret that leads nowhere, is short, or is somebody else's is refused by the token's name") {
    std::string problem;
    CHECK_FALSE(TokenBook::read({token("ops", LARDER_ROLE_ADMIN, "A")}, environment({}), problem));
    CHECK_THAT(problem, contains("ops") && contains("env:A is not set"));
    CHECK_FALSE(TokenBook::read({token("ops", LARDER_ROLE_ADMIN, "A")}, environment({{"A", "short"}}), problem));
    CHECK_THAT(problem, contains("16 bytes"));
    CHECK_FALSE(TokenBook::read({token("ops", LARDER_ROLE_ADMIN, "A"), token("app", LARDER_ROLE_READ, "B")},
                                environment({{"A", "0123456789abcdef"}, {"B", "0123456789abcdef"}}), problem));
    CHECK_THAT(problem, contains("same secret as ops"));
}

TEST_CASE("a client that asks too often waits, others do not, and time gives it back") {
    ManualClock clock;
    RateLimit limit(10, clock);
    for (int i = 0; i < 20; ++i) CHECK(limit.allow("a"));
    CHECK_FALSE(limit.allow("a"));
    CHECK(limit.allow("b"));
    clock.advance(Ms(100));
    CHECK(limit.allow("a"));
    CHECK_FALSE(limit.allow("a"));
}

TEST_CASE("more clients than can be remembered are refused, until the first are idle again") {
    ManualClock clock;
    RateLimit limit(1, clock);
    for (int i = 0; i < 4096; ++i) REQUIRE(limit.allow(std::to_string(i)));
    CHECK_FALSE(limit.allow("one more"));
    clock.advance(Ms(60'000));
    CHECK(limit.allow("one more"));
}
