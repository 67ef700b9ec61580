// tests/unit/editor/lsp_server_test.cpp -- the language server, message by message.
#include "catch.hpp"
#include "kernel/editor/lsp_server.hpp"

#include <boost/json.hpp>

#include <random>
#include <string>
#include <vector>

using namespace larder::editor;
namespace json = boost::json;

namespace {

struct Talk {
    std::vector<json::value> heard;
    std::vector<std::string> log;
    LspServer server{{}, [this](std::string_view text) { heard.push_back(json::parse(text)); },
                     [this](std::string_view line) { log.emplace_back(line); }};

    json::value say(const std::string& message) {
        const std::size_t before = heard.size();
        server.take(message);
        return heard.size() == before ? json::value() : heard.back();
    }
    void begin() {
        say(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{}})");
        say(R"({"jsonrpc":"2.0","method":"initialized","params":{}})");
    }
    void open(const std::string& text) {
        say(json::serialize(json::object{
            {"jsonrpc", "2.0"},
            {"method", "textDocument/didOpen"},
            {"params", {{"textDocument", {{"uri", "file:///n/p.larder"}, {"version", 1}, {"text", text}}}}}}));
        server.settle();
    }
};

std::int64_t code_of(const json::value& answer) { return answer.at("error").at("code").as_int64(); }

}  // namespace

TEST_CASE("every kind of wrong message has its number") {
    Talk talk;
    CHECK(code_of(talk.say("{")) == -32700);
    CHECK(code_of(talk.say("\xff")) == -32700);
    CHECK(code_of(talk.say("[]")) == -32600);
    CHECK(code_of(talk.say("{}")) == -32600);
    CHECK(code_of(talk.say(R"({"id":{},"method":"shutdown"})")) == -32600);
    CHECK(code_of(talk.say(R"({"id":1,"method":"shutdown"})")) == -32002);
    talk.begin();
    CHECK(code_of(talk.say(R"({"id":1,"method":"initialize"})")) == -32600);
    CHECK(code_of(talk.say(R"({"id":1,"method":"nothing"})")) == -32601);
    CHECK(code_of(talk.say(R"({"id":1,"method":"textDocument/hover","params":[]})")) == -32602);
    CHECK(talk.say(R"({"id":1,"result":null})").is_null());
    CHECK(talk.say(R"({"method":"$/cancelRequest"})").is_null());
    CHECK(talk.say(R"({"id":2,"method":"shutdown"})").at("result").is_null());
    CHECK(code_of(talk.say(R"({"id":3,"method":"textDocument/hover"})")) == -32600);
    CHECK_FALSE(talk.server.is_over());
    talk.say(R"({"method":"exit"})");
    CHECK(talk.server.is_over());
    CHECK(talk.server.status() == 0);
}

TEST_CASE("a deep or a huge message ends in an error") {
    Talk talk;
    CHECK(code_of(talk.say(std::string(100'000, '['))) == -32700);
    CHECK(code_of(talk.say("{\"id\":1,\"method\":\"" + std::string(1'000'000, 'm') + "\"}")) == -32601);
}

TEST_CASE("findings come when the typing pauses, once for all that was typed") {
    Talk talk;
    talk.begin();
    talk.open("namespace a { tll 5m }\n");
    REQUIRE(talk.heard.back().at("method") == "textDocument/publishDiagnostics");
    CHECK(talk.heard.back().at("params").at("diagnostics").as_array().size() == 1);
    const std::size_t before = talk.heard.size();
    for (int i = 2; i < 50; ++i)
        talk.say(json::serialize(json::object{
            {"method", "textDocument/didChange"},
            {"params",
             {{"textDocument", {{"uri", "file:///n/p.larder"}, {"version", i}}},
              {"contentChanges", json::array{json::object{{"text", "let a = " + std::to_string(i) + "\n"}}}}}}}));
    CHECK(talk.heard.size() == before);
    talk.server.settle();
    CHECK(talk.heard.size() == before + 1);
    CHECK(talk.heard.back().at("params").at("version") == 49);
    talk.server.settle();
    CHECK(talk.heard.size() == before + 1);
}

TEST_CASE("damaged messages are answered or logged, and the server goes on") {
    Talk talk;
    talk.begin();
    talk.open("namespace a { key \"{id}\" }\n");
    const std::vector<std::string> good{
        R"({"jsonrpc":"2.0","id":7,"method":"textDocument/hover","params":{"textDocument":{"uri":"file:///n/p.larder"},"position":{"line":0,"character":10}}})",
        R"({"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///n/p.larder","version":3},"contentChanges":[{"range":{"start":{"line":0,"character":1},"end":{"line":0,"character":4}},"text":"x"}]}})",
        R"({"jsonrpc":"2.0","id":8,"method":"textDocument/completion","params":{"textDocument":{"uri":"file:///n/p.larder"},"position":{"line":0,"character":14}}})",
        R"({"jsonrpc":"2.0","id":9,"method":"textDocument/rename","params":{"textDocument":{"uri":"file:///n/p.larder"},"position":{"line":0,"character":10},"newName":"b"}})"};
    std::mt19937 random(3);
    for (int i = 0; i < 3000; ++i) {
        std::string message = good[random() % good.size()];
        for (auto n = random() % 6; n > 0; --n) {
            const std::size_t at = random() % message.size();
            switch (random() % 4) {
                case 0: message[at] = static_cast<char>(random() % 256); break;
                case 1: message.erase(at, 1 + random() % 9); break;
                case 2: message.insert(at, message.substr(random() % message.size(), random() % 20)); break;
                default: message.insert(at, 1, "{}[]\",:0-"[random() % 9]);
            }
            if (message.empty()) message = "{";
        }
        if (message.find("exit") == std::string::npos && message.find("shutdown") == std::string::npos) talk.say(message);
        if (i % 100 == 0) talk.server.settle();
        talk.heard.clear();
    }
    talk.open("namespace a { key \"{id}\"; static }\n");
    CHECK(talk.say(good[0]).at("result").at("contents").at("value").as_string().find("no rule drops it") != json::string::npos);
}
