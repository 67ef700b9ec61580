// tests/unit/editor/message_stream_test.cpp -- messages over descriptors, and what is none.
#include "catch.hpp"
#include "kernel/editor/message_stream.hpp"

#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

using larder::editor::MessageStream;
using Kind = MessageStream::Incoming::Kind;

namespace {

// What comes out of a stream that holds these bytes: messages as they are, bad ones as "!".
std::vector<std::string> read_all(const std::string& bytes) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::thread writer([&] {
        for (std::string_view rest = bytes; !rest.empty();) {
            const ssize_t sent = ::write(ends[1], rest.data(), rest.size());
            if (sent <= 0) break;
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
        ::close(ends[1]);
    });
    MessageStream stream(ends[0], -1);
    std::vector<std::string> out;
    for (auto next = stream.next(); next.kind != Kind::end; next = stream.next())
        out.push_back(next.kind == Kind::bad ? "!" : next.text);
    writer.join();
    ::close(ends[0]);
    return out;
}

std::string framed(const std::string& body) {
    return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

using Messages = std::vector<std::string>;

}  // namespace

TEST_CASE("messages come out as they were sent, whatever header lines are among them") {
    CHECK(read_all(framed("{}") + framed("") + framed("[1]")) == Messages{"{}", "", "[1]"});
    CHECK(read_all("content-type: x\ncontent-length:  2 \n\n{}") == Messages{"{}"});
    CHECK(read_all("\r\n\r\n" + framed("{}")) == Messages{"{}"});
    const std::string large(3'000'000, 'x');
    CHECK(read_all(framed(large) + framed("y")) == Messages{large, "y"});
}

TEST_CASE("what is no message is told, and the next one is understood") {
    for (const char* bad : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "Content-Length: -1\r\n\r\n", "Content-Length: 2x\r\n\r\n",
                            "Content-Length:\r\n\r\n", "Content-Length: 99999999999999999999999\r\n\r\n"}) {
        CAPTURE(bad);
        CHECK(read_all(bad + framed("{}")) == Messages{"!", "{}"});
    }
    CHECK(read_all(std::string(50'000, 'h') + "\r\n\r\n" + framed("{}")).back() == "{}");
}

TEST_CASE("a message that is too long is passed over without being kept") {
    const std::size_t size = MessageStream::max_message_bytes + 1;
    CHECK(read_all("Content-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x') + framed("{}")) ==
          Messages{"!", "{}"});
}

TEST_CASE("a stream that ends in the middle of a message has ended") {
    CHECK(read_all("Content-Length: 10\r\n\r\n{}").empty());
    CHECK(read_all("Content-Le").empty());
    CHECK(read_all("").empty());
}

TEST_CASE("what is sent can be read, and a reader that is gone is told") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    MessageStream writer(-1, ends[1]);
    CHECK(writer.send("{\"a\": 1}"));
    MessageStream reader(ends[0], -1);
    CHECK(reader.is_waiting());
    CHECK(reader.next().text == "{\"a\": 1}");
    CHECK_FALSE(reader.is_waiting());
    ::close(ends[0]);
    ::close(ends[1]);
    CHECK_FALSE(writer.send("{}"));
}
