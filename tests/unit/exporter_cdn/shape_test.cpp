// tests/unit/exporter_cdn/shape_test.cpp -- requests as Fastly and Cloudflare document them.
#include "catch.hpp"
#include "plugins/exporter_cdn/shape.hpp"

#include <algorithm>

using namespace larder::exporter_cdn;

namespace {

Batch of(std::vector<std::string> tags, bool soft = false) {
    Batch out;
    out.soft = soft;
    for (std::string& tag : tags) {
        out.tags.push_back({std::move(tag), soft, 0});
    }
    return out;
}

Batch everything() {
    Batch out;
    out.everything = true;
    return out;
}

std::string header(const Message& message, std::string_view name) {
    const auto found = std::find_if(message.headers.begin(), message.headers.end(), [&](const auto& one) { return one.first == name; });
    return found == message.headers.end() ? "-" : found->second;
}

}  // namespace

TEST_CASE("Fastly gets keys in one header, soft ones with its header for that, and purge_all for everything") {
    const Message hard = message_for(Shape::fastly, "S1", "t0ken", of({"a", "b:1"}));
    CHECK(hard.path == "/service/S1/purge");
    CHECK(header(hard, "Surrogate-Key") == "a b:1");
    CHECK(header(hard, "Fastly-Key") == "t0ken");
    CHECK(header(hard, "Fastly-Soft-Purge") == "-");
    CHECK(hard.body.empty());
    CHECK(header(message_for(Shape::fastly, "S1", "t0ken", of({"a"}, true)), "Fastly-Soft-Purge") == "1");
    const Message all = message_for(Shape::fastly, "S1", "t0ken", everything());
    CHECK(all.path == "/service/S1/purge_all");
    CHECK(header(all, "Surrogate-Key") == "-");
}

TEST_CASE("Cloudflare gets tags as JSON, at most thirty a call, and purge_everything") {
    const Message tags = message_for(Shape::cloudflare, "Z1", "t0ken", of({"a", "b\"1"}));
    CHECK(tags.path == "/zones/Z1/purge_cache");
    CHECK(header(tags, "Authorization") == "Bearer t0ken");
    CHECK(tags.body == R"({"tags":["a","b\"1"]})");
    CHECK(message_for(Shape::cloudflare, "Z1", "t0ken", everything()).body == R"({"purge_everything":true})");
    CHECK(most_tags(Shape::cloudflare) == 30);
}

TEST_CASE("what would break a request's lines or path is refused") {
    for (const char* wrong : {"", "a b", "a,b", "a\r\nX: y", "\xC3\xB6"}) {
        INFO(wrong);
        CHECK_FALSE(is_sayable(wrong));
    }
    CHECK(is_sayable("user:42%"));
    CHECK_FALSE(is_sayable(std::string(1025, 'a')));
    CHECK_FALSE(is_id("a/b"));
    CHECK_FALSE(is_id(""));
    CHECK(is_id("SU1Z0isxPaozGVKXdv0eY"));
    CHECK_FALSE(is_token("a\nb"));
    CHECK_FALSE(is_token(""));
}
