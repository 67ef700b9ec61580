// tests/unit/store_redis/transport_test.cpp -- unix sockets and TLS, and how options say which.
#include "store_rig.hpp"

#include "tests/catch.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace larder;
using namespace larder::test;

namespace {

// A root, and a certificate for localhost and 127.0.0.1 signed by it, made by openssl.
class Certificates {
  public:
    Certificates() {
        const std::string dir = folder_.path().string();
        const std::string text = "cd '" + dir +
            "' && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 "
            "-subj '/CN=test root' 2>/dev/null"
            " && openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr "
            "-subj '/CN=localhost' 2>/dev/null"
            " && printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > ext"
            " && openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial "
            "-out server.crt -days 2 -extfile ext 2>/dev/null";
        made_ = std::system(text.c_str()) == 0;
    }
    bool made() const { return made_; }
    std::string file(const std::string& name) const { return folder_.file(name); }
    std::string text(const std::string& name) const {
        std::ifstream in(folder_.file(name));
        std::ostringstream all;
        all << in.rdbuf();
        return all.str();
    }
    static const Certificates& get() {
        static const Certificates one;
        return one;
    }

  private:
    TemporaryFolder folder_;
    bool made_ = false;
};

struct TlsRedis {
    explicit TlsRedis(const std::string& clients = "no")
        : port(free_port()),
          redis({"--tls-port", std::to_string(port), "--tls-cert-file",
                 Certificates::get().file("server.crt"), "--tls-key-file",
                 Certificates::get().file("server.key"), "--tls-ca-cert-file",
                 Certificates::get().file("ca.crt"), "--tls-auth-clients", clients}) {}
    std::uint16_t port;
    RedisProcess redis;
};

}  // namespace

#define NEED_REDIS()                                  \
    if (!RedisProcess::available()) {                 \
        LARDER_SKIP("there is no redis-server here"); \
    }

TEST_CASE("a unix socket serves values and the stream") {
    NEED_REDIS();
    RedisProcess redis;
    FakeConfig config;
    config.set("url", "unix://" + redis.unix_path());
    Told told;
    StoreRig store(config);
    store.shared().listen(store.self(), told.sink());
    std::string got;
    REQUIRE(store.put("larder:v:{a}", "x") == LARDER_OK);
    CHECK(store.get("larder:v:{a}", &got) == LARDER_OK);
    CHECK(got == "x");
    CHECK(told.until_trust(true));
    CHECK_THAT(std::string(store.health().message), contains("unix:"));
}

TEST_CASE("TLS with a verified certificate serves values and the stream") {
    NEED_REDIS();
    if (!Certificates::get().made()) {
        LARDER_SKIP("there is no openssl here");
    }
    TlsRedis server;
    FakeConfig config;
    config.set("url", "rediss://localhost:" + std::to_string(server.port));
    config.set("tls_ca", Certificates::get().file("ca.crt"));
    Told told;
    StoreRig store(config);
    store.shared().listen(store.self(), told.sink());
    const std::string large(3 << 20, 'x');
    std::string got;
    REQUIRE(store.put("larder:v:{a}", large) == LARDER_OK);
    CHECK(store.get("larder:v:{a}", &got) == LARDER_OK);
    CHECK(got == large);
    CHECK(told.until_trust(true));
}

TEST_CASE("a certificate that no known root signed is refused, unless verification is off") {
    NEED_REDIS();
    if (!Certificates::get().made()) {
        LARDER_SKIP("there is no openssl here");
    }
    TlsRedis server;
    FakeConfig config = StoreRig::on(server.port);
    config.set("tls", true);
    {
        StoreRig store(config);
        REQUIRE(store.until([&] { return store.host().logged("TLS: "); }));
        CHECK(store.get("a") != LARDER_MISS);
    }
    config.set("tls_verify", false);
    StoreRig store(config);
    CHECK(store.get("a") == LARDER_MISS);
}

TEST_CASE("a certificate for another name is refused") {
    NEED_REDIS();
    if (!Certificates::get().made()) {
        LARDER_SKIP("there is no openssl here");
    }
    TlsRedis server;
    FakeConfig config = StoreRig::on(server.port);
    config.set("tls", true).set("tls_ca", Certificates::get().file("ca.crt"));
    {
        StoreRig store(config);
        CHECK(store.get("a") == LARDER_MISS);  // for 127.0.0.1
    }
    config.set("tls_name", "redis.example.org");
    StoreRig store(config);
    REQUIRE(store.until([&] { return store.host().logged("TLS: "); }));
    CHECK(store.get("a") != LARDER_MISS);
}

TEST_CASE("a server that wants a certificate of its clients gets it") {
    NEED_REDIS();
    if (!Certificates::get().made()) {
        LARDER_SKIP("there is no openssl here");
    }
    TlsRedis server("yes");
    FakeConfig config = StoreRig::on(server.port);
    config.set("tls", true).set("tls_ca", Certificates::get().file("ca.crt"));
    StoreRig nobody(config);
    CHECK(nobody.get("a") != LARDER_MISS);
    config.set("tls_cert", Certificates::get().file("server.crt"));
    StoreRig somebody(config, {}, Certificates::get().text("server.key"));
    CHECK(somebody.get("a") == LARDER_MISS);
    StoreRig without(config);
    CHECK_FALSE(without.started());
    CHECK_THAT(without.refusal(), contains("tls_cert and tls_key belong together"));
}

TEST_CASE("options that contradict one another are refused, with the way out") {
    const auto refusal = [](const std::function<void(FakeConfig&)>& change) {
        FakeConfig config;
        change(config);
        StoreRig store(config);
        CHECK_FALSE(store.started());
        return store.refusal();
    };
    CHECK_THAT(refusal([](FakeConfig& c) { c.set("url", "redis://h").set("host", "h"); }),
               contains("write one of the two"));
    CHECK_THAT(refusal([](FakeConfig& c) { c.set("url", "http://h"); }), contains("redis://HOST"));
    CHECK_THAT(refusal([](FakeConfig& c) { c.set("url", "redis://h/3"); }),
               contains("database 0 only"));
    CHECK_THAT(refusal([](FakeConfig& c) { c.set("prefix", "a*"); }), contains("letters, digits"));
    CHECK_THAT(refusal([](FakeConfig& c) { c.set("username", "u"); }), contains("needs a password"));
    CHECK_THAT(refusal([](FakeConfig& c) { c.set("pool", 4); }), contains("connections + 3"));
    CHECK_THAT(refusal([](FakeConfig& c) { c.set("max_value", 5000).set("max_reply", 4000); }),
               contains("does not fit"));
    CHECK_THAT(refusal([](FakeConfig& c) { c.set("tls_ca", "/nowhere").set("tls", true); }),
               contains("tls_ca"));
    CHECK_THAT(refusal([](FakeConfig& c) {
                   c.set("heartbeat", 1'000'000'000).set("max_staleness", 1'500'000'000);
               }),
               contains("half of max_staleness"));
}

TEST_CASE("another database than 0 is served without the stream") {
    NEED_REDIS();
    RedisProcess redis;
    FakeConfig config;
    config.set("url", "redis://127.0.0.1:" + std::to_string(redis.port()) + "/3");
    config.set("stream", false);
    StoreRig store(config);
    REQUIRE(store.put("larder:v:{a}", "x") == LARDER_OK);
    CHECK(redis.ask({"EXISTS", "larder:v:{a}"}) == "0");
    CHECK(redis.ask({"INFO", "keyspace"}).find("db3:keys=1") != std::string::npos);
    CHECK(store.health().state == LARDER_HEALTH_OK);
}
