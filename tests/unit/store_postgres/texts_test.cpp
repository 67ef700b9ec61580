// tests/unit/store_postgres/texts_test.cpp -- names, numbers, keys as text, and statements made of them.
#include "plugins/store_postgres/round.hpp"
#include "plugins/store_postgres/statements.hpp"
#include "plugins/store_postgres/stream.hpp"
#include "tests/catch.hpp"

#include <limits>
#include <string>

using namespace larder::store_postgres;

namespace {

Options plain() {
    Options o;
    o.prefix = "larder";
    o.tables = {quoted_name("entries"), quoted_name("records"), quoted_name("leases")};
    o.columns = {quoted_name("k"), quoted_name("v"), quoted_name("n"), quoted_name("until"), quoted_name("since"), quoted_name("place")};
    return o;
}

}  // namespace

TEST_CASE("a key comes back from its payload whatever its bytes are, and the payload is plain text") {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    for (const std::string& key : {all, std::string("larder:v:{item:1}"), std::string("%41%"), std::string()}) {
        const std::string payload = payload_of(key);
        CHECK(key_of_payload(payload) == key);
        for (const char c : payload) CHECK((c > 0x20 && c < 0x7f));
    }
    CHECK(payload_of(std::string(9000, 'x')) == "*");
}

TEST_CASE("a name is quoted piece by piece, and what is no name is none") {
    CHECK(quoted_name("entries") == "\"entries\"");
    CHECK(quoted_name("cache.my entries") == "\"cache\".\"my entries\"");
    CHECK(quoted_name("x\"; DROP TABLE y; --") == "\"x\"\"; DROP TABLE y; --\"");
    for (const std::string& wrong : {std::string(), std::string("a."), std::string(".a"), std::string("a..b"), std::string(64, 'n')})
        CHECK(quoted_name(wrong).empty());
}

TEST_CASE("numbers of all bits go to Postgres and come back") {
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 63, std::numeric_limits<std::uint64_t>::max()})
        CHECK(numbers_of(number_text(number) + " 5") == std::vector<std::uint64_t>{number, 5});
    CHECK(numbers_of("").empty());
    CHECK(numbers_of("12 x").size() == 1);
}

TEST_CASE("no statement names a table or column but those of the configuration") {
    const Statements s(plain());
    for (const Only only : {Only::always, Only::absent, Only::version})
        for (const bool keeps : {false, true})
            for (const bool leased : {false, true}) {
                const std::string& sql = s.put(only, keeps, leased);
                CAPTURE(sql);
                CHECK(sql.find('@') == std::string::npos);
                CHECK(sql.find("\"entries\"") != std::string::npos);
                CHECK((sql.find("\"leases\"") != std::string::npos) == leased);
                CHECK((sql.find("NOT EXISTS") != std::string::npos) == (only == Only::absent));
            }
    for (const std::string& sql : {s.get, s.remove, s.touch, s.scan, s.clear, s.make, s.change, s.lease, s.sweep_many, s.count})
        CHECK(sql.find('@') == std::string::npos);
}

TEST_CASE("caches of another prefix or table have another channel") {
    Options other = plain();
    other.prefix = "else";
    Options moved = plain();
    moved.tables.values = quoted_name("others");
    CHECK(Statements(plain()).channel == Statements(plain()).channel);
    CHECK(Statements(plain()).channel != Statements(other).channel);
    CHECK(Statements(plain()).channel != Statements(moved).channel);
}
