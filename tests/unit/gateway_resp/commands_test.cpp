// tests/unit/gateway_resp/commands_test.cpp -- what clients ask and what they are told, over a real
// socket.
//
// Each case runs twice: the cache answers at once, and the cache answers later from another thread.
#include "catch.hpp"
#include "resp_client.hpp"

namespace larder::test {
namespace {

#define BOTH_WAYS(gateway)                                 \
    TestGateway gateway;                                   \
    const bool later = GENERATE(false, true);              \
    INFO((later ? "the cache answers later" : "at once")); \
    gateway.cache.answer_later(later)

TEST_CASE("a value comes back as it was put, whatever its bytes") {
    BOTH_WAYS(gateway);
    RespClient c(gateway.address());
    CHECK(c.ask({"GET", "user:1"}) == "nil");
    CHECK(c.ask({"SET", "user:1", std::string("a\r\n\0\xff", 5)}) == "+OK");
    CHECK(c.ask({"GET", "user:1"}) == "$" + std::string("a\r\n\0\xff", 5));
    CHECK(c.ask({"SET", "user:1", ""}) == "+OK");
    CHECK(c.ask({"GET", "user:1"}) == "$");
    const std::string large(3'000'000, 'x');
    CHECK(c.ask({"SET", "user:1", large}) == "+OK");
    CHECK(c.ask({"GET", "user:1"}) == "$" + large);
    CHECK(c.ask({"STRLEN", "user:1"}) == ":3000000");
    CHECK(c.ask({"PING"}) == "+PONG");
}

TEST_CASE("a key with any bytes stays in its namespace and comes back unchanged") {
    TestGateway gateway;
    RespClient c = gateway.client();
    const std::string odd = std::string("a:b*%\r\n\0{}", 10) + std::string(64 * 1024, 'k');
    CHECK(c.ask({"SET", "user:" + odd, "1"}) == "+OK");
    CHECK(c.ask({"GET", "user:" + odd}) == "$1");
    CHECK(c.ask({"KEYS", "user:*"}) == "[$user:" + odd + "]");
    CHECK(c.ask({"GET", "menu:" + odd}) == "nil");
}

TEST_CASE("SET knows all its options") {
    BOTH_WAYS(gateway);
    RespClient c(gateway.address());
    CHECK(c.ask({"SET", "user:a", "1", "XX"}) == "nil");
    CHECK(c.ask({"SET", "user:a", "1", "nx"}) == "+OK");
    CHECK(c.ask({"SET", "user:a", "2", "NX"}) == "nil");
    CHECK(c.ask({"SET", "user:a", "2", "NX", "GET"}) == "$1");
    CHECK(c.ask({"SET", "user:a", "3", "GET"}) == "$1");
    CHECK(c.ask({"SET", "user:b", "3", "GET"}) == "nil");
    CHECK(c.ask({"SET", "user:a", "4", "EX", "100"}) == "+OK");
    CHECK(c.ask({"TTL", "user:a"}) == ":100");
    CHECK(c.ask({"SET", "user:a", "5", "KEEPTTL"}) == "+OK");
    CHECK(c.ask({"TTL", "user:a"}) == ":100");
    CHECK(c.ask({"SET", "user:a", "6", "PX", "1500"}) == "+OK");
    CHECK(c.ask({"PTTL", "user:a"}) == ":1500");
    CHECK(c.ask({"SET", "user:a", "7"}) == "+OK");
    CHECK(c.ask({"TTL", "user:a"}) == ":60");  // the namespace's
    const auto wall = static_cast<long long>(gateway.gateway->wall_ms());
    CHECK(c.ask({"SET", "user:a", "8", "PXAT", std::to_string(wall + 2500)}) == "+OK");
    CHECK(c.ask({"PTTL", "user:a"}) == ":2500");
    CHECK(c.ask({"PEXPIRETIME", "user:a"}) == ":" + std::to_string(wall + 2500));
    for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
             {"NX", "XX"}, {"EX", "1", "PX", "1"}, {"EX"}, {"KEEPTTL", "EX", "1"}, {"WHAT"}}) {
        std::vector<std::string> request{"SET", "user:a", "x"};
        request.insert(request.end(), wrong.begin(), wrong.end());
        CHECK(c.ask(request) == "-ERR syntax error");
    }
    CHECK(c.ask({"SET", "user:a", "x", "EX", "0"}) == "-ERR invalid expire time in 'set' command");
    CHECK(c.ask({"SET", "user:a", "x", "EX", "9223372036854775807"}) ==
          "-ERR invalid expire time in 'set' command");
    CHECK(c.ask({"SET", "user:a", "x", "EX", "no"}) ==
          "-ERR value is not an integer or out of range");
    CHECK(c.ask({"SETEX", "user:a", "-1", "x"}) == "-ERR invalid expire time in 'setex' command");
    CHECK(c.ask({"SETEX", "user:a", "7", "x"}) == "+OK");
    CHECK(c.ask({"PSETEX", "user:a", "7000", "x"}) == "+OK");
    CHECK(c.ask({"SETNX", "user:a", "y"}) == ":0");
    CHECK(c.ask({"GETSET", "user:a", "z"}) == "$x");
    CHECK(c.ask({"GETDEL", "user:a"}) == "$z");
    CHECK(c.ask({"GETDEL", "user:a"}) == "nil");
    CHECK(c.ask({"SETNX", "user:a", "y"}) == ":1");
}

TEST_CASE("expiry follows the clock and its conditions") {
    BOTH_WAYS(gateway);
    RespClient c(gateway.address());
    CHECK(c.ask({"SET", "menu:1", "x"}) == "+OK");
    CHECK(c.ask({"TTL", "menu:1"}) == ":-1");
    CHECK(c.ask({"TTL", "menu:2"}) == ":-2");
    CHECK(c.ask({"EXPIRE", "menu:1", "100", "XX"}) == ":0");
    CHECK(c.ask({"EXPIRE", "menu:1", "100", "NX"}) == ":1");
    CHECK(c.ask({"EXPIRE", "menu:1", "50", "GT"}) == ":0");
    CHECK(c.ask({"EXPIRE", "menu:1", "50", "LT"}) == ":1");
    CHECK(c.ask({"PEXPIRE", "menu:1", "2400"}) == ":1");
    CHECK(c.ask({"TTL", "menu:1"}) == ":2");
    CHECK(c.ask({"PERSIST", "menu:1"}) == ":1");
    CHECK(c.ask({"PERSIST", "menu:1"}) == ":0");
    CHECK(c.ask({"EXPIRE", "menu:2", "1"}) == ":0");
    CHECK(c.ask({"EXPIRE", "menu:1", "1", "NX", "GT"}) ==
          "-ERR NX and XX, GT or LT options at the same time are not compatible");
    CHECK(c.ask({"EXPIRE", "menu:1", "1", "GT", "LT"}) ==
          "-ERR GT and LT options at the same time are not compatible");
    CHECK(c.ask({"EXPIRE", "menu:1", "1", "zz"}) == "-ERR Unsupported option zz");
    CHECK(c.ask({"EXPIRE", "menu:1", "99999999999999999"}) ==
          "-ERR invalid expire time in 'expire' command");
    CHECK(c.ask({"EXPIRE", "user:1", "99999"}) ==
          "-ERR the namespace's policy does not allow that value or time to live");
    CHECK(c.ask({"EXPIRE", "menu:1", "10"}) == ":1");
    gateway.host.advance_clock_only(std::chrono::milliseconds(10'001));
    CHECK(c.ask({"GET", "menu:1"}) == "nil");
    CHECK(c.ask({"SET", "menu:1", "x"}) == "+OK");
    CHECK(c.ask({"EXPIREAT", "menu:1", "1"}) == ":1");
    CHECK(c.ask({"EXISTS", "menu:1"}) == ":0");
    CHECK(c.ask({"SET", "menu:1", "x"}) == "+OK");
    CHECK(c.ask({"GETEX", "menu:1", "EX", "5"}) == "$x");
    CHECK(c.ask({"TTL", "menu:1"}) == ":5");
    CHECK(c.ask({"GETEX", "menu:1", "PERSIST"}) == "$x");
    CHECK(c.ask({"TTL", "menu:1"}) == ":-1");
    CHECK(c.ask({"GETEX", "menu:2", "EX", "5"}) == "nil");
    CHECK(c.ask({"GETEX", "menu:1", "EX"}) == "-ERR syntax error");
}

TEST_CASE("arithmetic is Redis' arithmetic") {
    BOTH_WAYS(gateway);
    RespClient c(gateway.address());
    CHECK(c.ask({"INCR", "user:n"}) == ":1");
    CHECK(c.ask({"INCRBY", "user:n", "41"}) == ":42");
    CHECK(c.ask({"DECR", "user:n"}) == ":41");
    CHECK(c.ask({"DECRBY", "user:n", "50"}) == ":-9");
    CHECK(c.ask({"TTL", "user:n"}) == ":60");
    CHECK(c.ask({"INCRBYFLOAT", "user:n", "0.1"}) == "$-8.9");
    CHECK(c.ask({"INCR", "user:n"}) == "-ERR value is not an integer or out of range");
    CHECK(c.ask({"INCRBYFLOAT", "user:f", "3.0e3"}) == "$3000");
    CHECK(c.ask({"INCRBYFLOAT", "user:f", "x"}) == "-ERR value is not a valid float");
    CHECK(c.ask({"SET", "user:n", "9223372036854775807"}) == "+OK");
    CHECK(c.ask({"INCR", "user:n"}) == "-ERR increment or decrement would overflow");
    CHECK(c.ask({"GET", "user:n"}) == "$9223372036854775807");
    CHECK(c.ask({"DECRBY", "user:n", "-9223372036854775808"}) == "-ERR decrement would overflow");
    CHECK(c.ask({"SET", "user:n", " 1"}) == "+OK");
    CHECK(c.ask({"INCR", "user:n"}) == "-ERR value is not an integer or out of range");
}

TEST_CASE("parts of values are read and written as Redis does") {
    BOTH_WAYS(gateway);
    RespClient c(gateway.address());
    CHECK(c.ask({"APPEND", "menu:t", "Hello"}) == ":5");
    CHECK(c.ask({"APPEND", "menu:t", " World"}) == ":11");
    CHECK(c.ask({"GETRANGE", "menu:t", "0", "4"}) == "$Hello");
    CHECK(c.ask({"GETRANGE", "menu:t", "-5", "-1"}) == "$World");
    CHECK(c.ask({"SUBSTR", "menu:t", "0", "-1"}) == "$Hello World");
    CHECK(c.ask({"GETRANGE", "menu:t", "5", "2"}) == "$");
    CHECK(c.ask({"GETRANGE", "menu:t", "-1", "-5"}) == "$");
    CHECK(c.ask({"GETRANGE", "menu:none", "0", "-1"}) == "$");
    CHECK(c.ask({"SETRANGE", "menu:t", "6", "Redis"}) == ":11");
    CHECK(c.ask({"GET", "menu:t"}) == "$Hello Redis");
    CHECK(c.ask({"SETRANGE", "menu:z", "2", "x"}) == ":3");
    CHECK(c.ask({"GET", "menu:z"}) == "$" + std::string("\0\0x", 3));
    CHECK(c.ask({"SETRANGE", "menu:y", "5", ""}) == ":0");
    CHECK(c.ask({"EXISTS", "menu:y"}) == ":0");
    CHECK(c.ask({"SETRANGE", "menu:t", "-1", "x"}) == "-ERR offset is out of range");
    CHECK(c.ask({"SETRANGE", "menu:t", "9223372036854775807", "x"}) ==
          "-ERR string exceeds maximum allowed size (proto-max-bulk-len)");
}

TEST_CASE("batches, renames and copies") {
    BOTH_WAYS(gateway);
    RespClient c(gateway.address());
    CHECK(c.ask({"MSET", "user:1", "a", "menu:1", "b", "user:1", "c"}) == "+OK");
    CHECK(c.ask({"MGET", "user:1", "user:none", "menu:1"}) == "[$c nil $b]");
    CHECK(c.ask({"MSETNX", "user:2", "x", "user:1", "y"}) == ":0");
    CHECK(c.ask({"EXISTS", "user:2"}) == ":0");
    CHECK(c.ask({"MSETNX", "user:2", "x", "user:3", "y"}) == ":1");
    CHECK(c.ask({"EXISTS", "user:1", "user:1", "user:9"}) == ":2");
    CHECK(c.ask({"DEL", "user:1", "user:1", "user:9"}) == ":1");
    CHECK(c.ask({"UNLINK", "user:2"}) == ":1");
    CHECK(c.ask({"RENAME", "user:3", "user:4"}) == "+OK");
    CHECK(c.ask({"GET", "user:4"}) == "$y");
    CHECK(c.ask({"RENAME", "user:3", "user:4"}) == "-ERR no such key");
    CHECK(c.ask({"RENAME", "user:4", "user:4"}) == "+OK");
    CHECK(c.ask({"RENAMENX", "user:4", "menu:1"}) == ":0");
    CHECK(c.ask({"RENAMENX", "user:4", "user:5"}) == ":1");
    CHECK(c.ask({"COPY", "user:5", "menu:1"}) == ":0");
    CHECK(c.ask({"COPY", "user:5", "menu:1", "REPLACE"}) == ":1");
    CHECK(c.ask({"COPY", "user:5", "menu:7", "DB", "3"}) == "-ERR DB index is out of range");
    CHECK(c.ask({"COPY", "user:5", "user:5"}) ==
          "-ERR source and destination objects are the same");
    CHECK(c.ask({"COPY", "user:none", "user:6"}) == ":0");
    CHECK(c.ask({"GET", "menu:1"}) == "$y");
    CHECK(c.ask({"TYPE", "menu:1"}) == "+string");
    CHECK(c.ask({"TYPE", "menu:none"}) == "+none");
    CHECK(c.ask({"TOUCH", "menu:1", "menu:none"}) == ":1");
    CHECK(c.ask({"OBJECT", "ENCODING", "menu:1"}) == "$embstr");
    CHECK(c.ask({"OBJECT", "ENCODING", "menu:none"}) == "nil");
    CHECK(c.ask({"MSET", "user:1", "a", "b"}) ==
          "-ERR wrong number of arguments for 'mset' command");
}

TEST_CASE("SCAN and KEYS tell every key as a client writes it") {
    BOTH_WAYS(gateway);
    RespClient c(gateway.address());
    for (int i = 0; i < 25; ++i) {
        CHECK(c.ask({"SET", "user:" + std::to_string(100 + i), "x"}) == "+OK");
    }
    CHECK(c.ask({"SET", "menu:item:i7", "x"}) == "+OK");
    CHECK(c.ask({"SET", "menu:a", "x"}) == "+OK");
    CHECK(c.ask({"DBSIZE"}) == ":27");
    std::string cursor = "0";
    std::size_t found = 0;
    do {
        const std::string reply = c.ask({"SCAN", cursor, "MATCH", "user:1*", "COUNT", "7"});
        cursor = reply.substr(2, reply.find(' ') - 2);
        for (std::size_t at = reply.find("$user:1"); at != std::string::npos;
             at = reply.find("$user:1", at + 1)) {
            ++found;
        }
        CHECK(reply.find("menu") == std::string::npos);
    } while (cursor != "0");
    CHECK(found == 25);
    CHECK(c.ask({"KEYS", "menu:*"}) == "[$menu:a]");
    CHECK(c.ask({"KEYS", "*:i7"}) == "[$menu.item:i7]");
    CHECK(c.ask({"KEYS", "menu:item:*"}) == "[$menu.item:i7]");
    CHECK(c.ask({"KEYS", "*124"}) == "[$user:124]");
    CHECK(c.ask({"SCAN", "0", "TYPE", "list"}) == "[$0 []]");
    CHECK(c.ask({"SCAN", "x"}) == "-ERR invalid cursor");
    CHECK(c.ask({"SCAN", "0", "COUNT", "0"}) == "-ERR syntax error");
    CHECK(c.ask({"RANDOMKEY"}).starts_with("$"));
}

TEST_CASE("a key without a namespace is an error that says what there is") {
    TestGateway gateway;
    RespClient c = gateway.client();
    CHECK(c.ask({"GET", "usr:1"}) ==
          "-ERR key 'usr:1' names no namespace; write NAMESPACE:KEY (declared: legacy, menu, "
          "menu.item, "
          "user; did you mean 'user'?)");
    CHECK(c.ask({"MGET", "user:1", "foo"}).starts_with("-ERR key 'foo' names no namespace"));
    CHECK(c.ask({"SET", "menu:item:x", "1"}) ==
          "-ERR key does not fit \"i{rest...}\" of namespace menu.item");
    CHECK(c.ask({"LARDER", "GET", "mneu", "1"})
              .starts_with("-ERR no namespace 'mneu' (declared: legacy"));
}

TEST_CASE("a gateway with a namespace of its own takes keys that name none, and prints them so") {
    resp::Options options;
    options.fallback = "legacy";
    TestGateway gateway(options);
    RespClient c = gateway.client();
    CHECK(c.ask({"SET", "anything", "1"}) == "+OK");
    CHECK(c.ask({"SET", "user:1", "2"}) == "+OK");
    CHECK(c.ask({"GET", "anything"}) == "$1");
    CHECK(c.ask({"LARDER", "GET", "legacy", "anything"}) == "$1");
    CHECK(c.ask({"KEYS", "*"}) == "[$user:1 $anything]");
    CHECK(c.ask({"KEYS", "any*"}) == "[$anything]");
}

TEST_CASE("failures of the cache are errors, not absent keys") {
    TestGateway gateway;
    RespClient c = gateway.client();
    gateway.cache.fail_reads(LARDER_E_IO);
    CHECK(c.ask({"GET", "user:1"}) == "-ERR a store behind the cache cannot be reached, try again");
    CHECK(c.ask({"MGET", "user:1"}).starts_with("-ERR a store"));
    gateway.cache.fail_reads(LARDER_E_TIMEOUT);
    CHECK(c.ask({"EXISTS", "user:1"}) == "-ERR the cache did not answer in time, try again");
    gateway.cache.fail_reads(LARDER_OK);
    CHECK(c.ask({"GET", "user:1"}) == "nil");
}

TEST_CASE(
    "an application's SET after a GET that missed is not kept when something dropped the key") {
    TestGateway gateway;
    RespClient c = gateway.client();
    CHECK(c.ask({"GET", "user:1"}) == "nil");
    CHECK(c.ask({"LARDER", "DROP", "user"}) == ":1");
    CHECK(c.ask({"SET", "user:1", "loaded before"}) == "+OK");
    CHECK(c.ask({"GET", "user:1"}) == "nil");
    CHECK(c.ask({"SETEX", "user:1", "10", "loaded after"}) == "+OK");
    CHECK(c.ask({"GET", "user:1"}) == "$loaded after");
}

TEST_CASE("without the fence Redis' meaning holds") {
    resp::Options options;
    options.fence = false;
    TestGateway gateway(options);
    RespClient c = gateway.client();
    CHECK(c.ask({"GET", "user:1"}) == "nil");
    CHECK(c.ask({"LARDER", "DROP", "user"}) == ":1");
    CHECK(c.ask({"SET", "user:1", "x"}) == "+OK");
    CHECK(c.ask({"GET", "user:1"}) == "$x");
}

}  // namespace
}  // namespace larder::test
