// tests/unit/api/apply_test.cpp -- a policy is planned, applied, watched and taken back while a kernel runs.
#include "catch.hpp"
#include "kernel/api/kernel.hpp"
#include "support/temporary_folder.hpp"

#include <larder/plugin/services.h>

#include <boost/json.hpp>

#include <array>
#include <atomic>
#include <thread>

using namespace larder;
using test::contains;
using End = PolicyApplied::End;

namespace {

const std::string first =
    "larder 1\n"
    "namespace item { key \"{id}\"; ttl 5m }\n"
    "namespace list { key \"{page}\"; ttl 1m }\n"
    "on write \"/items/{id}\" { drop item \"{id}\"; drop list }\n"
    "guard { refuse change above 50%; watch hit_rate(item) < 60% for 10s }\n";

std::string changed(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}
std::string longer() { return changed(first, "ttl 5m", "ttl 9m"); }
std::string colder() { return changed(first, "key \"{id}\"", "key \"i{id}\""); }

// A kernel on a clock that tests move, over files that tests change.
struct World {
    test::TemporaryFolder folder;
    ManualClock clock;
    std::unique_ptr<Kernel> kernel;

    explicit World(const std::string& policy = first, const std::string& conf = {}) { boot(policy, conf); }
    void boot(const std::string& policy, const std::string& conf) {
        kernel.reset();
        folder.write("test.larder", policy);
        folder.write("larder.toml", "policy = [\"test.larder\"]\n[plugins]\npath = [\"" LARDER_BIN_DIR
                                    "/plugins\"]\ntrust_path = true\n[log]\nfile = \"log\"\n" + conf + "[store.l1]\nplugin = \"memory\"\n");
        auto loaded = config::load_host_config(folder.file("larder.toml"));
        INFO(dsl::render_text(*loaded.config.sources, loaded.found, false));
        REQUIRE(loaded.ok());
        KernelOptions options;
        options.config = std::move(loaded.config);
        options.clock = &clock;
        std::string problem;
        kernel = Kernel::open(std::move(options), problem);
        INFO(problem);
        REQUIRE(kernel);
        REQUIRE(kernel->start(problem));
    }
    larder_status put(std::string_view space, std::string_view key) const {
        larder_cache_set item{};
        REQUIRE(kernel->cache().ns_find(space, &item.ns) == LARDER_OK);
        item.key = {key.data(), key.size()};
        item.value = {"x", 1};
        kernel->cache().set_many(&item, 1, nullptr);
        return item.status;
    }
    bool has(std::string_view space, std::string_view key) const {
        larder_cache_get item{};
        if (kernel->cache().ns_find(space, &item.ns) != LARDER_OK) return false;
        item.key = {key.data(), key.size()};
        kernel->cache().get_many(&item, 1, nullptr);
        if (item.value.release != nullptr) item.value.release(&item.value);
        return item.status == LARDER_OK;
    }
    void fill() const {
        for (const char* key : {"1", "2", "3", "4"}) REQUIRE(put("item", key) == LARDER_OK);
        REQUIRE(put("list", "1") == LARDER_OK);
    }
    PolicyApplied apply(const std::string& text, bool confirm = false, std::string running = {}, dsl::Ms watch = dsl::Ms(60'000)) const {
        PolicyOrder order;
        order.source.from = PolicySource::From::texts;
        order.source.texts.files = {{"next.larder", text}};
        order.confirm = confirm;
        order.running = std::move(running);
        order.watch = watch;
        order.by = "ann";
        return kernel->apply_policy(order);
    }
    PolicyApplied back(const std::string& to = {}) const {
        PolicyOrder order;
        order.source.from = PolicySource::From::kept;
        order.source.kept = to;
        order.watch = dsl::Ms(0);
        order.by = "ben";
        return kernel->apply_policy(order);
    }
    PolicyPlanned plan(const std::string& text) const {
        PolicySource source;
        source.from = PolicySource::From::texts;
        source.texts.files = {{"next.larder", text}};
        return kernel->plan_policy(source);
    }
    // Seconds in which half of the reads of `item` (or none of them) find something.
    void go(int seconds, bool hits) {
        for (int i = 0; i < seconds; ++i) {
            clock.advance(dsl::Ms(1000));
            for (int n = 0; n < 10; ++n) has("item", hits ? "1" : "9");
            kernel->watch();
        }
    }
    std::string running() const { return kernel->running_policy().record.id; }
    dsl::Ms ttl() const {
        const auto policy = kernel->cache().policy();
        return policy->namespaces[*policy->find("item")].ttl->ttl;
    }
    std::string events() const {
        std::string out;
        kernel->cache().each_event(0, [&](std::uint64_t, std::uint64_t, int, std::string_view type, std::string_view text) {
            out.append(type).append(" ").append(text).append("\n");
        });
        return out;
    }
};

}  // namespace

TEST_CASE("a plan counts what is kept, says what would be unreadable, and changes nothing") {
    World w;
    w.fill();
    const std::string before = w.running();
    const PolicyPlanned planned = w.plan(colder());
    INFO(planned.text);
    REQUIRE(planned.ok);
    CHECK(planned.changes);
    CHECK(planned.needs_confirm);
    CHECK_THAT(planned.text, contains("what is kept now: 5 entries") && contains("item: 4 entries become unreadable") &&
                                 contains("takes 4 of 5 entries of what is kept (80%)"));
    CHECK(w.running() == before);
    CHECK(w.has("item", "1"));
    const auto json = boost::json::parse(planned.json).as_object();
    CHECK(json.at("unreadable").as_int64() == 4);
    CHECK(json.at("guards").at("needs_confirm").as_bool());
    CHECK(json.at("namespaces").as_array().at(0).at("counted").as_string() == "exact");
}

TEST_CASE("a plan of the same policy has no changes, one of other words with the same meaning no difference") {
    World w;
    CHECK_FALSE(w.kernel->plan_policy({}).changes);
    const PolicyPlanned planned = w.plan(first + "# a word more\n");
    CHECK(planned.changes);
    CHECK_THAT(planned.text, contains("what they mean does not"));
    CHECK_FALSE(planned.needs_confirm);
}

TEST_CASE("a plan tells how far each new deed of a rule reaches") {
    World w;
    w.fill();
    const PolicyPlanned planned = w.plan(changed(first, "drop item \"{id}\"; drop list", "drop item"));
    INFO(planned.text);
    CHECK_THAT(planned.text, contains("all: at most 4 of 4 entries of item"));
}

TEST_CASE("what is wrong with a policy is told with its line, and the one that runs goes on") {
    World w;
    const std::string before = w.running();
    CHECK_FALSE(w.plan("larder 1\nnamespace item { key \"{id}\"; ttl 5 }\n").ok);
    const PolicyApplied applied = w.apply("larder 1\nnamespace item { key \"{id}\"; ttl 5 }\n");
    CHECK(applied.end == End::invalid);
    CHECK_THAT(applied.text, contains("next.larder:2") && contains("nothing changed"));
    CHECK(w.running() == before);
    CHECK(w.apply("").end != End::stopped);
}

TEST_CASE("an applied policy holds at once, keeps what it can read, and is told where the policy is shown") {
    World w;
    w.fill();
    const std::string before = w.running();
    const PolicyApplied applied = w.apply(longer());
    INFO(applied.text);
    REQUIRE(applied.end == End::applied);
    CHECK(applied.watched == dsl::Ms(60'000));
    CHECK(w.ttl() == dsl::Ms(540'000));
    CHECK(w.has("item", "1"));
    const PolicyRunning now = w.kernel->running_policy();
    CHECK(now.record.id == applied.running);
    CHECK(now.record.origin == "apply");
    CHECK(now.record.by == "ann");
    CHECK(now.record.texts.files.at(0).second == longer());
    CHECK(now.watched);
    REQUIRE(now.kept.size() == 1);
    CHECK(now.kept[0].id == before);
    CHECK_THAT(w.kernel->stats("kernel"), contains("\"policy_origin\":\"apply\""));
    CHECK_THAT(w.events(), contains("reload applied the policy"));
    CHECK(w.apply(longer()).end == End::conflict);  // one is being watched
}

TEST_CASE("a change that makes more unreadable than a guard allows is refused with the counts, and done when it is confirmed") {
    World w;
    w.fill();
    const std::string before = w.running();
    const PolicyApplied refused = w.apply(colder());
    CHECK(refused.end == End::refused);
    CHECK_THAT(refused.text, contains("takes 4 of 5 entries of what is kept (80%); refuse change above 50%") && contains("--confirm"));
    CHECK(w.running() == before);
    CHECK(w.has("item", "1"));
    CHECK(w.kernel->running_policy().refusals == 1);
    CHECK_THAT(w.events(), contains("guard refused the policy"));
    CHECK(w.apply(colder(), true).end == End::applied);
    CHECK_FALSE(w.has("item", "1"));
    CHECK(w.has("list", "1"));
}

TEST_CASE("a change does not get rid of the guard that it breaks") {
    World w;
    w.fill();
    CHECK(w.apply(changed(colder(), "refuse change above 50%; ", "")).end == End::refused);
}

TEST_CASE("a policy that stays within its guards stays when its time is over") {
    World w;
    w.fill();
    const PolicyApplied applied = w.apply(longer());
    w.go(59, true);
    CHECK(w.kernel->running_policy().watched);
    CHECK_THAT(w.kernel->running_policy().progress, contains("hit_rate(item) 100.0%"));
    w.go(1, true);
    const PolicyRunning now = w.kernel->running_policy();
    CHECK_FALSE(now.watched);
    CHECK_FALSE(now.last_returned);
    CHECK(now.last_id == applied.running);
    CHECK(now.record.id == applied.running);
    w.go(60, false);  // nobody watches any more
    CHECK(w.running() == applied.running);
}

TEST_CASE("a breach takes the policy back by itself, and says which guard and by how much") {
    World w;
    w.fill();
    const std::string before = w.running();
    const PolicyApplied applied = w.apply(longer());
    w.go(9, false);
    CHECK(w.running() == applied.running);
    w.go(2, false);
    const PolicyRunning now = w.kernel->running_policy();
    CHECK(now.record.id == before);
    CHECK(now.record.origin == "return");
    CHECK(now.record.texts.files.at(0).second == first);
    CHECK(now.last_returned);
    CHECK(now.last_id == applied.running);
    CHECK_THAT(now.last, contains("hit_rate(item) 0.0%, 60.0% below 60.0%") && contains("watch hit_rate(item) < 60%"));
    CHECK(now.returns == 1);
    CHECK(w.ttl() == dsl::Ms(300'000));
    CHECK(w.has("item", "1"));
    CHECK_THAT(w.events(), contains("reload took back the policy " + applied.running));
    CHECK(w.apply(longer()).end == End::applied);  // and may be tried again
}

TEST_CASE("a policy that means the same, or that nobody wants watched, is not") {
    World w;
    CHECK(w.apply(first + "# a word\n").watched == dsl::Ms(0));
    CHECK_FALSE(w.kernel->running_policy().watched);
    CHECK(w.apply(longer(), false, {}, dsl::Ms(0)).watched == dsl::Ms(0));
    w.go(100, false);
    CHECK(w.ttl() == dsl::Ms(540'000));
    CHECK(w.apply(first, false, {}, dsl::Ms(90'000'000)).end == End::invalid);
}

TEST_CASE("who planned against another policy than the one that runs is told") {
    World w;
    const std::string planned_against = w.running();
    REQUIRE(w.apply(longer(), false, planned_against, dsl::Ms(0)).end == End::applied);
    const PolicyApplied second = w.apply(first + "# mine\n", false, planned_against);
    CHECK(second.end == End::conflict);
    CHECK_THAT(second.text, contains(planned_against) && contains("plan again"));
    CHECK(w.ttl() == dsl::Ms(540'000));
}

TEST_CASE("of several who apply at once one wins, and the others are told who") {
    World w;
    const std::string base = w.running();
    std::array<PolicyApplied, 4> ends;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < ends.size(); ++i)
        threads.emplace_back([&, i] { ends[i] = w.apply(first + "# of " + std::to_string(i) + "\nlet a = " + std::to_string(i) + "s\n", false, base); });
    for (std::thread& thread : threads) thread.join();
    int applied = 0, told = 0;
    for (const PolicyApplied& end : ends) {
        applied += end.end == End::applied ? 1 : 0;
        told += end.end == End::conflict ? 1 : 0;
    }
    CHECK(applied == 1);
    CHECK(told == 3);
}

TEST_CASE("going back asks no guard, goes as far as is kept, and ends a watch") {
    World w;
    w.fill();
    const std::string a = w.running();
    CHECK(w.back().end == End::invalid);  // nothing ran before
    const std::string b = w.apply(longer(), false, {}, dsl::Ms(0)).running;
    const std::string c = w.apply(colder(), true).running;
    REQUIRE(w.kernel->running_policy().watched);
    const PolicyApplied back = w.back();
    INFO(back.text);
    CHECK(back.end == End::applied);
    CHECK(w.running() == b);
    CHECK_FALSE(w.kernel->running_policy().watched);
    CHECK(w.kernel->running_policy().record.origin == "rollback");
    CHECK(w.back("0000000000000000").end == End::invalid);
    CHECK(w.back(a).end == End::applied);
    CHECK(w.running() == a);
    w.go(100, false);
    CHECK(w.running() == a);
}

TEST_CASE("a reload is refused while a policy is watched; afterwards the files win, and that is said") {
    World w;
    w.fill();
    const std::string files = w.running();
    const std::string applied = w.apply(longer()).running;
    const ReloadResult refused = w.kernel->reload();
    CHECK_FALSE(refused.ok);
    CHECK_THAT(refused.text, contains("is being watched"));
    w.go(60, true);
    const ReloadResult reloaded = w.kernel->reload();
    CHECK(reloaded.ok);
    CHECK_THAT(reloaded.text, contains(applied) && contains("gives way to that of the files") && contains("larder rollback"));
    CHECK(w.running() == files);
    CHECK(w.back().end == End::applied);
    CHECK(w.running() == applied);
}

TEST_CASE("a kernel comes up with the policy of its files, and says which one ran and was watched") {
    World w(first, "[state]\nfolder = \"state\"\n");
    const std::string files = w.running();
    const std::string applied = w.apply(longer()).running;
    w.boot(first, "[state]\nfolder = \"state\"\n");
    CHECK(w.running() == files);
    std::string warned;
    for (const std::string& line : w.kernel->warnings()) warned += line + "\n";
    CHECK_THAT(warned, contains(applied) && contains("still being watched"));
    CHECK(w.back().end == End::applied);
    CHECK(w.running() == applied);
    CHECK(w.ttl() == dsl::Ms(540'000));
}

TEST_CASE("no read fails and none sees half a policy while policies change") {
    World w;
    w.fill();
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> reads{0}, lost{0};
    std::vector<std::thread> readers;
    for (int t = 0; t < 3; ++t)
        readers.emplace_back([&] {
            std::uint32_t ns = 0;
            w.kernel->cache().ns_find("item", &ns);
            while (!done.load()) {
                larder_cache_get item{};
                item.ns = ns;
                item.key = {"1", 1};
                w.kernel->cache().get_many(&item, 1, nullptr);
                if (item.status != LARDER_OK) lost.fetch_add(1);
                if (item.value.release != nullptr) item.value.release(&item.value);
                reads.fetch_add(1);
            }
        });
    for (int i = 0; i < 40; ++i) {
        const auto end = w.apply(changed(first, "ttl 5m", "ttl " + std::to_string(6 + i) + "m"), false, {}, dsl::Ms(0)).end;
        CHECK(end == End::applied);
    }
    while (reads.load() < 1000) std::this_thread::yield();
    done.store(true);
    for (std::thread& one : readers) one.join();
    CHECK(lost.load() == 0);
    CHECK(w.ttl() == dsl::Ms(45 * 60'000));
}
