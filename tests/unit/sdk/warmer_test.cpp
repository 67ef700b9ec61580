// tests/unit/sdk/warmer_test.cpp -- a warmer that plans, fetches and learns, called through its C
// table.
#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <larder/plugin/warmer.hpp>

#include <vector>

using namespace larder::plugin;

namespace {

class Oven {
  public:
    static constexpr const char* name = "oven";
    static constexpr std::uint64_t caps = LARDER_WARM_CAP_PLAN | LARDER_WARM_CAP_OBSERVE;
    Oven(Host, const Config&) {}

    larder_status fetch(const larder_warm_item& item, const larder_call&, larder_cache_set& set,
                        Reply out) {
        if (item.hint.size == 0) {
            return LARDER_MISS;
        }
        set.ttl_ms = 1000;
        return out.owned(std::string(text_of(item.hint)) + " at " +
                         std::string(option_of(item, "heat", "none")));
    }
    larder_status plan(const larder_warm_run& run, WarmSink sink) {
        for (const auto hash : seen_) {
            if (!sink.add(run.ns, std::to_string(hash), "hot", 7)) {
                break;
            }
        }
        return LARDER_OK;
    }
    void observe(std::span<const larder_access> batch) {
        for (const auto& access : batch) {
            seen_.push_back(access.key_hash);
        }
    }

  private:
    std::vector<std::uint64_t> seen_;
};

}  // namespace

TEST_CASE("a warmer fetches what the policy names and plans what it has learnt", "[sdk]") {
    larder::test::FakeHost host;
    const larder::test::FakeInstance oven(host, Warmer<Oven>::value, larder::test::FakeConfig());
    REQUIRE(oven.created() == LARDER_OK);
    const auto& t = oven.table<larder_warmer_v1>();
    larder_call call{};
    call.struct_size = sizeof call;

    const larder_pair options[] = {{bytes_of("heat"), bytes_of("220")}};
    larder_warm_item item{};
    item.struct_size = sizeof item;
    item.hint = bytes_of("/bread");
    larder_cache_set set{};
    Value value;
    CHECK(t.fetch(oven.self(), &item, &call, &set, value.out()) == LARDER_OK);
    CHECK(value.text() == "/bread at none");
    CHECK(set.ttl_ms == 1000);
    item.options = options;
    item.option_count = 1;
    CHECK(t.fetch(oven.self(), &item, &call, &set, value.out()) == LARDER_OK);
    CHECK(value.text() == "/bread at 220");
    item.hint = {};
    CHECK(t.fetch(oven.self(), &item, &call, &set, value.out()) == LARDER_MISS);

    const larder_access seen[3] = {{0, 11, {}, 1, LARDER_ACCESS_HIT, 64, 0}, {0, 22, {}, 1, LARDER_ACCESS_MISS, 1, 0}, {0, 33, {}, 1, LARDER_ACCESS_MISS, 1, 0}};
    t.observe(oven.self(), seen, 3);
    std::vector<std::string> planned;
    larder_warm_sink sink{};
    sink.struct_size = sizeof sink;
    sink.ctx = &planned;
    sink.item = [](void* ctx, const larder_warm_item* it) noexcept -> std::int32_t {
        auto& all = *static_cast<std::vector<std::string>*>(ctx);
        all.push_back(std::string(text_of(it->key)) + std::string(text_of(it->hint)) +
                      std::to_string(it->priority));
        return all.size() == 2;
    };
    larder_warm_run run{};
    run.struct_size = sizeof run;
    CHECK(t.plan(oven.self(), &run, &sink) == LARDER_OK);
    CHECK(planned == std::vector<std::string>{"11hot7", "22hot7"});
}
