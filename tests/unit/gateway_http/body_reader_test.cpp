// tests/unit/gateway_http/body_reader_test.cpp -- bodies out of the bytes that frame them (RFC 9112 6 and 7).
#include "catch.hpp"
#include "plugins/gateway_http/body_reader.hpp"

#include <algorithm>
#include <string>

namespace larder::test {
namespace {

using http::BodyReader;
using http::Framing;

struct Read {
    std::string body, rest;
    BodyReader::State state = BodyReader::State::more;
};

// As a connection does it: `step` bytes come at a time.
Read read(const Framing& framing, const std::string& text, std::size_t step) {
    BodyReader reader;
    reader.begin(framing);
    Read out;
    std::string in;
    for (std::size_t at = 0;;) {
        std::size_t used = 0;
        std::string_view piece;
        out.state = reader.next(in, used, piece);
        if (out.state == BodyReader::State::piece) out.body += piece;
        in.erase(0, used);
        if (out.state == BodyReader::State::done || out.state == BodyReader::State::broken) {
            out.rest = in + text.substr(at);
            return out;
        }
        if (out.state == BodyReader::State::more) {
            if (at == text.size()) return out;
            const std::size_t n = std::min(step, text.size() - at);
            in += text.substr(at, n);
            at += n;
        }
    }
}

const Framing chunked{Framing::Kind::chunked, 0};

}  // namespace

TEST_CASE("a body of a length is that long, and what follows is the next message's") {
    for (const std::size_t step : {1u, 3u, 100u}) {
        const Read got = read({Framing::Kind::length, 5}, "helloGET", step);
        CHECK(got.body == "hello");
        CHECK(got.rest == "GET");
        CHECK(got.state == BodyReader::State::done);
    }
}

TEST_CASE("chunks are joined, their extensions and trailers dropped, however they come") {
    const std::string text =
        "5\r\nhello\r\n1;name=\"va;lue\"\r\n \r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET";
    for (const std::size_t step : {1u, 2u, 7u, 100u}) {
        const Read got = read(chunked, text, step);
        INFO(step);
        CHECK(got.body == "hello 0123456789");
        CHECK(got.rest == "GET");
        CHECK(got.state == BodyReader::State::done);
    }
}

TEST_CASE("chunks that say one thing and do another are refused") {
    const std::string long_extension = "5;" + std::string(1000, 'a') + "\r\nhello";
    for (const std::string& text :
         {std::string("5\r\nhelloX\r\n"), std::string("5\nhello\r\n"), std::string("x\r\n"), std::string("-5\r\n"),
          std::string("+5\r\n"), std::string("5 5\r\n"), std::string("5 \r\nhello\r\n"), std::string("\r\n"),
          std::string("0x5\r\nhello"), std::string("FFFFFFFFFFFFFFFF1\r\n"), long_extension,
          std::string("5;a\rb\r\nhello"), std::string("0\r\nA: b\nC: d\r\n\r\n")}) {
        INFO(text.substr(0, 40));
        CHECK(read(chunked, text, 1).state == BodyReader::State::broken);
        CHECK(read(chunked, text, 10'000).state == BodyReader::State::broken);
    }
}

TEST_CASE("extensions and trailers are bounded over the whole body") {
    std::string text, trailers = "0\r\n";
    for (int i = 0; i < 200; ++i) text += "1;" + std::string(200, 'e') + "\r\nx\r\n";
    for (int i = 0; i < 1000; ++i) trailers += "T: 0123456789\r\n";
    CHECK(read(chunked, text, 10'000).state == BodyReader::State::broken);
    CHECK(read(chunked, trailers + "\r\n", 10'000).state == BodyReader::State::broken);
}

TEST_CASE("a body without a frame ends with the connection, and only such a body may") {
    BodyReader reader;
    reader.begin({Framing::Kind::until_close, 0});
    CHECK(reader.may_end_here());
    reader.begin({Framing::Kind::length, 5});
    CHECK_FALSE(reader.may_end_here());
    reader.begin(chunked);
    CHECK_FALSE(reader.may_end_here());
}

}  // namespace larder::test
