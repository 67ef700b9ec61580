// tests/unit/gateway_resp/larder_commands_test.cpp -- LARDER ..., and what a server is asked about
// itself.
#include "catch.hpp"
#include "resp_client.hpp"

namespace larder::test {
namespace {

TEST_CASE("what a guard refuses is told with the counts, and done with CONFIRM behind the target") {
    TestGateway gateway;
    gateway.cache.refuse_guarded("{\"refused\":[{\"entries\":3}]}");
    RespClient c = gateway.client();
    for (const auto& words : {std::vector<std::string>{"LARDER", "DROP", "user"},
                              {"LARDER", "EXPIRE", "user"},
                              {"LARDER", "REFRESH", "TAG", "x"},
                              {"LARDER", "DROP", "user", "MATCHING", "4*"}}) {
        CHECK(c.ask(words) ==
              "-REFUSED a guard of the policy wants this confirmed: LARDER DROP ... CONFIRM. "
              "{\"refused\":[{\"entries\":3}]}");
        std::vector<std::string> confirmed = words;
        confirmed.push_back("CONFIRM");
        CHECK(c.ask(confirmed) == ":1");
    }
    CHECK(c.ask({"LARDER", "DROP", "user", "confirm"}).starts_with("-REFUSED"));  // a key
}

TEST_CASE("FLUSHALL that a guard refuses names the command that confirms") {
    resp::Users users;
    users.add({"default", "secret", LARDER_ROLE_ADMIN});
    TestGateway gateway({}, std::move(users));
    gateway.cache.refuse_guarded("{}");
    RespClient c = gateway.client();
    REQUIRE(c.ask({"AUTH", "secret"}) == "+OK");
    const std::string said = c.ask({"FLUSHALL"});
    CHECK((said.starts_with("-REFUSED") && said.find("LARDER DROP ALL CONFIRM") != said.npos));
    CHECK(c.ask({"LARDER", "DROP", "ALL", "CONFIRM"}) == ":1");
}

TEST_CASE("LARDER PUT gives tags their values, LARDER GET reads inside the namespace") {
    TestGateway gateway;
    RespClient c = gateway.client();
    CHECK(c.ask({"LARDER", "PUT", "menu.item", "i7", "soup", "WITH", "category", "5", "with",
                 "shop", "x"}) == "+OK");
    CHECK(gateway.cache.told() == std::vector<std::string>{"with category=5 shop=x"});
    CHECK(c.ask({"LARDER", "GET", "menu.item", "i7"}) == "$soup");
    CHECK(c.ask({"GET", "menu:item:i7"}) == "$soup");
    CHECK(c.ask({"LARDER", "PUT", "menu", "1", "x", "EX", "9"}) == "+OK");
    CHECK(c.ask({"TTL", "menu:1"}) == ":9");
    CHECK(c.ask({"LARDER", "PUT", "menu", "1", "x", "WITH", "a"}) ==
          "-ERR expected [EX seconds | PX milliseconds] [WITH name value]...");
    CHECK(c.ask({"LARDER", "PUT", "menu", "1", "x", "EX", "0"})
              .starts_with("-ERR invalid expire time"));
    CHECK(c.ask({"LARDER", "PUT", "menu.item", "7", "x"}) ==
          "-ERR key does not fit \"i{rest...}\" of namespace menu.item");
}

TEST_CASE("each target of a drop reaches the kernel as written") {
    const bool later = GENERATE(false, true);
    TestGateway gateway;
    gateway.cache.answer_later(later);
    gateway.cache.declare({"tag", ""});
    RespClient c = gateway.client();
    CHECK(c.ask({"LARDER", "DROP", "user"}) == ":1");
    CHECK(c.ask({"larder", "drop", "user", "42"}) == ":1");
    CHECK(c.ask({"LARDER", "EXPIRE", "user", "MATCHING", "4*"}) == ":1");
    CHECK(c.ask({"LARDER", "REFRESH", "TAG", "category:5"}) == ":1");
    CHECK(c.ask({"LARDER", "DROP", "tag", "category:5"}) == ":1");  // small letters: the namespace
    CHECK(gateway.cache.told() ==
          std::vector<std::string>{"drop namespace user ", "drop key user 42",
                                   "expire matching user 4*", "refresh tag category:5",
                                   "drop key tag category:5"});
    CHECK(c.ask({"LARDER", "DROP", "ALL"}).starts_with("-NOPERM"));
    CHECK(c.ask({"LARDER", "DROP", "nobody"}).starts_with("-ERR no namespace 'nobody'"));
    CHECK(c.ask({"LARDER", "DROP", "user", "LIKE", "4*"}) ==
          "-ERR expected NAMESPACE [KEY | MATCHING PATTERN], TAG TAG, TIER STORE or ALL");
    CHECK(c.ask({"LARDER", "DROP"}) == "-ERR wrong number of arguments for 'larder|drop' command");
}

TEST_CASE("LARDER ROUTE drops what its rules name, on the statuses they name") {
    const bool later = GENERATE(false, true);
    TestGateway gateway;
    gateway.cache.answer_later(later);
    gateway.cache.route_drops("PUT /user/update/42", "user");
    RespClient c = gateway.client();
    CHECK(c.ask({"SET", "user:42", "x"}) == "+OK");
    CHECK(c.ask({"LARDER", "ROUTE", "PUT", "/user/update/42", "422"}).starts_with("[$rules :0"));
    CHECK(c.ask({"GET", "user:42"}) == "$x");
    CHECK(c.ask({"LARDER", "ROUTE", "PUT", "/user/update/42?a=1", "200"}) ==
          "[$rules :1 $dropped :0 $expired :0 $refreshed :0 $warmed :0 $microseconds :5 $receipt "
          "${\"rules\":[\"test.larder:1\"]}]");
    CHECK(c.ask({"GET", "user:42"}) == "nil");
    CHECK(gateway.cache.told().back() == "request PUT /user/update/42 ?a=1 200");
    CHECK(c.ask({"LARDER", "ROUTE", "PUT", "user"}) == "-ERR a path begins with '/'");
    CHECK(c.ask({"LARDER", "ROUTE", "PUT", "/x", "99"}) ==
          "-ERR the status of an answer is a number from 100 to 599");
    CHECK(c.ask({"LARDER", "EVENT", "booked", "hotel", "7"}).starts_with("[$rules :1"));
    CHECK(gateway.cache.told().back() == "event booked hotel=7");
    CHECK(c.ask({"LARDER", "EVENT", "booked", "hotel"}) ==
          "-ERR expected LARDER EVENT name [name value]...");
}

TEST_CASE("reports run off the connection's thread and come back as text") {
    const bool threads = GENERATE(false, true);
    TestGateway gateway;
    RespClient c = gateway.client();
    if (threads) {
        gateway.cache.answer_later(true);  // must make no difference: these calls block
    }
    CHECK(c.ask({"LARDER", "EXPLAIN", "PUT", "/x/1"}) == "$explained: request PUT /x/1");
    CHECK(c.ask({"LARDER", "EXPLAIN", "EVENT", "booked", "hotel", "7"}) ==
          "$explained: event booked hotel=7");
    CHECK(c.ask({"LARDER", "EXPLAIN", "ENTRY", "user", "4 2"}) == "$explained: entry user 4 2");
    CHECK(c.ask({"LARDER", "EXPLAIN", "KEY", "menu:item:7"}) == "$explained: entry menu.item 7");
    CHECK(c.ask({"LARDER", "EXPLAIN", "what", "ever"}).starts_with("-ERR expected METHOD /path"));
    CHECK(c.ask({"LARDER", "STATS", "tiers"}) == "${\"section\":\"tiers\"}");
    CHECK(c.ask({"LARDER", "WARM", "menu"}) == ":3");
    CHECK(c.ask({"LARDER", "RECLAIM"}) == ":4");
    CHECK(gateway.cache.told().back() == "reclaim everything");
    CHECK(c.ask({"LARDER", "RECLAIM", "menu"}) == ":4");
    CHECK(gateway.cache.told().back() == "reclaim menu");
    CHECK(c.ask({"LARDER", "RECLAIM", "nobody"}).starts_with("-ERR no namespace 'nobody'"));
    CHECK(c.ask({"LARDER", "RECLAIM", "menu", "user"}).starts_with("-ERR wrong number of arguments"));
    CHECK(c.ask({"LARDER", "RELOAD"}).starts_with("-NOPERM"));
    CHECK_THAT(c.ask({"LARDER", "HELP"}),
               contains("DROP ns [key | MATCHING pattern] | TAG tag | ALL"));
    CHECK(c.ask({"LARDER", "NONSENSE"}) == "-ERR unknown subcommand 'NONSENSE'. Try LARDER HELP.");
}

TEST_CASE("work for other threads goes through the kernel's executor, and its answer comes back") {
    TestGateway gateway;
    larder_executor_api executor{};
    static std::vector<std::thread> pool;
    static std::atomic<bool> full{false};
    executor.struct_size = sizeof executor;
    executor.post = [](const larder_host*, std::int32_t may_block, larder_task_fn fn,
                       void* ctx) noexcept -> larder_status {
        if (full || may_block != 1) {
            return LARDER_E_BUSY;
        }
        pool.emplace_back(fn, ctx);
        return LARDER_OK;
    };
    gateway.host.set_service(LARDER_SVC_EXECUTOR, &executor);
    resp::Gateway shared(gateway.host.get(),
                         [] {
                             resp::Options o;
                             o.listen = {"127.0.0.1:0"};
                             return o;
                         }(),
                         {});
    resp::Server server(shared);
    server.start();
    RespClient c(server.address(0));
    CHECK(c.ask({"SET", "user:1", "x"}) == "+OK");
    c.send("KEYS *\r\nLARDER STATS\r\nPING\r\n");
    CHECK(c.reply() == "[$user:1]");
    CHECK(c.reply() == "${\"section\":\"\"}");
    CHECK(c.reply() == "+PONG");
    full = true;
    CHECK(c.ask({"KEYS", "*"}) == "-BUSY larder has too much to do, try again");
    full = false;
    server.stop(0);
    for (std::thread& thread : pool) {
        thread.join();
    }
    pool.clear();
}

TEST_CASE("tools get what they look for in INFO and CONFIG") {
    TestGateway gateway;
    RespClient c = gateway.client();
    CHECK(c.ask({"SET", "menu:1", "x"}) == "+OK");
    const std::string info = c.ask({"INFO"});
    for (const char* line :
         {"redis_version:7", "redis_mode:standalone", "connected_clients:1",
          "used_memory:", "loading:0", "role:master", "keyspace_hits:", "db0:keys=1,"}) {
        INFO(line);
        CHECK(info.find(line) != std::string::npos);
    }
    CHECK_THAT(c.ask({"INFO", "clients"}), !contains("redis_version"));
    CHECK(c.ask({"CONFIG", "GET", "sav*"}) == "[$save $]");
    CHECK(c.ask({"CONFIG", "GET", "save", "APPENDONLY"}) == "[$appendonly $no $save $]");
    CHECK(c.ask({"CONFIG", "GET", "nothing"}) == "[]");
    CHECK(c.ask({"TIME"}).starts_with("[$17672"));
    CHECK(c.ask({"DEBUG", "SLEEP", "0"}) == "+OK");
    CHECK(c.ask({"FUNCTION", "FLUSH"}) == "+OK");
    CHECK(c.ask({"SELECT", "0"}) == "+OK");
    CHECK(c.ask({"SELECT", "1"}) == "-ERR DB index is out of range");
    CHECK(c.ask({"OBJECT", "FREQ", "menu:1"}).starts_with("-ERR An LFU maxmemory policy"));
    CHECK(c.ask({"MEMORY", "USAGE", "menu:1"}) == ":66");
    CHECK(c.ask({"PING", "a", "b"}) == "-ERR wrong number of arguments for 'ping' command");
    CHECK(c.ask({"FOO", "a", "b"}) ==
          "-ERR unknown command 'FOO', with args beginning with: 'a' 'b' ");
}

}  // namespace
}  // namespace larder::test
