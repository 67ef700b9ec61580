// tests/unit/store_redis/batch_test.cpp -- requests as bytes, and where in them each command and key stands.
#include "plugins/store_redis/batch.hpp"

#include "tests/catch.hpp"

using namespace larder::store_redis;

namespace {

struct Plain final : Batch {
    explicit Plain(bool spreads) : Batch(spreads) {}
    bool on_reply(std::uint32_t, Reply&) override { return true; }
    void on_end(larder_status) noexcept override {}
    const char* name() const noexcept override { return "plain"; }
    using Batch::move_commands;
};

void write(Plain& batch) {
    batch.begin(2);
    batch.word("GET");
    batch.key("a b\r\n");
    batch.begin(5);
    batch.word("EVALSHA");
    batch.word("digest");
    batch.number(1);
    batch.key("");
    batch.number(18'446'744'073'709'551'615u);
    batch.finish_writing();
}

}  // namespace

TEST_CASE("a request is a head and words of known length") {
    Plain batch(false);
    write(batch);
    CHECK(batch.wire ==
          "*2\r\n$3\r\nGET\r\n$5\r\na b\r\n\r\n"
          "*5\r\n$7\r\nEVALSHA\r\n$6\r\ndigest\r\n$1\r\n1\r\n$0\r\n\r\n$20\r\n18446744073709551615\r\n");
    CHECK(batch.replies == 2);
    CHECK(batch.commands().empty());
}

TEST_CASE("a spread batch knows each command and its key") {
    Plain batch(true);
    write(batch);
    REQUIRE(batch.commands().size() == 2);
    CHECK(batch.wire_of(batch.commands()[0]) == "*2\r\n$3\r\nGET\r\n$5\r\na b\r\n\r\n");
    CHECK(batch.key_of(batch.commands()[0]) == "a b\r\n");
    CHECK(batch.key_of(batch.commands()[1]).empty());
    CHECK(std::string(batch.wire_of(batch.commands()[0])) +
              std::string(batch.wire_of(batch.commands()[1])) ==
          batch.wire);
}

TEST_CASE("commands stay where they are when a word before their key grows") {
    Plain batch(true);
    batch.begin(2);
    batch.word("EVALSHA");
    batch.key("one");
    batch.begin(2);
    batch.word("GET");
    batch.key("two");
    batch.finish_writing();
    const std::size_t at = batch.wire.find("$7");
    batch.wire.insert(at, "longer");
    batch.move_commands(static_cast<std::uint32_t>(at), 6);
    CHECK(batch.key_of(batch.commands()[0]) == "one");
    CHECK(batch.key_of(batch.commands()[1]) == "two");
    CHECK(batch.wire_of(batch.commands()[0]) == "*2\r\nlonger$7\r\nEVALSHA\r\n$3\r\none\r\n");
    CHECK(batch.wire_of(batch.commands()[1]) == "*2\r\n$3\r\nGET\r\n$3\r\ntwo\r\n");
}
