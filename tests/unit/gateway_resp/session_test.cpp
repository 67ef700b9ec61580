// tests/unit/gateway_resp/session_test.cpp -- logging in, roles, pipelines, transactions, protocol
// versions.
#include "catch.hpp"
#include "resp_client.hpp"

namespace larder::test {
namespace {

resp::Users users() {
    resp::Users made;
    made.add({"default", "secret", LARDER_ROLE_WRITE});
    unsigned line = 0;
    REQUIRE(made.add_lines("# who\nreader read pw1\n\nboss admin pw2\r\ninv invalidate pw3", line));
    return made;
}

TEST_CASE("nothing but logging in is answered before it") {
    TestGateway gateway({}, users());
    RespClient c = gateway.client();
    CHECK(c.ask({"GET", "user:1"}) == "-NOAUTH Authentication required.");
    CHECK(c.ask({"NONSENSE"}) == "-NOAUTH Authentication required.");
    CHECK(c.ask({"HELLO", "3"}).starts_with("-NOAUTH HELLO must be called"));
    CHECK(c.ask({"AUTH", "wrong"}) ==
          "-WRONGPASS invalid username-password pair or user is disabled.");
    CHECK(c.ask({"AUTH", "boss", "pw1"}) ==
          "-WRONGPASS invalid username-password pair or user is disabled.");
    CHECK(c.ask({"AUTH", "secret"}) == "+OK");
    CHECK(c.ask({"ACL", "WHOAMI"}) == "$default");
    CHECK(c.ask({"HELLO", "3", "AUTH", "boss", "pw2", "SETNAME", "me"}).starts_with("{$server"));
    CHECK(c.ask({"CLIENT", "GETNAME"}) == "$me");
    CHECK(c.ask({"ACL", "WHOAMI"}) == "$boss");
    CHECK(c.ask({"RESET"}) == "+RESET");
    CHECK(c.ask({"GET", "user:1"}) == "-NOAUTH Authentication required.");
}

TEST_CASE("each role may do what the ones before it may, and no more") {
    TestGateway gateway({}, users());
    const auto denied = [](const std::string& name) {
        return "-NOPERM this user has no permissions to run the '" + name + "' command";
    };
    RespClient reader = gateway.client();
    CHECK(reader.ask({"AUTH", "reader", "pw1"}) == "+OK");
    CHECK(reader.ask({"GET", "user:1"}) == "nil");
    CHECK(gateway.cache.last_role() == LARDER_ROLE_READ);
    CHECK(reader.ask({"SET", "user:1", "x"}) == denied("set"));
    CHECK(reader.ask({"LARDER", "DROP", "user"}) == denied("larder|drop"));
    RespClient writer = gateway.client();
    CHECK(writer.ask({"AUTH", "secret"}) == "+OK");
    CHECK(writer.ask({"SET", "user:1", "x"}) == "+OK");
    CHECK(gateway.cache.last_role() == LARDER_ROLE_WRITE);
    CHECK(writer.ask({"LARDER", "ROUTE", "PUT", "/x"}) == denied("larder|route"));
    RespClient invalidator = gateway.client();
    CHECK(invalidator.ask({"AUTH", "inv", "pw3"}) == "+OK");
    CHECK(invalidator.ask({"LARDER", "DROP", "user"}) == ":1");
    CHECK(invalidator.ask({"LARDER", "DROP", "ALL"}) == denied("larder|drop"));
    CHECK(invalidator.ask({"FLUSHALL"}) == denied("flushall"));
    CHECK(invalidator.ask({"CONFIG", "SET", "maxmemory", "1"}) == denied("config|set"));
    RespClient boss = gateway.client();
    CHECK(boss.ask({"AUTH", "boss", "pw2"}) == "+OK");
    CHECK(boss.ask({"FLUSHALL"}) == "+OK");
    CHECK(boss.ask({"LARDER", "DROP", "ALL"}) == ":1");
    CHECK(gateway.cache.last_role() == LARDER_ROLE_ADMIN);
}

TEST_CASE("users are read line by line and a wrong line is named") {
    resp::Users made;
    unsigned line = 0;
    CHECK_FALSE(made.add_lines("a read x\nb chief y\n", line));
    CHECK(line == 2);
    CHECK_FALSE(made.add_lines("a read\n", line));
    CHECK(line == 1);
    CHECK_FALSE(made.add_lines("a read x y\n", line));
    REQUIRE(made.add_lines("a read x\na admin z\n", line));
    CHECK(made.check("a", "x") == nullptr);
    CHECK(made.check("a", "z")->role == LARDER_ROLE_ADMIN);
    CHECK(made.check("a", "") == nullptr);
    CHECK(made.check("a", "zz") == nullptr);
}

TEST_CASE("without users a client may invalidate, and not flush") {
    TestGateway gateway;
    RespClient c = gateway.client();
    CHECK(c.ask({"LARDER", "DROP", "user"}) == ":1");
    CHECK(c.ask({"FLUSHALL"}).starts_with("-NOPERM"));
    CHECK(c.ask({"AUTH", "x"}).starts_with("-ERR AUTH <password> called without any password"));
    CHECK(c.ask({"AUTH", "default", "x"}) == "+OK");
    CHECK(c.ask({"FLUSHALL"}).starts_with("-NOPERM"));
}

TEST_CASE("pipelined requests are answered in order, now and later mixed") {
    const bool later = GENERATE(false, true);
    TestGateway gateway;
    gateway.cache.answer_later(later);
    RespClient c = gateway.client();
    std::string pipeline, expected;
    constexpr int rounds = 500;
    for (int i = 0; i < rounds; ++i) {
        const std::string n = std::to_string(i);
        pipeline += RespClient::request({"SET", "user:" + n, n});
        pipeline += RespClient::request({"GET", "user:" + n});
        pipeline += RespClient::request({"GET", "user:none"});
        pipeline += RespClient::request({"PING", n});
        pipeline += RespClient::request({"NOPE"});
        pipeline += RespClient::request({"GET", "nowhere"});
        pipeline += RespClient::request({"INCR", "user:count"});
    }
    REQUIRE(c.send(pipeline));
    for (int i = 0; i < rounds; ++i) {
        const std::string n = std::to_string(i);
        REQUIRE(c.reply() == "+OK");
        REQUIRE(c.reply() == "$" + n);
        REQUIRE(c.reply() == "nil");
        REQUIRE(c.reply() == "$" + n);
        REQUIRE(c.reply() == "-ERR unknown command 'NOPE', with args beginning with: ");
        REQUIRE(c.reply().starts_with("-ERR key 'nowhere'"));
        REQUIRE(c.reply() == ":" + std::to_string(i + 1));
    }
}

TEST_CASE("GETs in a row become one batch") {
    const bool later = GENERATE(false, true);
    TestGateway gateway;
    gateway.cache.answer_later(later);
    RespClient c = gateway.client();
    for (int i = 0; i < 32; i += 2) {
        REQUIRE(c.ask({"SET", "user:" + std::to_string(i), std::to_string(i)}) == "+OK");
    }
    std::string pipeline;
    for (int i = 0; i < 32; ++i) {
        pipeline += RespClient::request({"get", "user:" + std::to_string(i)});
    }
    const std::size_t before = gateway.cache.get_calls();
    REQUIRE(c.send(pipeline + "PING\r\n"));
    for (int i = 0; i < 32; ++i) {
        REQUIRE(c.reply() == (i % 2 == 0 ? "$" + std::to_string(i) : "nil"));
    }
    CHECK(c.reply() == "+PONG");
    CHECK(gateway.cache.get_calls() - before <= 2);  // one, unless the network cut the bytes in two
    CHECK(gateway.cache.largest_batch() >= 16);
    CHECK(gateway.cache.pinned() == 0);
}

TEST_CASE("EXEC runs what was queued, in one piece, and says what each did") {
    const bool later = GENERATE(false, true);
    TestGateway gateway;
    gateway.cache.answer_later(later);
    RespClient c = gateway.client();
    CHECK(c.ask({"MULTI"}) == "+OK");
    CHECK(c.ask({"SET", "user:1", "a"}) == "+QUEUED");
    CHECK(c.ask({"GET", "user:1"}) == "+QUEUED");
    CHECK(c.ask({"INCR", "user:1"}) == "+QUEUED");
    CHECK(c.ask({"MULTI"}) == "-ERR MULTI calls can not be nested");
    CHECK(c.ask({"WATCH", "user:1"}) == "-ERR WATCH inside MULTI is not allowed");
    CHECK(c.ask({"LARDER", "GET", "user", "1"}) == "+QUEUED");
    CHECK(c.ask({"EXEC"}) == "[+OK $a -ERR value is not an integer or out of range $a]");
    CHECK(c.ask({"EXEC"}) == "-ERR EXEC without MULTI");
    CHECK(c.ask({"MULTI"}) == "+OK");
    CHECK(c.ask({"EXEC"}) == "[]");
    CHECK(c.ask({"MULTI"}) == "+OK");
    CHECK(c.ask({"SET", "user:1"}) == "-ERR wrong number of arguments for 'set' command");
    CHECK(c.ask({"SET", "user:1", "b"}) == "+QUEUED");
    CHECK(c.ask({"EXEC"}) == "-EXECABORT Transaction discarded because of previous errors.");
    CHECK(c.ask({"GET", "user:1"}) == "$a");
    CHECK(c.ask({"MULTI"}) == "+OK");
    CHECK(c.ask({"DEL", "user:1"}) == "+QUEUED");
    CHECK(c.ask({"DISCARD"}) == "+OK");
    CHECK(c.ask({"DISCARD"}) == "-ERR DISCARD without MULTI");
    CHECK(c.ask({"GET", "user:1"}) == "$a");
}

TEST_CASE("EXEC does nothing when a watched key changed") {
    const bool later = GENERATE(false, true);
    TestGateway gateway;
    gateway.cache.answer_later(later);
    RespClient c = gateway.client();
    RespClient other = gateway.client();
    CHECK(c.ask({"SET", "user:1", "a"}) == "+OK");
    const auto attempt = [&](bool disturb, const std::string& key) {
        CHECK(c.ask({"WATCH", "user:1", "user:2"}) == "+OK");
        if (disturb) {
            CHECK(other.ask({"SET", key, "x"}) == "+OK");
        }
        CHECK(c.ask({"MULTI"}) == "+OK");
        CHECK(c.ask({"SET", "user:3", "mine"}) == "+QUEUED");
        return c.ask({"EXEC"});
    };
    CHECK(attempt(false, "") == "[+OK]");
    CHECK(attempt(true, "user:1") == "nil array");
    CHECK(attempt(true, "user:2") == "nil array");
    CHECK(attempt(true, "user:9") == "[+OK]");
    CHECK(c.ask({"WATCH", "user:1"}) == "+OK");
    CHECK(other.ask({"DEL", "user:1"}) == ":1");
    CHECK(c.ask({"UNWATCH"}) == "+OK");
    CHECK(c.ask({"MULTI"}) == "+OK");
    CHECK(c.ask({"EXEC"}) == "[]");
}

TEST_CASE("HELLO 3 changes the dialect and HELLO 2 changes it back") {
    TestGateway gateway;
    RespClient c = gateway.client();
    CHECK(c.ask({"HELLO", "3"}).starts_with("{$server $larder $version $7.0.15 $proto :3 $id :"));
    CHECK(c.ask({"GET", "user:1"}) == "nil3");
    CHECK(c.ask({"CONFIG", "GET", "maxmemory"}) == "{$maxmemory $0}");
    CHECK(c.ask({"COMMAND", "INFO", "nope"}) == "[nil3]");
    CHECK(c.ask({"INFO", "replication"}).starts_with("=# Replication"));
    CHECK(c.ask({"HELLO", "2"}).starts_with("[$server"));
    CHECK(c.ask({"GET", "user:1"}) == "nil");
    CHECK(c.ask({"CONFIG", "GET", "maxmemory"}) == "[$maxmemory $0]");
    CHECK(c.ask({"HELLO", "4"}) == "-NOPROTO unsupported protocol version");
    CHECK(c.ask({"HELLO", "x"}) == "-ERR Protocol version is not an integer or out of range");
    CHECK(c.ask({"hello", "2", "setname"}) == "-ERR Syntax error in HELLO option 'setname'");
}

TEST_CASE("CLIENT REPLY silences one request or all") {
    TestGateway gateway;
    RespClient c = gateway.client();
    c.send("CLIENT REPLY SKIP\r\nPING one\r\nPING two\r\n");
    CHECK(c.reply() == "$two");
    c.send("CLIENT REPLY OFF\r\nPING one\r\nGET user:1\r\nGET user:1\r\nCLIENT REPLY ON\r\n");
    CHECK(c.reply() == "+OK");
    CHECK(c.say("PING two") == "$two");
}

TEST_CASE("clients are listed and can be ended") {
    resp::Options options;
    options.threads = 2;
    TestGateway gateway(options, users());
    RespClient c = gateway.client();
    RespClient other = gateway.client();
    CHECK(c.ask({"AUTH", "boss", "pw2"}) == "+OK");
    CHECK(other.ask({"AUTH", "reader", "pw1"}) == "+OK");
    CHECK(other.ask({"CLIENT", "SETNAME", "the-other"}) == "+OK");
    CHECK(other.ask({"CLIENT", "SETNAME", "a b"}) ==
          "-ERR Client names cannot contain spaces, newlines or special characters.");
    CHECK(other.ask({"CLIENT", "SETINFO", "LIB-NAME", "unit"}) == "+OK");
    const std::string list = c.ask({"CLIENT", "LIST"});
    CHECK_THAT(list, contains("name=the-other"));
    CHECK_THAT(list, contains("lib-name=unit"));
    CHECK_THAT(list, contains("cmd=client|list user=boss"));
    const std::string id = other.ask({"CLIENT", "ID"}).substr(1);
    CHECK(c.ask({"CLIENT", "KILL", "ID", id}) == ":1");
    CHECK(other.reply() == "closed");
    CHECK(c.ask({"CLIENT", "KILL", "ID", id}) == ":0");
    CHECK(c.ask({"CLIENT", "KILL", "1.2.3.4:5"}) == "-ERR No such client");
}

TEST_CASE("QUIT answers what came before it and closes") {
    TestGateway gateway;
    RespClient c = gateway.client();
    c.send("PING\r\nQUIT\r\nPING\r\n");
    CHECK(c.reply() == "+PONG");
    CHECK(c.reply() == "+OK");
    CHECK(c.reply() == "closed");
}

TEST_CASE("a client that closes its sending side still gets its answers") {
    const bool later = GENERATE(false, true);
    TestGateway gateway;
    gateway.cache.answer_later(later);
    RespClient c = gateway.client();
    c.send("SET user:1 x\r\nGET user:1\r\nINCR user:n\r\n");
    c.half_close();
    CHECK(c.reply() == "+OK");
    CHECK(c.reply() == "$x");
    CHECK(c.reply() == ":1");
    CHECK(c.reply() == "closed");
}

TEST_CASE("MONITOR tells events of the cache from now on") {
    TestGateway gateway;
    gateway.cache.add_event("reload", "before");
    RespClient c = gateway.client();
    CHECK(c.ask({"MONITOR"}) == "+OK");
    gateway.cache.add_event("invalidate", "drop of \"user\"");
    CHECK(c.reply() == "+1700000000.123000 [0 larder] \"invalidate\" \"drop of \\\"user\\\"\"");
    CHECK(c.say("PING") == "+PONG");
}

}  // namespace
}  // namespace larder::test
