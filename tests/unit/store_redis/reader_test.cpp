// tests/unit/store_redis/reader_test.cpp -- replies out of bytes, however they are cut, and no byte more
// than the limits allow.
#include "plugins/redis_wire/reader.hpp"

#include "tests/catch.hpp"

#include <algorithm>

using namespace larder::redis_wire;
using Type = Reply::Type;
using Got = Reader::Got;

TEST_CASE("each kind of reply is read, whatever pieces it comes in") {
    const std::string wire = "+OK\r\n-ERR no\r\n:-42\r\n$5\r\nhello\r\n$-1\r\n*3\r\n$1\r\na\r\n$-1\r\n:7\r\n*-1\r\n*0\r\n";
    for (std::size_t piece = 1; piece <= wire.size(); ++piece) {
        Reader reader{ReplyLimits{}};
        std::vector<std::string> seen;
        for (std::size_t at = 0; at < wire.size(); at += piece) {
            REQUIRE(reader.feed(wire.data() + at, std::min(piece, wire.size() - at)));
            while (reader.next() == Got::reply) {
                const Reply& reply = reader.reply();
                seen.push_back(reply.type() == Type::array     ? "*" + std::to_string(reply.root().size)
                               : reply.type() == Type::integer ? std::to_string(reply.integer())
                               : reply.type() == Type::nil     ? "nil"
                                                               : std::string(reply.text()));
            }
        }
        REQUIRE(seen == std::vector<std::string>{"OK", "ERR no", "-42", "hello", "nil", "*3", "nil", "*0"});
    }
}

TEST_CASE("elements of an array stand behind it in order") {
    Reader reader{ReplyLimits{}};
    const std::string wire = "*3\r\n$30\r\n" + std::string(30, 'x') + "\r\n$-1\r\n$3\r\nabc\r\n";
    reader.feed(wire.data(), wire.size());
    REQUIRE(reader.next() == Got::reply);
    Reply& reply = reader.reply();
    REQUIRE(reply.is_flat());
    CHECK(reply.at(0).text() == std::string(30, 'x'));
    CHECK(reply.at(1).type == Type::nil);
    CHECK(reply.at(2).text() == "abc");
    larder_value taken{}, brief{};
    reply.take(1, taken);
    reply.take(3, brief);
    CHECK(std::string_view(static_cast<const char*>(taken.data), taken.size) == std::string(30, 'x'));
    CHECK(std::string_view(static_cast<const char*>(brief.data), brief.size) == "abc");
    CHECK(reader.next() == Got::more);  // the values outlive the reply
    CHECK(std::string_view(static_cast<const char*>(brief.data), brief.size) == "abc");
    taken.release(&taken);
    brief.release(&brief);
}

TEST_CASE("a bomb of a few bytes costs less than a KiB before it is refused") {
    const std::string bomb = GENERATE(as<std::string>(), "*1000000000\r\n", "$9223372036854775807\r\n",
                                      "*100000\r\n*100000\r\n*100000\r\n*100000\r\n");
    Reader reader{ReplyLimits{}};
    REQUIRE(reader.feed(bomb.data(), bomb.size()));
    const Got got = reader.next();
    CHECK(reader.buffered() < 1024);
    CHECK(reader.reply().items().size() < 10);
    CHECK(reader.reply().items().capacity() * sizeof(Reply::Item) < 1024);
    if (bomb.size() < 30) {
        CHECK(got == Got::broken);
        CHECK_FALSE(reader.why().empty());
        CHECK(reader.next() == Got::broken);
    }
}

TEST_CASE("limits hold exactly: what fits is read, one byte or element more is not") {
    ReplyLimits limits;
    limits.value_bytes = 10;
    limits.reply_bytes = 25;
    limits.array_elements = 3;
    const auto judge = [&](const std::string& wire) {
        Reader reader(limits);
        reader.feed(wire.data(), wire.size());
        return reader.next();
    };
    CHECK(judge("$10\r\n0123456789\r\n") == Got::reply);
    CHECK(judge("$11\r\n0123456789x\r\n") == Got::broken);
    CHECK(judge("$11\r\n") == Got::broken);
    CHECK(judge("*3\r\n:1\r\n:2\r\n:3\r\n") == Got::reply);
    CHECK(judge("*4\r\n") == Got::broken);
    CHECK(judge("*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n$5\r\n01234\r\n") == Got::reply);
    CHECK(judge("*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n$6\r\n") == Got::broken);
}

TEST_CASE("lines and lengths without an end are refused") {
    const auto judge = [](const std::string& wire) {
        Reader reader{ReplyLimits{}};
        Got got = Got::more;
        for (std::size_t at = 0; at < wire.size() && got == Got::more; at += 16'384) {
            reader.feed(wire.data() + at, std::min<std::size_t>(16'384, wire.size() - at));
            got = reader.next();
        }
        return got;
    };
    CHECK(judge("$" + std::string(40, '1')) == Got::broken);
    CHECK(judge("+" + std::string(100'000, 'x')) == Got::broken);
    CHECK(judge("$1") == Got::more);
    CHECK(judge("?") == Got::broken);
}

TEST_CASE("an array in an array is seven deep at most") {
    const auto nested = [](int depth) {
        std::string wire;
        for (int i = 0; i < depth; ++i) {
            wire += "*1\r\n";
        }
        return wire + ":1\r\n";
    };
    Reader fits{ReplyLimits{}}, too_deep{ReplyLimits{}};
    fits.feed(nested(7).data(), nested(7).size());
    CHECK(fits.next() == Got::reply);
    too_deep.feed(nested(9).data(), nested(9).size());
    CHECK(too_deep.next() == Got::broken);
}
