// tests/unit/replay/recording_test.cpp -- what a kernel is asked, recorded and played again.
#include "kernel/replay/comparison.hpp"
#include "kernel/replay/recording.hpp"
#include "kernel/replay/replay.hpp"
#include "kernel/replay/trace_reader.hpp"

#include "kernel/core/figures.hpp"
#include "tests/catch.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace larder;
using namespace larder::replay;

namespace {

constexpr const char* shop_policy = R"(larder 1
namespace item { key "{id}:{lang}"; ttl 1m; with category; tag "category:{category}" }
namespace list { key "{page}"; ttl 30s; stale 1m while revalidating }
namespace day  { key "{day}:{shop}"; ttl 10m }
on GET "/items/{id}" { let lang = header "Accept-Language"; serve item "{id}:{lang}" }
on write "/items/{id}" { drop item matching "{id}:*"; drop list }
on write "/category" { let category = json "category"; drop tag "category:{category}" }
on event "closed" (month) { drop day matching "{month}-*" }
)";

StageOptions policy(const std::string& text) {
    StageOptions out;
    out.policy = {"test.larder"};
    out.texts = {{"test.larder", text}};
    out.plugin_path = {std::string(LARDER_BIN_DIR) + "/plugins"};
    out.trust_path = true;
    out.memory_bytes = 8u << 20;
    return out;
}

larder_bytes b(std::string_view text) { return {text.data(), text.size()}; }

// A kernel on virtual time, and what an application does with it.
class Shop {
  public:
    explicit Shop(const std::string& text) {
        std::string problem;
        kernel_ = StageKernel::open(policy(text), problem);
        INFO(problem);
        REQUIRE(kernel_);
    }
    Kernel& kernel() { return kernel_->kernel(); }
    Cache& cache() { return kernel_->cache(); }
    void after(std::uint64_t ms) { kernel_->advance_to(now_ms_ += ms); }
    std::uint32_t ns(std::string_view name) {
        std::uint32_t out = 0;
        REQUIRE(cache().ns_find(name, &out) == LARDER_OK);
        return out;
    }
    // As an application reads through: GET, and on a miss load and SET.
    larder_status read(std::string_view space, std::string_view key, std::string_view value, std::vector<larder_pair> with = {}, std::uint32_t flags = 0) {
        larder_cache_get item{};
        item.ns = ns(space);
        item.key = b(key);
        larder_call call{};
        call.struct_size = sizeof call;
        call.flags = LARDER_GET_FENCE | flags;
        call.client = 7;
        cache().get_many(&item, 1, &call);
        if (item.value.release != nullptr) item.value.release(&item.value);
        if (item.status == LARDER_OK && (item.found & LARDER_FOUND_STALE) == 0) return LARDER_OK;
        after(5);
        put(space, key, value, LARDER_SET_FENCED, std::move(with));
        return item.status;
    }
    void put(std::string_view space, std::string_view key, std::string_view value, std::uint32_t flags = 0, std::vector<larder_pair> with = {}) {
        larder_cache_set item{};
        item.ns = ns(space);
        item.key = b(key);
        item.value = b(value);
        item.flags = flags;
        item.with = with.data();
        item.with_count = static_cast<std::uint32_t>(with.size());
        larder_call call{};
        call.struct_size = sizeof call;
        call.client = 7;
        cache().set_many(&item, 1, &call);
        REQUIRE(item.status == LARDER_OK);
    }
    void remove(std::string_view space, std::string_view key) {
        larder_cache_key item{ns(space), LARDER_OK, b(key)};
        cache().remove_many(&item, 1, nullptr);
    }
    void request(std::string_view method, std::string_view path, std::string_view body = {}) {
        larder_request rq{};
        rq.struct_size = sizeof rq;
        rq.status = 200;
        rq.method = b(method);
        rq.path = b(path);
        rq.body = b(body);
        cache().request(rq, nullptr, nullptr);
    }
    void event(std::string_view name, std::string_view parameter, std::string_view value) {
        const larder_pair pair{b(parameter), b(value)};
        cache().event(name, &pair, 1, nullptr, nullptr);
    }
    void drop_all(std::string_view space) {
        const larder_target target{LARDER_TARGET_NAMESPACE, ns(space), {}};
        cache().change(LARDER_DROP, &target, 1, nullptr, nullptr);
    }

  private:
    std::unique_ptr<StageKernel> kernel_;
    std::uint64_t now_ms_ = 0;
};

// Some minutes of everything.
void busy(Shop& shop, unsigned seed, int rounds) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < rounds; ++i) {
        const std::string id = "id" + std::to_string(random() % 40), category = "c" + std::to_string(random() % 5);
        shop.after(random() % 400);
        switch (random() % 24) {
            case 0: shop.request("PUT", "/items/" + id); break;
            case 1: shop.request("POST", "/category", R"({"category":")" + category + "\"}"); break;
            case 2: shop.event("closed", "month", "2024-0" + std::to_string(1 + random() % 3)); break;
            case 3: shop.remove("item", id + ":en"); break;
            case 4: shop.put("list", "p" + std::to_string(random() % 5), "a list that was made"); break;
            case 5: if (random() % 8 == 0) shop.drop_all("day"); break;
            case 6:
            case 7:
            case 8: shop.read("day", "2024-0" + std::to_string(1 + random() % 3) + "-11:" + id, "day"); break;
            case 9:
            case 10:
            case 11: shop.read("list", "p" + std::to_string(random() % 5), "list", {}, LARDER_GET_STALE); break;
            default: shop.read("item", id + (random() % 2 == 0 ? ":en" : ":de"), std::string(random() % 900, 'v'), {{b("category"), b(category)}});
        }
    }
}

struct Live {
    std::map<std::string, SpaceCounts> spaces;
    std::vector<std::uint64_t> fired;
};

Live live(Cache& cache) {
    Live out;
    const Figures figures = cache.figures();
    for (const SpaceFigures& space : figures.spaces) out.spaces[space.counts.name] = space.counts;
    for (const RuleFigures& rule : figures.rules) out.fired.push_back(rule.fired);
    return out;
}

Replayed play(const std::string& trace, ReplayOptions options) {
    std::string problem;
    auto out = larder::replay::replay(trace, options, problem);
    INFO(problem);
    REQUIRE(out.has_value());
    return std::move(*out);
}

std::string record(Shop& shop, std::uint64_t sample, const std::function<void()>& what) {
    std::string problem;
    const auto recording = Recording::begin(shop.kernel(), sample, problem);
    INFO(problem);
    REQUIRE(recording);
    what();
    return recording->end().bytes;
}

}  // namespace

TEST_CASE("a recorded run played again under its policy has the same hits, misses, drops and fired rules") {
    for (unsigned seed = 1; seed <= 8; ++seed) {
        Shop live_shop(shop_policy);
        const std::string trace = record(live_shop, 1, [&] { busy(live_shop, seed, 3000); });
        const Live was = live(live_shop.cache());
        ReplayOptions options;
        options.stage = policy(shop_policy);
        const Replayed out = play(trace, options);
        CHECK(out.facts.problem.empty());
        CHECK(out.tried.lost == 0);
        for (const SpaceTally& space : out.tried.spaces) {
            INFO(seed << " " << space.name);
            const SpaceCounts& counts = was.spaces.at(space.name);
            CHECK(space.hits == counts.hits);
            CHECK(space.misses == counts.misses);
            CHECK(space.stale == counts.stale);
            CHECK(space.puts == counts.puts);
            CHECK(space.removes == counts.removes);
            CHECK(counts.misses > 10);
            const SpaceTally* const recorded = out.against->space(space.name);
            REQUIRE(recorded != nullptr);
            CHECK(recorded->hits == counts.hits);
            CHECK(recorded->misses == counts.misses);
        }
        REQUIRE(out.tried.rules.size() == was.fired.size());
        for (std::size_t i = 0; i < was.fired.size(); ++i) CHECK(out.tried.rules[i].fired == was.fired[i]);
        CHECK(was.fired[1] > 50);
    }
}

TEST_CASE("no word that is not the policy's leaves the process") {
    Shop live_shop(shop_policy);
    const std::string trace = record(live_shop, 1, [&] {
        live_shop.read("item", "anna@secret:en", "v", {{b("category"), b("underwear")}});
        live_shop.request("PUT", "/items/anna@secret");
        live_shop.request("PUT", "/hidden/place?token=abc");
        live_shop.request("POST", "/category", R"({"category":"underwear","password":"hunter2"})");
        live_shop.event("closed", "month", "classified");
        live_shop.remove("item", "robert:en");
    });
    for (const char* const word : {"anna", "secret", "underwear", "hidden", "place", "abc", "hunter2", "password", "classified", "robert"})
        CHECK(trace.find(word) == std::string::npos);
    CHECK(trace.find("category") != std::string::npos);
}

TEST_CASE("what was cached before the recording began is there in the replay, with the age it had") {
    Shop live_shop(shop_policy);
    for (int i = 0; i < 10; ++i) live_shop.read("list", "p" + std::to_string(i), "list");
    live_shop.after(20'000);
    const std::string trace = record(live_shop, 1, [&] {
        for (int i = 0; i < 10; ++i) CHECK(live_shop.read("list", "p" + std::to_string(i), "list") == LARDER_OK);
        live_shop.after(11'000);  // 30 s after they were put
        CHECK(live_shop.read("list", "p0", "list") == LARDER_MISS);
    });
    ReplayOptions options;
    options.stage = policy(shop_policy);
    const Replayed out = play(trace, options);
    CHECK(out.tried.space("list")->hits == 10);
    CHECK(out.tried.space("list")->misses == 1);
}

TEST_CASE("a longer ttl turns recorded misses into hits, and their loads are not made") {
    Shop live_shop(shop_policy);
    const std::string trace = record(live_shop, 1, [&] {
        for (int i = 0; i < 10; ++i) {
            live_shop.read("list", "p", "list");
            live_shop.after(40'000);
        }
    });
    std::string longer(shop_policy);
    longer.replace(longer.find("ttl 30s"), 7, "ttl 15m");
    ReplayOptions options;
    options.stage = policy(longer);
    const Replayed out = play(trace, options);
    CHECK(out.against->space("list")->misses == 10);
    CHECK(out.tried.space("list")->misses == 1);
    CHECK(out.tried.space("list")->hits == 9);
    CHECK(out.tried.space("list")->loads == 1);
    CHECK(out.tried.space("list")->load_us == 5000);
}

TEST_CASE("a shorter ttl turns recorded hits into misses, which are loaded") {
    Shop live_shop(shop_policy);
    const std::string trace = record(live_shop, 1, [&] {
        for (int i = 0; i < 5; ++i) {
            live_shop.read("list", "p", "list");
            live_shop.after(5000);
        }
    });
    std::string shorter(shop_policy);
    shorter.replace(shorter.find("ttl 30s"), 7, "ttl 4s ");
    ReplayOptions options;
    options.stage = policy(shorter);
    const Replayed out = play(trace, options);
    CHECK(out.against->space("list")->misses == 1);
    CHECK(out.tried.space("list")->misses == 5);
    CHECK(out.tried.space("list")->loads == 5);
    CHECK(out.tried.space("list")->load_us == 25'000);
}

TEST_CASE("a rule that the recorded policy had, or one with the same words, matches in a trace") {
    Shop live_shop(shop_policy);
    const std::string trace = record(live_shop, 1, [&] {
        live_shop.read("item", "a:en", "v");
        live_shop.read("item", "b:en", "v");
        live_shop.request("PUT", "/items/a");
        live_shop.read("item", "a:en", "v");
        live_shop.read("item", "b:en", "v");
    });
    std::string wider(shop_policy);
    wider.replace(wider.find("drop item matching \"{id}:*\""), 27, "drop item");
    ReplayOptions options;
    options.stage = policy(wider);
    options.against = policy(shop_policy);
    const Replayed out = play(trace, options);
    CHECK(out.against->space("item")->misses == 3);
    CHECK(out.tried.space("item")->misses == 4);
    CHECK(out.against->rules[1].misses == 1);
    CHECK(out.tried.rules[1].misses == 2);
}

TEST_CASE("requests that a gateway served are served by the policy that is tried, or are not") {
    Shop live_shop(shop_policy);
    const std::string trace = record(live_shop, 1, [&] {
        for (int i = 0; i < 4; ++i) {
            const larder_pair header{b("Accept-Language"), b("en")};
            larder_request rq{};
            rq.struct_size = sizeof rq;
            rq.method = b("GET");
            rq.path = b("/items/a");
            rq.headers = &header;
            rq.header_count = 1;
            larder_serve out{};
            out.struct_size = sizeof out;
            REQUIRE(live_shop.cache().serve(rq, out) == LARDER_OK);
            live_shop.read("item", std::string(static_cast<const char*>(out.key.data), out.key.size), "v");
        }
    });
    std::string none(shop_policy);
    none.replace(none.find("serve item \"{id}:{lang}\""), 24, "drop day matching \"{lang}-*\"");
    std::string other(shop_policy);
    other.replace(other.find("serve item \"{id}:{lang}\""), 24, "serve day  \"{id}:{lang}\"");
    ReplayOptions options;
    options.stage = policy(other);
    options.against = policy(shop_policy);
    const Replayed out = play(trace, options);
    CHECK(out.against->space("item")->hits == 3);
    CHECK(out.tried.space("item")->gets() == 0);
    CHECK(out.tried.space("day")->hits == 3);
    CHECK(out.tried.space("day")->misses == 1);
    options.stage = policy(none);
    const Replayed served_by_nobody = play(trace, options);
    CHECK(served_by_nobody.tried.all().gets() == 0);
    CHECK(served_by_nobody.tried.passed == 4);
}

TEST_CASE("one key in sixteen is recorded whole, and its hit ratio is near that of all") {
    Shop live_shop(shop_policy);
    std::mt19937_64 random(3);
    const std::string trace = record(live_shop, 16, [&] {
        for (int i = 0; i < 40'000; ++i) live_shop.read("item", "k" + std::to_string(random() % 4000) + ":en", "v");
    });
    const Live was = live(live_shop.cache());
    ReplayOptions options;
    options.stage = policy(shop_policy);
    const Replayed out = play(trace, options);
    CHECK(out.facts.sample == 16);
    const SpaceTally& item = *out.tried.space("item");
    const SpaceCounts& counts = was.spaces.at("item");
    CHECK(item.hits == out.against->space("item")->hits);
    CHECK(item.gets() > 40'000 / 16 / 2);
    CHECK(item.gets() < 40'000 / 16 * 2);
    const double all = static_cast<double>(counts.hits) / 40'000;
    CHECK(hit_ratio(item) > all - 0.05);
    CHECK(hit_ratio(item) < all + 0.05);
}

TEST_CASE("a recording that nobody reads loses operations, says how many, and ends by itself") {
    Shop live_shop(shop_policy);
    std::string problem;
    const auto recording = Recording::begin(live_shop.kernel(), 1, problem);
    REQUIRE(recording);
    CHECK(Recording::begin(live_shop.kernel(), 1, problem) == nullptr);
    CHECK(problem.find("goes on already") != std::string::npos);
    live_shop.put("list", "p", "v");
    for (std::size_t i = 0; i < Tape::cells + 100; ++i) live_shop.read("list", "p", "v", {}, 0);
    CHECK(live_shop.cache().tape().on());
    live_shop.after(11'000);
    live_shop.read("list", "p", "v");
    CHECK_FALSE(live_shop.cache().tape().on());
    const Recording::Part part = recording->end();
    CHECK(part.lost >= 100);
    TraceReader trace(part.bytes);
    REQUIRE(trace.open());
    std::uint64_t lost = 0;
    for (Operation op; trace.next(op);)
        if (op.kind == OperationKind::lost) lost += op.count;
    CHECK(lost == part.lost);
    CHECK(Recording::begin(live_shop.kernel(), 1, problem) != nullptr);
}

TEST_CASE("threads that write at once lose nothing while somebody reads, and nobody waits") {
    Tape tape;
    REQUIRE(tape.begin(1, 0, nullptr));
    constexpr std::uint64_t each = 30'000;
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 3; ++t)
        threads.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < each; ++i) {
                Taped what;
                what.ns = static_cast<std::uint32_t>(t);
                what.size = i;
                const std::string text = std::to_string(i) + std::string(i % 300, 'x');
                const std::string_view parts[] = {text, "end"};
                tape.write(what, parts);
            }
        });
    std::array<std::uint64_t, 3> next{};
    std::uint64_t seen = 0, wrong = 0, lost = 0;
    const auto look = [&] {
        return tape.read(1000, 0, [&](const Taped& what, std::span<const std::string_view> parts) {
            ++seen;
            if (parts.size() != 2 || parts[1] != "end" || !parts[0].starts_with(std::to_string(what.size)) || what.size < next[what.ns]) ++wrong;
            next[what.ns] = what.size + 1;
        });
    };
    while (seen + lost < 3 * each) {
        look();
        lost += tape.take_lost();
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(seen + lost == 3 * each);
}
