// tests/unit/gateway_http/head_parser_test.cpp -- heads: what is read, and what is refused (RFC 9112).
#include "catch.hpp"
#include "messages.hpp"

#include <string>
#include <vector>

namespace larder::test {
namespace {

using namespace http;

struct Refusal {
    const char* what;
    std::string text;
    int status;
};

}  // namespace

TEST_CASE("a request's line, fields and framing are read") {
    Head head;
    Framing body;
    const std::string text = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-length:  12 \r\nX-Thing: a\tb\r\n\r\nrest";
    const Parsed parsed = read_request(text, head, body);
    REQUIRE(parsed.state == Parsed::State::done);
    CHECK(text.substr(parsed.used) == "rest");
    CHECK(head.method() == "POST");
    CHECK(head.target() == "/a?b=c");
    CHECK(head.first(Name::content_length) == "12");
    CHECK(head.first("x-thing") == "a\tb");
    CHECK((body.kind == Framing::Kind::length && body.length == 12));
}

TEST_CASE("a head that comes in pieces is read once it is whole") {
    const std::string text = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    std::size_t searched = 0;
    Head head;
    Framing body;
    for (std::size_t n = 0; n < text.size(); ++n)
        REQUIRE(parse_request(text.substr(0, n), {}, searched, head, body).state == Parsed::State::more);
    CHECK(parse_request(text, {}, searched, head, body).used == text.size());
}

TEST_CASE("shapes that smuggle a request are refused") {
    const std::string line = "POST / HTTP/1.1\r\nHost: x\r\n";
    const std::vector<Refusal> refusals = {
        {"both framings", line + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"both framings, other order", line + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", 400},
        {"two lengths", line + "Content-Length: 4\r\nContent-Length: 5\r\n\r\n", 400},
        {"the same length twice", line + "Content-Length: 4\r\nContent-Length: 4\r\n\r\n", 400},
        {"a list of lengths", line + "Content-Length: 4, 4\r\n\r\n", 400},
        {"a signed length", line + "Content-Length: +4\r\n\r\n", 400},
        {"a hexadecimal length", line + "Content-Length: 0x4\r\n\r\n", 400},
        {"an endless length", line + "Content-Length: 99999999999999999999\r\n\r\n", 400},
        {"no length", line + "Content-Length: \r\n\r\n", 400},
        {"a coding after chunked", line + "Transfer-Encoding: chunked, identity\r\n\r\n", 501},
        {"another coding", line + "Transfer-Encoding: xchunked\r\n\r\n", 501},
        {"a coding twice", line + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"a coding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"a coding with a control", line + "Transfer-Encoding: \x0b" "chunked\r\n\r\n", 400},
        {"a folded line", line + "Content-Length:\r\n 4\r\n\r\n", 400},
        {"a fold at the beginning", "POST / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
        {"a space before the colon", line + "Content-Length : 4\r\n\r\n", 400},
        {"a space in a name", line + "Content Length: 4\r\n\r\n", 400},
        {"no colon", line + "Content-Length\r\n\r\n", 400},
        {"an empty name", line + ": 4\r\n\r\n", 400},
        {"a zero byte", line + "X: a" + std::string(1, '\0') + "b\r\n\r\n", 400},
        {"a carriage return in a value", line + "X: a\rb\r\n\r\n", 400},
        {"a line feed alone", "GET / HTTP/1.1\nHost: x\n\n", 400},
        {"a line feed alone between lines", "GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400},
        {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two hosts", line + "Host: y\r\n\r\n", 400},
        {"a control in the target", "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"no version", "GET /\r\nHost: x\r\n\r\n", 400},
        {"another version", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        {"no method", " / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a method that is no token", "G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a target that is too long", "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
        {"a head that is too long", line + "X: " + std::string(70'000, 'a'), 431},
    };
    for (const Refusal& refusal : refusals) {
        INFO(refusal.what);
        Head head;
        Framing body;
        const Parsed parsed = read_request(refusal.text, head, body);
        CHECK(parsed.state == Parsed::State::refused);
        CHECK(parsed.status == refusal.status);
        CHECK(std::string(parsed.why == nullptr ? "" : parsed.why).size() > 5);
    }
}

TEST_CASE("whatever bytes come, a head that is taken lies within them and its fields within it") {
    const std::string seed_text = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\nX: a b\r\n\r\nrest";
    static constexpr char odd[] = "\r\n :;\t\0aG/1.0,\"\x80\xff";
    constexpr std::string_view bytes(odd, sizeof odd - 1);
    std::uint64_t state = 42;
    const auto random = [&](std::size_t n) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return std::size_t{(state >> 33) % n};
    };
    for (int round = 0; round < 50'000; ++round) {
        std::string text = seed_text;
        for (std::size_t change = random(6); change > 0; --change) {
            const std::size_t at = random(text.size());
            if (random(2) == 0) text[at] = bytes[random(bytes.size())];
            else if (random(2) == 0) text.erase(at, 1 + random(4));
            else text.insert(at, 1, bytes[random(bytes.size())]);
            if (text.empty()) text = "x";
        }
        Head head;
        Framing body;
        const Parsed parsed = read_request(text, head, body);
        if (parsed.state != Parsed::State::done) continue;
        REQUIRE(parsed.used <= text.size());
        REQUIRE_FALSE((head.has(Name::content_length) && head.has(Name::transfer_encoding)));
        for (const Field& field : head.fields) {
            REQUIRE(field.value_at + field.value_size <= head.text.size());
            REQUIRE(is_token(head.name(field)));
            REQUIRE(head.value(field).find_first_of("\r\n") == std::string_view::npos);
        }
    }
}

TEST_CASE("more headers than the limit are refused") {
    std::string text = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 200; ++i) text += "A: b\r\n";
    Head head;
    Framing body;
    CHECK(read_request(text + "\r\n", head, body).status == 431);
}

TEST_CASE("an application's answer is read leniently where that is safe, and refused where it is not") {
    const Head folded = answer("X: a\r\n  b\r\nY: c\r\n");
    CHECK(folded.first("x").starts_with("a"));
    CHECK(folded.first("x").ends_with("b"));
    CHECK(folded.first("y") == "c");
    CHECK(answer("Content-Length: 4\r\nContent-Length: 4\r\n").status == 200);
    CHECK(answer("", "HTTP/1.1 404 Not here").reason() == "Not here");
    CHECK(answer("Content-Length: 4\r\nContent-Length: 5\r\n").status == 0);
    CHECK(answer("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n").status == 0);
    CHECK(answer("Transfer-Encoding: gzip, chunked\r\n").status == 0);
    CHECK(answer("", "HTTP/3 200 OK").status == 0);
    CHECK(answer("", "HTTP/1.1 20 OK").status == 0);
}

TEST_CASE("what has no body has none whatever its head says") {
    for (const char* line : {"HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified", "HTTP/1.1 100 Continue"}) {
        Head head;
        Framing body;
        std::size_t searched = 0;
        const std::string text = std::string(line) + "\r\nContent-Length: 5\r\n\r\n";
        REQUIRE(parse_answer(text, {}, searched, false, head, body).state == Parsed::State::done);
        CHECK(body.kind == Framing::Kind::none);
    }
}

TEST_CASE("names are known whatever their case, and unknown ones are other") {
    CHECK(name_of("CACHE-control") == Name::cache_control);
    CHECK(name_of("cache-contro") == Name::other);
    CHECK(name_of("xkey") == Name::xkey);
    CHECK(name_of("") == Name::other);
}

}  // namespace larder::test
