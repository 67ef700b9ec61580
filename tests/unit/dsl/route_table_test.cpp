// tests/unit/dsl/route_table_test.cpp -- every rule that matches is found, once, with its captures.
#include "dsl/route_table.hpp"

#include "catch.hpp"
#include "dsl/route_glob.hpp"
#include "unit/dsl/texts.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <string>

using namespace larder::dsl;
using larder::dsl::test::text;

namespace {

RouteTable table_of(const std::vector<std::string>& routes, MethodSet methods = method_get) {
    RouteTable t;
    for (std::uint32_t i = 0; i < routes.size(); ++i) t.add(i, methods, text(routes[i]));
    t.finish();
    return t;
}

std::vector<std::uint32_t> fired(const RouteTable& t, std::string_view path,
                                 MethodSet method = method_get) {
    RouteMatches out;
    t.match(method, path, out);
    std::vector<std::uint32_t> rules;
    for (const RouteMatch& m : out) rules.push_back(m.rule);
    return rules;
}

std::vector<std::string> captures(const char* route, std::string_view path) {
    RouteMatches out;
    table_of({route}).match(method_get, path, out);
    if (out.empty()) return {"(no match)"};
    return {out[0].captures.begin(), out[0].captures.begin() + out[0].count};
}

using Rules = std::vector<std::uint32_t>;
using Values = std::vector<std::string>;

// What a route means, said a second time: straight from its text, trying everything, shortest
// first.
class Oracle {
  public:
    Oracle(const std::string& route, const std::string& path) : r_(route), p_(path) {}
    std::optional<Values> run() {
        if (!from(0, 0)) return std::nullopt;
        return Values(captures_.rbegin(), captures_.rend());
    }

  private:
    bool ends_segment(std::size_t i) const { return i == r_.size() || r_[i] == '/'; }

    bool from(std::size_t i, std::size_t j) {
        if (i == r_.size()) return j == p_.size();
        if (r_.compare(i, 3, "/**") == 0 && ends_segment(i + 3)) return segments(i + 3, j);
        if (r_.compare(i, 2, "**") == 0) return some(i + 2, j, 0, true, false);
        if (r_[i] == '*') {
            const bool whole = r_[i - 1] == '/' && ends_segment(i + 1);
            return some(i + 1, j, whole ? 1 : 0, false, false);
        }
        if (r_[i] == '{') {
            const std::size_t close = r_.find('}', i);
            return some(close + 1, j, 1, r_[close - 1] == '.', true);
        }
        return j < p_.size() && r_[i] == p_[j] && from(i + 1, j + 1);
    }

    bool segments(std::size_t i, std::size_t j) {
        if (from(i, j)) return true;
        if (j == p_.size() || p_[j] != '/') return false;
        for (std::size_t e = j + 1; e <= p_.size(); ++e) {
            if ((e == p_.size() || p_[e] == '/') && from(i, e)) return true;
        }
        return false;
    }

    bool some(std::size_t i, std::size_t j, std::size_t least, bool crosses, bool keeps) {
        for (std::size_t e = j; e <= p_.size(); ++e) {
            if (e - j >= least && from(i, e)) {
                if (keeps) captures_.push_back(p_.substr(j, e - j));
                return true;
            }
            if (e < p_.size() && p_[e] == '/' && !crosses) return false;
        }
        return false;
    }

    const std::string& r_;
    const std::string& p_;
    Values captures_;  // the last one first
};

}  // namespace

TEST_CASE("literal routes match their path and nothing else") {
    const RouteTable t = table_of({"/a/b", "/a", "/", "/a/b/c"});
    CHECK(fired(t, "/a/b") == Rules{0});
    CHECK(fired(t, "/a") == Rules{1});
    CHECK(fired(t, "/") == Rules{2});
    CHECK(fired(t, "/x").empty());
    CHECK(fired(t, "/a/b/c/d").empty());
    CHECK(fired(t, "/ab").empty());
}

TEST_CASE("every rule that matches is reported, in ascending order and once") {
    const RouteTable t = table_of({"/u/**", "/u/{id}", "/u/42", "/u/4*", "/**", "/u/{rest...}"});
    CHECK(fired(t, "/u/42") == Rules{0, 1, 2, 3, 4, 5});
    CHECK(fired(t, "/u/57") == Rules{0, 1, 4, 5});
    CHECK(fired(t, "/u") == Rules{0, 4});
    CHECK(fired(t, "/u/42/x") == Rules{0, 4, 5});
}

TEST_CASE("a rule fires for its methods only") {
    RouteTable t;
    t.add(0, method_write, text("/x"));
    t.add(1, method_get | method_head, text("/x"));
    t.finish();
    CHECK(fired(t, "/x", method_patch) == Rules{0});
    CHECK(fired(t, "/x", method_head) == Rules{1});
    CHECK(fired(t, "/x", method_options).empty());
}

TEST_CASE("captures are the segments they stand for") {
    CHECK(captures("/v1/{a}/x/{b}", "/v1/7/x/8") == Values{"7", "8"});
    CHECK(captures("/v1/{id}.json", "/v1/7.json") == Values{"7"});
    CHECK(captures("/v1/{id}.json", "/v1/.json") == Values{"(no match)"});
    CHECK(captures("/v1/{a}-{b}", "/v1/x-y-z") == Values{"x", "y-z"});
    CHECK(captures("/f/{path...}", "/f/a/b/c") == Values{"a/b/c"});
    CHECK(captures("/f/{x}/{path...}", "/f/a/b/c") == Values{"a", "b/c"});
    CHECK(captures("/f/{path...}", "/f") == Values{"(no match)"});
    CHECK(captures("/v1.0/user/{rest...}/activate**", "/v1.0/user/1/2/activate/now") ==
          Values{"1/2"});
}

TEST_CASE("stars inside a segment and deep stars anywhere") {
    const RouteTable t = table_of({"/u/create*", "/u/create**", "/u/{r...}/activate**", "/a/**/b"});
    CHECK(fired(t, "/u/create") == Rules{0, 1});
    CHECK(fired(t, "/u/created") == Rules{0, 1});
    CHECK(fired(t, "/u/create/now") == Rules{1});
    CHECK(fired(t, "/u/7/activate") == Rules{2});
    CHECK(fired(t, "/u/7/8/activate/x") == Rules{2});
    CHECK(fired(t, "/u/activate").empty());
    CHECK(fired(t, "/a/b") == Rules{3});
    CHECK(fired(t, "/a/x/y/b") == Rules{3});
    CHECK(fired(t, "/a/xb").empty());
}

TEST_CASE("a star alone is one non-empty segment") {
    const RouteTable t = table_of({"/x/*"});
    CHECK(fired(t, "/x/y") == Rules{0});
    CHECK(fired(t, "/x").empty());
    CHECK(fired(t, "/x/y/z").empty());
}

TEST_CASE("events match by name, whatever the method") {
    RouteTable t;
    t.add(0, 0, text("prices_changed"));
    t.add(1, 0, text("prices*"));
    t.add(2, 0, text("**"));
    t.add(3, 0, text("order {id}"));
    t.finish();
    CHECK(fired(t, "prices_changed", 0) == Rules{0, 1, 2});
    CHECK(fired(t, "other/thing", 0) == Rules{2});
    CHECK(fired(t, "/prices_changed", 0).size() <= 1);
    CHECK(fired(t, "order 7", 0) == Rules{2, 3});
}

TEST_CASE("a route is read in the spelling requests are brought into") {
    const RouteTable t = table_of({"/caf\xC3\xA9//menu/", "/%7Euser/%2fx", "/a b"});
    std::string buffer;
    CHECK(fired(t, normalise_path("/caf%c3%a9/menu", buffer)) == Rules{0});
    CHECK(fired(t, normalise_path("/~user/%2Fx", buffer)) == Rules{1});
    CHECK(fired(t, normalise_path("/a%20b/", buffer)) == Rules{2});
}

TEST_CASE("a normal path is given back as it is, without a copy") {
    std::string buffer;
    const std::string path = "/v1.0/user/a.b:c@d/42";
    CHECK(normalise_path(path, buffer).data() == path.data());
    CHECK(buffer.empty());
}

TEST_CASE("paths that mean the same are spelled the same") {
    std::string buffer;
    const auto normal = [&buffer](std::string_view p) {
        return std::string(normalise_path(p, buffer));
    };
    CHECK(normal("/%61%2d%7E") == "/a-~");
    CHECK(normal("/a%3ab") == "/a:b");
    CHECK(normal("/a%2fb") == "/a%2Fb");
    CHECK(normal("/a%00%zz%") == "/a%00%25zz%25");
    CHECK(normal("/a b\xC3\xA9") == "/a%20b%C3%A9");
    CHECK(normal("//a///b//") == "/a/b");
    CHECK(normal("/a/./b/../c") == "/a/c");
    CHECK(normal("/a/%2e%2E/c") == "/c");
    CHECK(normal("/../../x") == "/x");
    CHECK(normal("/a/b/..") == "/a");
    CHECK(normal("/.hidden/..x/y.") == "/.hidden/..x/y.");
    CHECK(normal("/a?b=/c#d") == "/a");
    CHECK(normal("/a#d?x") == "/a");
    CHECK(normal("") == "/");
    CHECK(normal("?x") == "/");
    CHECK(normal("/..") == "/");
    CHECK(normal("a/b") == "/a/b");
}

TEST_CASE("normalising twice changes nothing") {
    const unsigned seed = 99;
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::string letters = "a/.%2eF?#: \x80";
    for (int i = 0; i < 20000; ++i) {
        std::string path = "/", first, second;
        for (std::size_t k = random() % 14; k-- > 0;) path += letters[random() % letters.size()];
        const std::string once(normalise_path(path, first));
        CAPTURE(path);
        REQUIRE(normalise_path(once, second) == once);
        REQUIRE(once.find("//") == std::string::npos);
        REQUIRE(once.find("/../") == std::string::npos);
    }
}

TEST_CASE("a capture's value is what the application sees") {
    std::string buffer;
    CHECK(capture_value("a%20b%2F", buffer) == "a b/");
    CHECK(capture_value("100%25", buffer) == "100%");
    const std::string_view plain = "42";
    CHECK(capture_value(plain, buffer).data() == plain.data());
}

TEST_CASE("the table agrees with a naive matcher on 100000 random routes and paths") {
    const unsigned seed = 4711;
    CAPTURE(seed);
    std::mt19937 random(seed);
    const char* segments[] = {"a",   "b",       "ab",     "{p}",      "*",   "**",
                              "a*",  "*b",      "{q}.b",  "a{q}",     "a**", "**b",
                              "a*b", "{q}-{s}", "{r...}", "a{r...}b", "b-a"};
    const char* words[] = {"a", "b", "ab", "a.b", "b-a", "aab", "abb", "a-b-a", "b.b"};
    std::vector<std::string> routes;
    while (routes.size() < 1000) {
        std::string route;
        std::map<std::string, int> used;
        for (std::size_t k = 1 + random() % 4; k-- > 0;) {
            const std::string segment = segments[random() % std::size(segments)];
            bool twice = false;  // a route gives each name once
            for (const char* name : {"{p}", "{q}", "{s}", "{r...}"}) {
                twice = twice || (segment.find(name) != std::string::npos && used[name]++ > 0);
            }
            route += "/" + (twice ? "b" : segment);
        }
        routes.push_back(route);
    }
    std::size_t pairs = 0, matches = 0;
    for (int batch = 0; batch < 10; ++batch) {
        const std::vector<std::string> some(routes.begin() + batch * 100,
                                            routes.begin() + batch * 100 + 100);
        const RouteTable t = table_of(some);
        for (int k = 0; k < 100; ++k) {
            std::string path;
            for (std::size_t n = 1 + random() % 5; n-- > 0;) {
                path += std::string("/") + words[random() % std::size(words)];
            }
            RouteMatches out;
            t.match(method_get, path, out);
            std::size_t next = 0;
            for (std::uint32_t r = 0; r < some.size(); ++r, ++pairs) {
                const std::optional<Values> expected = Oracle(some[r], path).run();
                const bool found = next < out.size() && out[next].rule == r;
                CAPTURE(some[r], path);
                REQUIRE(found == expected.has_value());
                if (!found) continue;
                ++matches;
                REQUIRE(Values(out[next].captures.begin(),
                               out[next].captures.begin() + out[next].count) == *expected);
                ++next;
            }
            REQUIRE(next == out.size());
        }
    }
    CHECK(pairs == 100000);
    CHECK(matches > 3000);
}

TEST_CASE("a route and a path made to hurt are answered in bounded time") {
    std::string route = "/x", path = "/x";
    for (int i = 0; i < 16; ++i) route += "/**/a";
    for (int i = 0; i < 2000; ++i) path += "/a";
    const RouteTable t =
        table_of({route, "/x/" + std::string("*a*a*a*a*a*a*a*a*a*a*b"), route + "b"});
    CHECK(fired(t, path) == Rules{0});
    CHECK(fired(t, path + "c").empty());
    CHECK(fired(t, "/x/" + std::string(5000, 'a')).empty());
}

TEST_CASE("routes deeper than the trie and paths deeper than any route") {
    std::string deep, deeper;
    for (int i = 0; i < 40; ++i) deep += "/s" + std::to_string(i);
    for (int i = 0; i < 500; ++i) deeper += "/s";
    const RouteTable t = table_of({deep, deep + "/{x}", "/s/**"});
    CHECK(fired(t, deep) == Rules{0});
    CHECK(fired(t, deep + "/y") == Rules{1});
    CHECK(fired(t, deeper) == Rules{2});
}

TEST_CASE("an empty table matches nothing") {
    CHECK(fired(RouteTable(), "/x").empty());
    CHECK(fired(RouteTable(), "").empty());
}
