// tests/unit/replay/access_log_test.cpp -- lines of nginx, Apache and uvicorn, and of nobody.
#include "kernel/replay/access_log.hpp"
#include "tests/catch.hpp"

#include <random>
#include <string>
#include <vector>

using namespace larder::replay;

namespace {

struct Line {
    std::string method, path, query;
    std::uint64_t at_ms = 0, size = 0, cost_us = 0;
    std::uint32_t status = 0;
};

std::vector<Line> lines_of(AccessLog& log) {
    std::vector<Line> out;
    for (Operation op; log.next(op);)
        out.push_back({std::string(op.method), std::string(op.path), std::string(op.query), op.at_ms, op.size, op.cost_us, op.status});
    return out;
}

constexpr const char* combined =
    "10.0.0.1 - ann [10/Oct/2026:13:55:36 +0200] \"GET /v1.0/user/42?a=1 HTTP/1.1\" 200 2326 \"http://x/\" \"curl/7.88 \\\"x\\\"\" 0.123\n"
    "10.0.0.1 - - [10/Oct/2026:11:55:38 +0000] \"PUT /v1.0/user/update/42 HTTP/1.1\" 422 - \"-\" \"-\"\n";

}  // namespace

TEST_CASE("a line of nginx gives method, path, query, status, size, time and cost") {
    AccessLog log(combined, {});
    const auto all = lines_of(log);
    REQUIRE(all.size() == 2);
    CHECK(all[0].method == "GET");
    CHECK(all[0].path == "/v1.0/user/42");
    CHECK(all[0].query == "a=1");
    CHECK(all[0].status == 200);
    CHECK(all[0].size == 2326);
    CHECK(all[0].cost_us == 123'000);
    CHECK(all[0].at_ms == 0);
    CHECK(log.began_ms() == 1'791'633'336'000);  // date -ud '2026-10-10 11:55:36' +%s
    CHECK(all[1].at_ms == 2000);
    CHECK(all[1].status == 422);
    CHECK(log.bad() == 0);
}

TEST_CASE("a number without a point behind the agent is Apache's microseconds") {
    AccessLog log("h - - [10/Oct/2026:13:55:36 +0200] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\" 1500\n", {});
    const auto all = lines_of(log);
    REQUIRE(all.size() == 1);
    CHECK(all[0].cost_us == 1500);
}

TEST_CASE("a common line has no agent and is read by the same reader") {
    const std::string text = "1.2.3.4 - - [10/Oct/2026:13:55:36 +0000] \"GET http://host/a/b HTTP/1.0\" 200 7\n";
    CHECK(detect_log_format(text) == LogFormat::common);
    AccessLog log(text, {});
    const auto all = lines_of(log);
    REQUIRE(all.size() == 1);
    CHECK(all[0].path == "/a/b");
    CHECK(all[0].size == 7);
}

TEST_CASE("uvicorn's lines have no time and come evenly") {
    const std::string text =
        "INFO:     Started server process [1]\n"
        "INFO:     127.0.0.1:52134 - \"GET /v1.0/user/1 HTTP/1.1\" 200 OK\n"
        "INFO:     127.0.0.1:52134 - \"POST /v1.0/user/create HTTP/1.1\" 201 Created\n";
    REQUIRE(detect_log_format(text) == LogFormat::uvicorn);
    AccessLogOptions options;
    options.format = LogFormat::uvicorn;
    options.per_second = 10;
    options.value_bytes = 99;
    AccessLog log(text, options);
    const auto all = lines_of(log);
    REQUIRE(all.size() == 2);
    CHECK(all[1].at_ms == 100);
    CHECK(all[1].status == 201);
    CHECK(all[0].size == 99);
    CHECK(log.bad() == 1);
}

TEST_CASE("the formats are told apart by the first line that is one") {
    CHECK(detect_log_format(combined) == LogFormat::combined);
    CHECK(detect_log_format("rubbish\n\n" + std::string(combined)) == LogFormat::combined);
    CHECK_FALSE(detect_log_format("").has_value());
    CHECK_FALSE(detect_log_format("larder 1\nnamespace a { key \"{x}\" }\n").has_value());
}

TEST_CASE("lines that are none are counted, the first ones kept, and what a terminal would obey is escaped") {
    std::string text = "\x1b[31mred\n";
    for (int i = 0; i < 9; ++i) text += "not a line\n";
    text += combined;
    AccessLog log(text, {});
    CHECK(lines_of(log).size() == 2);
    CHECK(log.bad() == 10);
    REQUIRE(log.first_bad().size() == 3);
    CHECK(log.first_bad()[0].number == 1);
    CHECK(log.first_bad()[0].text == "\\x1b[31mred");
}

TEST_CASE("a time that goes back does not turn the clock back") {
    AccessLog log(
        "h - - [10/Oct/2026:13:55:40 +0000] \"GET /a HTTP/1.1\" 200 1\n"
        "h - - [10/Oct/2026:13:55:30 +0000] \"GET /b HTTP/1.1\" 200 1\n",
        {});
    const auto all = lines_of(log);
    REQUIRE(all.size() == 2);
    CHECK(all[1].at_ms == 0);
}

TEST_CASE("what cannot be a request is refused") {
    for (const char* const text : {"h - - [99/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 200 1", "h - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 999 1",
                                   "h - - [10/Oct/2026:13:55:36 +0000] \"GET /", "h - - [10/Oct/2026:13:55:36 +0000] \"\\x16\\x03\" 400 1",
                                   "h - - [10/Oct/2026:13:55:36 +0000] \"get / HTTP/1.1\" 200 1", "h - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 200 many"}) {
        AccessLog log(text, {});
        CHECK(lines_of(log).empty());
        CHECK(log.bad() == 1);
    }
}

TEST_CASE("any bytes are read to their end") {
    std::mt19937_64 random(7);
    for (int round = 0; round < 2000; ++round) {
        std::string text(combined);
        for (int i = 0; i < 12; ++i) text[random() % text.size()] = static_cast<char>(random());
        if (round % 3 == 0) text.resize(random() % text.size());
        for (const LogFormat format : {LogFormat::combined, LogFormat::uvicorn}) {
            AccessLogOptions options;
            options.format = format;
            AccessLog log(text, options);
            const std::size_t good = lines_of(log).size();
            CHECK(good + log.bad() <= log.lines());
        }
        static_cast<void>(detect_log_format(text));
    }
}
