// tests/unit/plugins/route_event_test.cpp -- what each kind of line says, and which say nothing.
#include "plugins/invalidator_route/route_event.hpp"

#include "plugins/invalidator_route/line_splitter.hpp"
#include "tests/catch.hpp"

#include <random>
#include <string>
#include <vector>

using namespace larder::invalidator_route;

namespace {

// "PUT /path query 200", or "no".
std::string said(bool understood, const RouteEvent& e) {
    return understood ? e.method + " " + e.path + " " + e.query + " " + std::to_string(e.status)
                      : "no";
}
std::string plain(std::string_view line) {
    RouteEvent e;
    const bool ok = read_plain(line, e);
    return said(ok, e);
}
std::string common(std::string_view line) {
    RouteEvent e;
    const bool ok = read_common_log(line, e);
    return said(ok, e);
}
std::string json(std::string_view line,
                 const JsonLine& reader = JsonLine("method", "path", "status")) {
    RouteEvent e;
    const bool ok = reader.read(line, e);
    return said(ok, e);
}

}  // namespace

TEST_CASE("a datagram line is METHOD PATH STATUS and nothing else") {
    CHECK(plain("PUT /v1.0/user/update/42 200") == "PUT /v1.0/user/update/42  200");
    CHECK(plain("DELETE /a?b=1&c=2 204") == "DELETE /a b=1&c=2 204");
    CHECK(plain("POST /a%20b 201") == "POST /a%20b  201");
    CHECK(plain("POST http://shop.example/a/b?c 201") == "POST /a/b c 201");
    for (const char* bad : {"", " ", "PUT", "PUT /a", "PUT  200", "PUT a 200", "PUT /a b 200",
                            "PUT /a 99", "PUT /a 600", "PUT /a 200x", "PUT /a -200", "PU T /a 200",
                            "P\"T /a 200", "PUT /a 99999999999999999999", "GET example.com:443 200",
                            "OPTIONS * 200", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG /a 200"}) {
        CAPTURE(bad);
        CHECK(plain(bad) == "no");
    }
}

TEST_CASE("common and combined log lines of nginx and Apache are read") {
    CHECK(
        common(
            R"(127.0.0.1 - - [20/Nov/2026:11:00:00 +0000] "PUT /v1.0/user/update/42 HTTP/1.1" 200 17)") ==
        "PUT /v1.0/user/update/42  200");
    CHECK(
        common(
            R"(10.0.0.1 - frank [20/Nov/2026:11:00:00 +0000] "POST /a?x=1 HTTP/2.0" 201 2 "https://e/" "Mozilla \"5\"")") ==
        "POST /a x=1 201");
    CHECK(common(R"(shop:443 ::1 - - [20/Nov/2026:11:00:00 +0000] "GET / HTTP/1.0" 304 0)") ==
          "GET /  304");
    CHECK(common(R"(1.1.1.1 - - [x] "GET /a\"b\\c\x41\xC3\xA4 HTTP/1.1" 200 1)") ==
          "GET /a\"b\\cA\xC3\xA4  200");
    CHECK(common(R"(1.1.1.1 - - [x] "GET /with space HTTP/1.1" 200 1)") == "GET /with space  200");
    CHECK(common(R"(1.1.1.1 - - [x] "GET /old" 200 1)") == "GET /old  200");
}

TEST_CASE("log lines that hold no request are refused") {
    for (const char* bad :
         {"", "\"", "] \"", R"(1.1.1.1 - - [x] "" 400 0)", R"(1.1.1.1 - - [x] "-" 408 0)",
          R"(1.1.1.1 - - [x] "\x16\x03\x01\x02" 400 150)",
          R"(1.1.1.1 - - [x] "GET /a HTTP/1.1 200 1)", R"(1.1.1.1 - - [x] "GET /a HTTP/1.1" - 1)",
          R"(1.1.1.1 - - [x] "GET /a HTTP/1.1")", R"(1.1.1.1 - - [x] "GET /a HTTP/1.1" 20)",
          R"(1.1.1.1 - - [x] "CONNECT a:443 HTTP/1.1" 200 1)", "PUT /v1.0/user/update/42 200",
          R"(1.1.1.1 - - [x] "GET /a\)", R"(1.1.1.1 - - [x] "GET /\x)"}) {
        CAPTURE(bad);
        CHECK(common(bad) == "no");
    }
}

TEST_CASE("JSON lines are read by the members that are named, also inside objects") {
    CHECK(json(R"({"method":"PUT","path":"/a?b","status":200})") == "PUT /a b 200");
    CHECK(json(R"({"status":"404","path":"/\u00e4","method":"GET","more":[1,{"x":null}]})") ==
          "GET /\xC3\xA4  404");
    const JsonLine caddy("request.method", "request.uri", "status");
    CHECK(json(R"({"request":{"method":"GET","uri":"/x"},"status":200})", caddy) == "GET /x  200");
    for (const char* bad :
         {"", "{", "[]", "null", "1", R"({"method":"PUT","path":"/a"})",
          R"({"method":"PUT","path":"a","status":200})", R"({"method":1,"path":"/a","status":200})",
          R"({"method":"PUT","path":"/a","status":200.5})",
          R"({"method":"PUT","path":"/a","status":-1})",
          R"({"method":"PUT","path":"/a","status":200} x)",
          R"({"method":"PUT","path":"/a","status":1e30})"}) {
        CAPTURE(bad);
        CHECK(json(bad) == "no");
    }
    std::string deep(60'000, '[');
    CHECK(json(deep) == "no");
    CHECK(json(R"({"request":5,"status":200})", caddy) == "no");
}

TEST_CASE("no junk makes a reader fault or invent a request without a path") {
    const std::uint64_t seed = 4711;
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const std::string base =
        R"(1.1.1.1 - - [x] "PUT /v1.0/user/update/42?x={"a":1} HTTP/1.1" 200 17 "\x41")";
    for (int i = 0; i < 50'000; ++i) {
        std::string line = base;
        for (std::uint64_t k = random() % 6; k > 0; --k) {
            line[random() % line.size()] = static_cast<char>(random());
        }
        line.resize(random() % (line.size() + 1));
        for (int reader = 0; reader < 3; ++reader) {
            RouteEvent e;
            const bool ok = reader == 0   ? read_plain(line, e)
                            : reader == 1 ? read_common_log(line, e)
                                          : JsonLine("a", "b", "c").read(line, e);
            if (ok) {
                REQUIRE_FALSE(e.method.empty());
                REQUIRE(e.path.starts_with('/'));
                REQUIRE((e.status >= 100 && e.status <= 599));
            }
        }
    }
}

TEST_CASE("lines come out whole however they come in, and long ones are skipped and counted") {
    const std::string text = "one\ntwo\r\n\n" + std::string(LineSplitter::longest, 'x') + "\n" +
                             std::string(LineSplitter::longest + 1, 'y') + "\nthree\nnot yet";
    const std::size_t step = GENERATE(1u, 7u, 4096u, 1'000'000u);
    LineSplitter lines;
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < text.size(); at += step) {
        lines.feed(std::string_view(text).substr(at, step),
                   [&](std::string_view line) { seen.emplace_back(line); });
    }
    REQUIRE(seen.size() == 5);
    CHECK(seen[0] == "one");
    CHECK(seen[1] == "two");
    CHECK(seen[2].empty());
    CHECK(seen[3].size() == LineSplitter::longest);
    CHECK(seen[4] == "three");
    CHECK(lines.too_long() == 1);
    lines.feed(" any more\n", [&](std::string_view line) { seen.emplace_back(line); });
    CHECK(seen.back() == "not yet any more");
}
