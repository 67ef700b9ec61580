// tests/unit/gateway_resp/reply_test.cpp -- the two dialects, and bytes that are not copied.
#include "plugins/gateway_resp/reply.hpp"

#include "catch.hpp"

#include <limits>
#include <random>
#include <string>

namespace larder::resp {
namespace {

int released = 0;

larder_value owned(const std::string& bytes) {
    auto* copy = new std::string(bytes);
    return {copy->data(), copy->size(),
            [](larder_value* v) noexcept {
                ++released;
                delete static_cast<std::string*>(v->pin);
            },
            copy};
}

// Everything that waits, taken out in writes of at most so many bytes.
std::string drained(Output& out, std::size_t at_once) {
    std::string all;
    while (out.pending() != 0) {
        iovec parts[5];
        const std::size_t n = out.gather(parts, 5);
        std::string text;
        for (std::size_t i = 0; i < n; ++i) {
            text.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
        }
        text.resize(std::min(text.size(), at_once));
        out.sent(text.size());
        all += text;
    }
    return all;
}

template <class Write>
std::string written(int protocol, Write&& write) {
    Output out;
    ReplyWriter reply(out, protocol);
    write(reply);
    return drained(out, 1000);
}

TEST_CASE("each kind of reply is written in the client's dialect") {
    const auto both = [](auto&& write) { return written(2, write) + "|" + written(3, write); };
    CHECK(both([](ReplyWriter& r) { r.null(); }) == "$-1\r\n|_\r\n");
    CHECK(both([](ReplyWriter& r) { r.null_array(); }) == "*-1\r\n|_\r\n");
    CHECK(both([](ReplyWriter& r) { r.map(2); }) == "*4\r\n|%2\r\n");
    CHECK(both([](ReplyWriter& r) { r.set(2); }) == "*2\r\n|~2\r\n");
    CHECK(both([](ReplyWriter& r) { r.push(2); }) == "*2\r\n|>2\r\n");
    CHECK(both([](ReplyWriter& r) { r.real(1.5); }) == "$3\r\n1.5\r\n|,1.5\r\n");
    CHECK(both([](ReplyWriter& r) { r.real(std::numeric_limits<double>::infinity()); }) ==
          "$3\r\ninf\r\n|,inf\r\n");
    CHECK(both([](ReplyWriter& r) { r.verbatim("hi"); }) == "$2\r\nhi\r\n|=6\r\ntxt:hi\r\n");
    CHECK(both([](ReplyWriter& r) { r.integer(INT64_MIN); }) ==
          ":-9223372036854775808\r\n|:-9223372036854775808\r\n");
}

TEST_CASE("an error never carries a line break of its own") {
    CHECK(written(2, [](ReplyWriter& r) { r.error("ERR a\r\n+OK\nb"); }) == "-ERR a  +OK b\r\n");
}

TEST_CASE("values come out in order, whatever the sizes of writes, and are released once") {
    const unsigned seed = 7;
    INFO("seed " << seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 200; ++round) {
        Output out;
        const int protocol = 2;
        ReplyWriter reply(out, protocol);
        std::string expected;
        released = 0;
        const int values = 1 + static_cast<int>(random() % 9);
        for (int i = 0; i < values; ++i) {
            const std::size_t size =
                random() % 2 == 0 ? random() % 50 : Output::pin_from + random() % 5000;
            const std::string text(size, static_cast<char>('a' + i));
            larder_value value = owned(text);
            reply.value(value);
            expected += "$" + std::to_string(size) + "\r\n" + text + "\r\n";
        }
        CHECK(out.pending() == expected.size());
        REQUIRE(drained(out, 1 + random() % 9000) == expected);
        REQUIRE(released == values);
    }
}

TEST_CASE("what is not written when the client goes is released") {
    released = 0;
    {
        Output out;
        const int protocol = 2;
        ReplyWriter reply(out, protocol);
        for (int i = 0; i < 3; ++i) {
            larder_value value = owned(std::string(Output::pin_from, 'x'));
            reply.value(value);
        }
        out.sent(Output::pin_from + 20);
    }
    CHECK(released == 3);
}

TEST_CASE("a muted output swallows replies and releases their values") {
    Output out;
    const int protocol = 2;
    ReplyWriter reply(out, protocol);
    released = 0;
    out.mute(true);
    larder_value value = owned(std::string(Output::pin_from, 'x'));
    reply.value(value);
    reply.ok();
    CHECK(out.pending() == 0);
    CHECK(released == 1);
}

}  // namespace
}  // namespace larder::resp
