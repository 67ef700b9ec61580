// tests/unit/admin/openapi_test.cpp -- the description of the API says what the API does.
#include "catch.hpp"
#include "tests/unit/admin/served.hpp"

#include <set>

using namespace larder;
using test::Served;

namespace {

const char* const policy = "larder 1\nnamespace user { key \"{user_id}\"; ttl 5m }\n";

std::string upper(std::string text) {
    for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return text;
}

std::string filled(std::string path) {
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{'))
        path.replace(at, path.find('}') - at + 1, path.substr(at, 11) == "{namespace}" ? "user" : "x");
    return path;
}

}  // namespace

TEST_CASE("every described operation is routed, and every route is described once for each mount") {
    Served larder(policy, "mount = [\"/a\", \"/b\"]");
    const auto document = larder.json("GET", "/openapi.json");
    CHECK(document.at("openapi") == "3.0.3");
    std::set<std::string> described;
    for (const auto& path : document.at("paths").as_object())
        for (const auto& operation : path.value().as_object()) {
            const std::string at(path.key()), method = upper(std::string(operation.key()));
            described.insert(method + " " + at);
            INFO(method << " " << at);
            const auto reply = larder.ask(method, filled(at), {}, "");
            const bool open = operation.value().as_object().contains("security");
            if (open) CHECK(reply.status != 401);
            else CHECK(reply.status == 401);
            const auto known = larder.ask(method, filled(at));
            CHECK(known.status != 405);
            if (known.status == 404) CHECK(known.body.find("no such endpoint") == std::string::npos);
        }
    std::set<std::string> routed;
    for (const serve::Endpoint& endpoint : serve::endpoints())
        for (std::string path : serve::paths_of(endpoint, {"/a", "/b"})) {
            if (const auto dots = path.find("...}"); dots != std::string::npos) path.erase(dots, 3);
            CHECK(routed.insert(std::string(endpoint.method) + " " + path).second);
        }
    CHECK(described == routed);
}

TEST_CASE("good answers have the members that the description promises") {
    Served larder(policy);
    for (const serve::Endpoint& endpoint : serve::endpoints()) {
        if (endpoint.method != "GET" || endpoint.gives.empty()) continue;
        const std::string path = serve::paths_of(endpoint, {"/v1.0/cache"}).front();
        const auto reply = larder.ask("GET", path + (endpoint.name == "explain" ? "?what=L0202" : endpoint.name == "why" ? "?namespace=user&key=1" : ""));
        INFO(path << " " << reply.body);
        REQUIRE(reply.status == 200);
        const auto body = boost::json::parse(reply.body).as_object();
        std::string words(endpoint.gives);
        while (!words.empty()) {
            const std::string word = words.substr(0, words.find(' '));
            words.erase(0, word.size() + (word.size() < words.size() ? 1 : 0));
            INFO(word);
            CHECK(body.contains(word));
        }
    }
}
