// tests/unit/api/protocol_test.cpp -- frames between the program and a kernel.
#include "catch.hpp"
#include "kernel/serve/protocol.hpp"

#include <cstring>
#include <random>

using namespace larder::serve;

namespace {

std::string_view body(const std::string& frame) { return std::string_view(frame).substr(frame_header); }

}  // namespace

TEST_CASE("a message comes out of its frame as it went in, whatever its bytes") {
    const Message message{"put", "", std::string("a\0b\r\n\xff", 6), std::string(70'000, 'x')};
    const auto frame = encode(message);
    char header[frame_header];
    std::memcpy(header, frame.data(), sizeof header);
    CHECK(frame_size(header) == frame.size() - frame_header);
    CHECK(decode(body(frame)) == message);
    CHECK(decode("") == Message{});
}

TEST_CASE("a body whose parts do not fill it exactly is no message") {
    const auto frame = encode({"get", "item", "1"});
    for (std::size_t cut = 1; cut < body(frame).size(); ++cut) {
        const auto part = body(frame).substr(0, cut);
        const auto message = decode(part);
        // A cut between two parts is a shorter message; any other is none.
        if (message) CHECK(message->size() < 3);
    }
    CHECK_FALSE(decode(std::string(body(frame)) + "x"));
    CHECK_FALSE(decode(std::string_view("\xff\xff\xff\xff", 4)));
}

TEST_CASE("a message has a bounded number of parts") {
    CHECK(decode(body(encode(Message(max_parts)))));
    CHECK_FALSE(decode(body(encode(Message(max_parts + 1)))));
}

TEST_CASE("random bytes never break the decoder") {
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes(random() % 64, '\0');
        for (char& c : bytes) c = static_cast<char>(random() % 4 == 0 ? random() : random() % 3);
        if (const auto message = decode(bytes)) CHECK(body(encode(*message)) == bytes);
    }
}

TEST_CASE("an answer keeps its status and both streams; what is none is none") {
    const auto answer = to_answer(to_message({3, "out", "err"}));
    REQUIRE(answer);
    CHECK(answer->exit == 3);
    CHECK(answer->out == "out");
    CHECK(answer->err == "err");
    for (const Message& message :
         {Message{"0", "x"}, Message{"", "", ""}, Message{"-1", "", ""}, Message{"256", "", ""},
          Message{"1x", "", ""}, Message{"1", "", "", ""}})
        CHECK_FALSE(to_answer(message));
}
