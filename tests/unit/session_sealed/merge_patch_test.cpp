// tests/unit/session_sealed/merge_patch_test.cpp -- the examples of RFC 7386, appendix A.
#include "catch.hpp"
#include "plugins/session_sealed/merge_patch.hpp"

#include <string>

using larder::session_sealed::merged;

TEST_CASE("every example of RFC 7386 comes out as it says") {
    struct Example {
        const char *original, *patch, *result;
    };
    const Example all[] = {
        {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
        {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
        {R"({"a":"b"})", R"({"a":null})", R"({})"},
        {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
        {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
        {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
        {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
        {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
        {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
        {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
        {R"({"a":"foo"})", "null", "null"},
        {R"({"a":"foo"})", R"("bar")", R"("bar")"},
        {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
        {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
        {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
    };
    for (const Example& one : all) {
        INFO(one.original << " by " << one.patch);
        CHECK(merged(one.original, one.patch) == one.result);
    }
}

TEST_CASE("no data is an empty object, and what is no JSON is not merged") {
    CHECK(merged("", R"({"a":1})") == R"({"a":1})");
    CHECK_FALSE(merged("plain text", "{}"));
    CHECK_FALSE(merged("{}", "{"));
    CHECK_FALSE(merged("{}", std::string(100, '[') + std::string(100, ']')));
}
