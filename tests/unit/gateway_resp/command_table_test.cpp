// tests/unit/gateway_resp/command_table_test.cpp -- the table is whole, and docs/resp.md says what
// it says.
#include "plugins/gateway_resp/command_table.hpp"

#include "catch.hpp"
#include "resp_client.hpp"

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

namespace larder::resp {
namespace {

TEST_CASE("every command is found by its name in any case, and nothing else is") {
    std::set<std::string_view> names;
    for (const Command& command : commands()) {
        CAPTURE(command.name);
        CHECK(names.insert(command.name).second);
        CHECK(command.arity != 0);
        CHECK(command.role >= LARDER_ROLE_READ);
        CHECK_FALSE(command.summary.empty());
        const std::size_t bar = command.name.find('|');
        std::string upper(command.name.substr(bar == std::string_view::npos ? 0 : bar + 1));
        for (char& c : upper) {
            c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        }
        if (bar == std::string_view::npos) {
            CHECK(find_command(upper) == &command);
            CHECK(find_command(upper + "x") != &command);
        } else {
            const Command* container = find_command(command.name.substr(0, bar));
            REQUIRE(container != nullptr);
            CHECK((container->flags & kContainer) != 0);
            CHECK(find_subcommand(*container, upper) == &command);
        }
        // A handler counts on the arguments that its arity promises.
        CHECK((command.run != nullptr || (command.flags & kContainer) != 0));
        CHECK(std::abs(command.arity) > command.first_key);
    }
    CHECK(find_command("") == nullptr);
    CHECK(find_command("client|id") == nullptr);
}

TEST_CASE("every command with too few and too many arguments is refused, and none crashes") {
    test::TestGateway gateway;
    test::RespClient c = gateway.client();
    for (const Command& command : commands()) {
        std::string words(command.name);
        for (char& ch : words) {
            ch = ch == '|' ? ' ' : ch;
        }
        // These change what the connection is, or answer once for each argument.
        if (command.name == "quit" || command.name == "monitor" ||
            (command.group == "pubsub" && (command.flags & kPubSub) != 0) ||
            command.name.starts_with("client|reply")) {
            continue;
        }
        for (int extra = 0; extra < 12; ++extra) {
            CAPTURE(words);
            const std::string reply = c.say(words);
            CHECK(reply != "closed");
            CHECK(reply != "silence");
            const bool container = (command.flags & kContainer) != 0;
            const int given =
                1 + extra + (command.name.find('|') != std::string_view::npos ? 1 : 0);
            const bool fits = command.arity > 0 ? given == command.arity : given >= -command.arity;
            if (!fits && !container) {
                CHECK(reply == "-ERR wrong number of arguments for '" + std::string(command.name) +
                                   "' command");
            }
            words += " user:1";
        }
        c.say("DISCARD");
    }
    CHECK(c.say("PING") == "+PONG");
}

TEST_CASE("COMMAND tells what the table says") {
    test::TestGateway gateway;
    test::RespClient c = gateway.client();
    CHECK(c.ask({"COMMAND", "COUNT"}) == ":" + std::to_string(top_level_count()));
    CHECK(c.ask({"COMMAND", "INFO", "get"}) ==
          "[[$get :2 [+readonly +fast] :1 :1 :1 [+@read +@fast] [] [] []]]");
    CHECK(c.ask({"COMMAND", "INFO", "nope", "client|id"}).starts_with("[nil array [$client|id :2"));
    CHECK(c.ask({"COMMAND", "DOCS", "get"}).starts_with("[$get [$summary $The value of a key"));
    CHECK(c.ask({"COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2"}) == "[$a $b]");
    CHECK(c.ask({"COMMAND", "GETKEYS", "GET"}) ==
          "-ERR Invalid number of arguments specified for command");
    CHECK(c.ask({"COMMAND", "GETKEYS", "nope", "x"}) == "-ERR Invalid command specified");
    CHECK(c.ask({"COMMAND", "GETKEYS", "PING", "x"}) == "-ERR The command has no key arguments");
    CHECK(c.ask({"COMMAND", "LIST", "FILTERBY", "PATTERN", "get*"}) ==
          "[$get $getset $getdel $getex $getbit $getrange]");
    CHECK(c.ask({"COMMAND", "LIST", "FILTERBY", "PATTERN", "client|get*"}) ==
          "[$client|getname $client|getredir]");
    CHECK(c.ask({"COMMAND"}).size() > 3000);
    CHECK(c.ask({"CLIENT", "HELP"}).starts_with("[+CLIENT <subcommand>"));
}

// LARDER_UPDATE=1 writes the table into the page.
TEST_CASE("docs/resp.md holds the table of commands as it is") {
    const std::string path = LARDER_SOURCE_DIR "/docs/resp.md";
    std::ifstream file(path);
    std::stringstream read;
    read << file.rdbuf();
    std::string page = read.str();
    const std::string begin =
        "<!-- commands: made from plugins/gateway_resp/command_table.cpp -->\n";
    const std::string end = "\n<!-- end of commands -->";
    const std::size_t from = page.find(begin), to = page.find(end);
    REQUIRE(from != std::string::npos);
    REQUIRE(to != std::string::npos);
    const std::string table = command_markdown();
    if (std::getenv("LARDER_UPDATE") != nullptr) {
        page.replace(from + begin.size(), to - from - begin.size(), table);
        std::ofstream(path) << page;
        return;
    }
    const std::string present = page.substr(from + begin.size(), to - from - begin.size());
    INFO("run test_gateway_resp with LARDER_UPDATE=1 to write it");
    CHECK(present == table);
}

}  // namespace
}  // namespace larder::resp
