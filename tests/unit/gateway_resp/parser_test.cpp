// tests/unit/gateway_resp/parser_test.cpp -- requests in chunks, hostile lengths, mutated bytes.
#include "plugins/gateway_resp/parser.hpp"

#include "catch.hpp"
#include "resp_client.hpp"

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace larder::resp {
namespace {

struct Outcome {
    std::vector<std::vector<std::string>> requests;
    std::string error;
};

// Feeds text in chunks that next() names the sizes of.
template <class Next>
Outcome parse(std::string_view text, Next&& next, RequestLimits limits = {},
              bool authenticated = true) {
    RequestParser parser(limits);
    Buffer in;
    Outcome out;
    while (out.error.empty()) {
        for (;;) {
            const Parsed parsed = parser.next(in, authenticated);
            if (parsed == Parsed::Error) {
                out.error = parser.error();
                break;
            }
            if (parsed == Parsed::Incomplete) {
                break;
            }
            out.requests.emplace_back(parser.args().begin(), parser.args().end());
        }
        if (text.empty()) {
            break;
        }
        const std::size_t size = std::min(text.size(), next());
        in.append(text.substr(0, size));
        text.remove_prefix(size);
    }
    return out;
}
Outcome parse(std::string_view text) {
    return parse(text, [] { return std::size_t{1} << 20; });
}

std::string error_of(std::string_view text, RequestLimits limits = {}, bool authenticated = true) {
    return parse(
               text, [] { return std::size_t{1} << 20; }, limits, authenticated)
        .error;
}

std::string session() {
    return "*2\r\n$3\r\nGET\r\n$5\r\na\r\nbc\r\nPING\r\n*0\r\n*-1\r\n\r\n"
           "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\n" +
           std::string("\0\xff*", 3) + "\r\nset \"a\\x41\\n\" 'it\\'s' b\r\n";
}

std::vector<std::vector<std::string>> session_requests() {
    return {{"GET", "a\r\nbc"},
            {"PING"},
            {"SET", "", std::string("\0\xff*", 3)},
            {"set", "aA\n", "it's", "b"}};
}

TEST_CASE("a stream cut at any one byte gives the same requests") {
    const std::string bytes = session();
    REQUIRE(parse(bytes).requests == session_requests());
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        bool first = true;
        const Outcome out = parse(bytes, [&] {
            const std::size_t size = first ? cut : bytes.size();
            first = false;
            return size;
        });
        INFO("cut at " << cut);
        REQUIRE(out.error.empty());
        REQUIRE(out.requests == session_requests());
    }
    REQUIRE(parse(bytes, [] { return std::size_t{1}; }).requests == session_requests());
}

TEST_CASE("each hostile length is an error with Redis' text and reserves nothing") {
    CHECK(error_of("*1000000000\r\n") == "Protocol error: invalid multibulk length");
    CHECK(error_of("*99999999999999999999999") == "Protocol error: invalid multibulk length");
    CHECK(error_of("*1048577\r\n") == "Protocol error: invalid multibulk length");
    CHECK(error_of("*x\r\n") == "Protocol error: invalid multibulk length");
    CHECK(error_of("*1\r\n$-1\r\n") == "Protocol error: invalid bulk length");
    CHECK(error_of("*1\r\n$67108865\r\n") == "Protocol error: invalid bulk length");
    CHECK(error_of("*1\r\n$9223372036854775808\r\n") == "Protocol error: invalid bulk length");
    CHECK(error_of("*1\r\n$01\r\n") == "Protocol error: invalid bulk length");
    CHECK(error_of("*1\r\n:1\r\n") == "Protocol error: expected '$', got ':'");
    CHECK(error_of("*1\r\n$1\r\nabc") == "Protocol error: invalid bulk length");
    CHECK(error_of("a \"b\r\n") == "Protocol error: unbalanced quotes in request");
    CHECK(error_of("'a'b\r\n") == "Protocol error: unbalanced quotes in request");
    CHECK(error_of(std::string(70'000, 'a')) == "Protocol error: too big inline request");
    CHECK(error_of("*11\r\n", {}, false) == "Protocol error: unauthenticated multibulk length");
    CHECK(error_of("*1\r\n$16385\r\n", {}, false) == "Protocol error: unauthenticated bulk length");
    RequestLimits small;
    small.bulk = 100;
    small.request = 150;
    CHECK(error_of("*1\r\n$101\r\n", small) == "Protocol error: invalid bulk length");
    CHECK(error_of("*2\r\n$100\r\n" + std::string(100, 'x') + "\r\n$100\r\n", small) ==
          "Protocol error: request over the limit of 150 bytes");
}

TEST_CASE("a length is judged the same whether much or nothing follows it") {
    // With bytes behind it a length line is read at once, else digit by digit.
    const std::string much(100, 'x');
    for (const char* wrong : {"03", "00", "+3", "-3", " 3", "3 ", "", "3x", "99999999999", "1e1"}) {
        INFO(wrong);
        const std::string line = "*1\r\n$" + std::string(wrong) + "\r\n";
        CHECK(error_of(line) == "Protocol error: invalid bulk length");
        CHECK(error_of(line + much) == "Protocol error: invalid bulk length");
    }
    CHECK(error_of("*1\r\n$3\rx" + much) == "Protocol error: invalid bulk length");
    const std::string value(123456, 'v');
    const Outcome whole = parse("*1\r\n$123456\r\n" + value + "\r\n");
    REQUIRE(whole.requests.size() == 1);
    CHECK(whole.requests[0][0] == value);
}

TEST_CASE("an announced length does not make the buffer grow") {
    RequestParser parser({});
    Buffer in;
    in.append("*1000000\r\n$60000000\r\nabc");
    REQUIRE(parser.next(in, true) == Parsed::Incomplete);
    CHECK(in.capacity() <= 4096);
    CHECK(parser.missing() == 60'000'000 - 3 + 2);
}

TEST_CASE("mutated streams end in requests or an error, the same in any chunks") {
    const char* given = std::getenv("LARDER_SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : 20261120u;
    INFO("LARDER_SEED=" << seed);
    std::mt19937 random(seed);
    const std::string base = test::RespClient::request({"SET", "user:1", "some value"}) +
                             "GET user:1\r\n" + test::RespClient::request({"MGET", "a", "b"});
    constexpr char alphabet[] = "*$-+:0123456789\r\n\"'\\x GETa\0";
    for (int round = 0; round < 20'000; ++round) {
        std::string text = base;
        const unsigned edits = 1 + random() % 4;
        for (unsigned e = 0; e < edits; ++e) {
            const std::size_t at = random() % text.size();
            const char byte = alphabet[random() % (sizeof alphabet - 1)];
            switch (random() % 3) {
                case 0:
                    text[at] = byte;
                    break;
                case 1:
                    text.insert(at, 1, byte);
                    break;
                default:
                    text.erase(at, 1 + random() % 3);
                    break;
            }
        }
        const Outcome whole = parse(text);
        const Outcome chunks = parse(text, [&] { return std::size_t{1 + random() % 7}; });
        CAPTURE(round, text);
        REQUIRE(chunks.error == whole.error);
        REQUIRE(chunks.requests == whole.requests);
    }
}

TEST_CASE("globs match as Redis' do, in time that a hostile pattern cannot blow up") {
    CHECK(glob_match("*", ""));
    CHECK(glob_match("user:*", "user:42"));
    CHECK_FALSE(glob_match("user:*", "menu:42"));
    CHECK(glob_match("h?llo", "hello"));
    CHECK(glob_match("h[ae]llo", "hallo"));
    CHECK_FALSE(glob_match("h[ae]llo", "hillo"));
    CHECK(glob_match("h[^e]llo", "hallo"));
    CHECK_FALSE(glob_match("h[^e]llo", "hello"));
    CHECK(glob_match("h[a-c]llo", "hbllo"));
    CHECK(glob_match("h[c-a]llo", "hbllo"));
    CHECK(glob_match("a\\*b", "a*b"));
    CHECK_FALSE(glob_match("a\\*b", "axb"));
    CHECK(glob_match("*a*b*c", "xxaxxbxxbxc"));
    CHECK_FALSE(glob_match("a", ""));
    CHECK_FALSE(glob_match("[", ""));
    std::string stars;
    for (int i = 0; i < 200; ++i) {
        stars += "*a";
    }
    CHECK_FALSE(glob_match(stars + "b", std::string(10'000, 'a')));
}

TEST_CASE("numbers are read as strictly as Redis reads them") {
    std::int64_t n = 0;
    CHECK((parse_integer("-9223372036854775808", n) && n == INT64_MIN));
    for (const char* wrong :
         {"", "-", "+1", "01", "-0", " 1", "1 ", "9223372036854775808", "1.0"}) {
        INFO(wrong);
        CHECK_FALSE(parse_integer(wrong, n));
    }
    CHECK((parse_integer("0", n) && n == 0));
}

}  // namespace
}  // namespace larder::resp
