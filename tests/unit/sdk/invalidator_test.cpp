// tests/unit/sdk/invalidator_test.cpp -- an invalidator of both roles, called through its C table.
#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <larder/plugin/invalidator.hpp>

#include <string>
#include <vector>

using namespace larder::plugin;

namespace {

class Watch {
  public:
    static constexpr const char* name = "watch";
    static constexpr std::uint64_t caps = LARDER_INV_CAP_RULES | LARDER_INV_CAP_SOURCE;
    Watch(Host host, const Config&) : host_(host) {}

    void start() {
        larder_request rq{};
        rq.struct_size = sizeof rq;
        rq.method = bytes_of("PUT");
        rq.path = bytes_of("/started");
        larder_call call{};
        call.struct_size = sizeof call;
        if (const auto st = host_.cache().request(host_.raw(), &rq, nullptr, &call);
            st != LARDER_OK) {
            throw Error(st, "the cache does not answer");
        }
    }
    larder_status on_request(const larder_request& rq, InvalidationSink sink) {
        sink.entry(LARDER_DROP, 3, text_of(rq.path));
        sink.whole(LARDER_EXPIRE, 4);
        sink.tag(LARDER_REFRESH, "hot");
        return LARDER_OK;
    }

  private:
    Host host_;
};

class Listener {
  public:
    static constexpr const char* name = "listener";
    static constexpr std::uint64_t caps = LARDER_INV_CAP_SOURCE;
    Listener(Host, const Config&) {}
};

}  // namespace

TEST_CASE("an invalidator says what a request made stale", "[sdk]") {
    larder::test::FakeHost host;
    larder::test::FakeInstance watch(host, Invalidator<Watch>::value, larder::test::FakeConfig());
    REQUIRE(watch.created() == LARDER_OK);
    std::vector<std::string> said;
    larder_inv_sink sink{};
    sink.struct_size = sizeof sink;
    sink.ctx = &said;
    sink.add = [](void* ctx, std::uint32_t action, const larder_target* target) noexcept {
        static_cast<std::vector<std::string>*>(ctx)->push_back(
            std::to_string(action) + " " + std::to_string(target->kind) + " " +
            std::to_string(target->ns) + " " + std::string(text_of(target->what)));
    };
    larder_request rq{};
    rq.struct_size = sizeof rq;
    rq.path = bytes_of("/a");
    CHECK(watch.table<larder_invalidator_v1>().on_request(watch.self(), &rq, &sink) == LARDER_OK);
    CHECK(said == std::vector<std::string>{"0 0 3 /a", "1 1 4 ", "2 3 4294967295 hot"});
}

TEST_CASE("a source calls the cache once it is started, and says why it cannot", "[sdk]") {
    larder::test::FakeHost host;
    {
        larder::test::FakeInstance watch(host, Invalidator<Watch>::value,
                                         larder::test::FakeConfig());
        CHECK(watch.start() == LARDER_OK);
        REQUIRE(host.requests().size() == 1);
        CHECK(host.requests()[0].path == "/started");
    }
    host.set_service(LARDER_SVC_CACHE, nullptr);
    larder::test::FakeInstance watch(host, Invalidator<Watch>::value, larder::test::FakeConfig());
    CHECK(watch.start() == LARDER_E_VERSION);
    CHECK(watch.reason() == "this kernel has no service larder.cache/1");
    CHECK(InvalidatorKind<Listener>::table.on_request == nullptr);
    CHECK(std::string(Invalidator<Listener>::value.name) == "listener");
}
