// tests/unit/warmer_redis/key_text_test.cpp -- keys that a policy's text makes, and what errors of a server mean.
#include "plugins/warmer_redis/redis_source.hpp"
#include "plugins/warmer_redis/refusal.hpp"
#include "tests/catch.hpp"

using larder::plugin::bytes_of;
using larder::warmer_redis::fill_key;
using larder::warmer_redis::refusal_of;

namespace {

std::optional<std::string> filled(std::string_view text, std::string_view id,
                                  std::size_t longest = 1000) {
    const larder_pair pairs[] = {{bytes_of("id"), bytes_of(id)}, {bytes_of("lang"), bytes_of("de")}};
    std::string why;
    auto key = fill_key(text, pairs, longest, why);
    CHECK(key.has_value() == why.empty());
    return key;
}

}  // namespace

TEST_CASE("fields stand in the key as they are, whatever bytes they have") {
    CHECK(filled("user:{id}:{lang}", "7") == "user:7:de");
    CHECK(filled("user:{id}", "a b\r\n*1\r\n$8\r\nFLUSHALL\r\n") ==
          "user:a b\r\n*1\r\n$8\r\nFLUSHALL\r\n");
    CHECK(filled("{id}", std::string_view("\0\xff{lang}", 8)) == std::string("\0\xff{lang}", 8));
    CHECK(filled("{{{id}}}:{{x}}", "7") == "{7}:{x}");
    CHECK(filled("all", "7") == "all");
    CHECK(filled("{id}", "") == "");
}

TEST_CASE("a name that is no field, a brace that is open and no text at all make no key") {
    for (const char* text : {"", "user:{name}", "user:{id", "user:}", "user:{}", "{value}"}) {
        INFO(text);
        CHECK_FALSE(filled(text, "7"));
    }
}

TEST_CASE("a key as long as max_key is made, and a longer one is not") {
    CHECK(filled("user:{id}", "12345", 10) == "user:12345");
    CHECK_FALSE(filled("user:{id}", "123456", 10));
    CHECK_FALSE(filled("user:{id}:{lang}", std::string(1000, 'x'), 10));
}

TEST_CASE("an error of a server has a status, and nothing of what was asked is told of it") {
    CHECK(refusal_of("WRONGTYPE Operation against a key holding the wrong kind of value").status ==
          LARDER_E_INVALID);
    CHECK(refusal_of("NOAUTH Authentication required.").status == LARDER_E_DENIED);
    CHECK(refusal_of("NOPERM No permissions to access the 'secret' key").status == LARDER_E_DENIED);
    CHECK(refusal_of("LOADING Redis is loading the dataset in memory").status == LARDER_E_BUSY);
    CHECK(refusal_of("MOVED 3999 127.0.0.1:6381").status == LARDER_E_CONFIG);
    CHECK(refusal_of("READONLY You can't write against a read only replica.").status ==
          LARDER_E_IO);
    for (const char* said : {"NOPERM No permissions to access the 'secret' key", "MOVED secret",
                             "ERR unknown command 'GET', with args beginning with: 'secret'",
                             "ERR no \"secret\" here", "ERR a `secret`"}) {
        INFO(said);
        CHECK(refusal_of(said).words.find("secret") == std::string::npos);
    }
    CHECK(refusal_of("ERR internal error").words == "ERR internal error");
    CHECK(refusal_of("ERR \x1b[31m\nred").words == "ERR .[31m.red");
    CHECK(refusal_of(std::string(100'000, 'x')).words.size() <= 120);
    CHECK(refusal_of("").status == LARDER_E_IO);
}
