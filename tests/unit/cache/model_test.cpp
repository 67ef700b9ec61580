// tests/unit/cache/model_test.cpp -- a million random operations against a naive reference.
//
// The reference finds what a drop concerns by looking at every entry. The cache must agree exactly
// while its store keeps everything; with a store that forgets and a table of records that is too
// small it may miss more, never hit more. The seed is in the output of a failure.
#include "kernel/core/figures.hpp"
#include "tests/catch.hpp"
#include "tests/support/test_cache.hpp"

#include <cstdlib>
#include <map>
#include <random>

using namespace larder;
using namespace larder::test;

namespace {

const char* const policy = R"(larder 1
namespace item { key "{cat}:{id}"; ttl 100s; tag "cat:{cat}" }
namespace shop {
  tag "shop"
  ttl 60s
  namespace list { key "{page}" }
  namespace part { key "{id}"; with owner; tag "owner:{owner}" }
}
namespace view { key "{cat}"; ttl 50s; depends on item "{cat}:1" }
namespace log  { key "{day}" }
on write "/item/{cat}/{id}" { drop item "{cat}:{id}" }
on write "/cat/{cat}"       { drop tag "cat:{cat}" }
on write "/shop"            { drop shop }
on event "month" (m)        { drop log matching "{m}-*" }
on event "owner" (o)        { drop tag "owner:{o}" }
)";

struct Entry {
    std::string value;
    std::uint64_t until = 0;  // ms; 0: none
    std::string owner;
};

// Everything by looking.
class Reference {
  public:
    std::map<std::pair<std::string, std::string>, Entry> entries;
    std::uint64_t now = 0;

    const Entry* find(const std::string& ns, const std::string& key) {
        const auto it = entries.find({ns, key});
        if (it == entries.end() || (it->second.until != 0 && now >= it->second.until)) return nullptr;
        return &it->second;
    }
    template <class Pred>
    void drop_if(Pred&& pred) {
        for (auto it = entries.begin(); it != entries.end();)
            it = pred(it->first.first, it->first.second, it->second) ? entries.erase(it) : std::next(it);
    }
    void drop_view_of(const std::string& cat) { entries.erase({"view", cat}); }
    void drop_item(const std::string& cat, const std::string& id) {
        entries.erase({"item", cat + ":" + id});
        if (id == "1") drop_view_of(cat);
    }
};

std::string cat_of(const std::string& key) { return key.substr(0, key.find(':')); }

// The same where every namespace demotes: l1 has room for a few entries of each, and what it lets go comes down later.
std::string demoting(std::string text) {
    for (std::size_t at = 0; (at = text.find("{ key ", at)) != std::string::npos; at += 10) text.insert(at + 2, "demote; ");
    return text;
}

void run_model(std::uint64_t seed, std::size_t operations, bool forgetful, bool demotes = false) {
    INFO("seed " << seed);
    TestCacheOptions options;
    options.seed = seed;
    options.stores = {"l1", "l2"};
    if (forgetful && !demotes) options.records = 64;
    if (demotes) {
        options.caps |= LARDER_STORE_CAP_DEMOTE;
        if (seed % 2 == 0) options.lower_caps = MapStore::default_caps & ~std::uint64_t{LARDER_STORE_CAP_MARK};
        options.demotions = 1 + seed % 7;
    }
    TestCache c(demotes ? demoting(policy) : policy, options);
    if (demotes) c.stores[0]->most = 3;
    Reference r;
    std::mt19937_64 random(seed);
    const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    const auto cat = [&] { return std::string(1, static_cast<char>('a' + pick(4))); };
    const auto id = [&] { return std::to_string(1 + pick(5)); };
    const auto day = [&] { return "2024-0" + std::to_string(1 + pick(3)) + "-1" + std::to_string(pick(4)); };
    const std::map<std::string, std::uint64_t> ttl{{"item", 100'000}, {"shop.list", 60'000}, {"shop.part", 60'000}, {"view", 50'000}, {"log", 0}};
    const auto random_key = [&](std::string& ns) {
        switch (pick(5)) {
            case 0: ns = "item"; return cat() + ":" + id();
            case 1: ns = "shop.list"; return id();
            case 2: ns = "shop.part"; return id();
            case 3: ns = "view"; return cat();
            default: ns = "log"; return day();
        }
    };
    std::uint64_t hits = 0;
    for (std::size_t i = 0; i < operations; ++i) {
        std::string ns;
        const unsigned what = pick(100);
        if (what < 55) {
            const std::string key = random_key(ns);
            const auto got = c.get(ns, key);
            const Entry* want = r.find(ns, key);
            hits += got.has_value();
            if (got && (want == nullptr || *got != want->value)) FAIL("operation " << i << ": " << ns << " " << key << " is " << *got << " and should not be");
            if (!forgetful && want != nullptr && !got) FAIL("operation " << i << ": " << ns << " " << key << " is missing");
        } else if (what < 85) {
            const std::string key = random_key(ns), value = std::to_string(random());
            Entry entry{value, 0, {}};
            std::int64_t given = 0;
            if (pick(4) == 0) given = 1000 * (1 + pick(40));
            const std::uint64_t life = given != 0 ? static_cast<std::uint64_t>(given) : ttl.at(ns);
            entry.until = life == 0 ? 0 : r.now + life;
            TestCache::PutOptions o;
            o.ttl_ms = given;
            if (ns == "shop.part") {
                entry.owner = id();
                o.with = {{"owner", entry.owner}};
            }
            REQUIRE(c.set(ns, key, value, o).status == LARDER_OK);
            r.entries[{ns, key}] = entry;
        } else if (what < 88) {
            const std::string key = random_key(ns);
            const bool was = r.find(ns, key) != nullptr;
            const larder_status status = c.remove(ns, key);
            if (!forgetful) REQUIRE((status == LARDER_OK) == was);
            if (ns == "item") r.drop_item(cat_of(key), key.substr(key.find(':') + 1));
            else r.entries.erase({ns, key});
        } else if (what < 90) {
            const std::string a = cat(), b_id = id();
            c.request("PUT", "/item/" + a + "/" + b_id);
            r.drop_item(a, b_id);
        } else if (what < 91) {
            const std::string a = cat();
            c.request("POST", "/cat/" + a);
            r.drop_if([&](const std::string& n, const std::string& k, const Entry&) { return n == "item" && cat_of(k) == a; });
            r.drop_view_of(a);
        } else if (what < 92) {
            const std::string month = "2024-0" + std::to_string(1 + pick(3));
            c.event("month", {{"m", month}});
            r.drop_if([&](const std::string& n, const std::string& k, const Entry&) { return n == "log" && k.compare(0, month.size() + 1, month + "-") == 0; });
        } else if (what < 93) {
            const std::string owner = id();
            c.event("owner", {{"o", owner}});
            r.drop_if([&](const std::string& n, const std::string&, const Entry& e) { return n == "shop.part" && e.owner == owner; });
        } else if (what < 94) {
            c.request("DELETE", "/shop");
            r.drop_if([&](const std::string& n, const std::string&, const Entry&) { return n.compare(0, 5, "shop.") == 0; });
        } else if (what < 95 && pick(8) == 0) {
            const std::string end = std::to_string(pick(4));
            c.drop_matching("log", "*1" + end);
            r.drop_if([&](const std::string& n, const std::string& k, const Entry&) { return n == "log" && k.compare(k.size() - 2, 2, "1" + end) == 0; });
        } else if (what < 96 && pick(20) == 0) {
            c.change(LARDER_DROP, LARDER_TARGET_EVERYTHING, "", "");
            r.entries.clear();
        } else if (what < 98) {
            const Ms by(pick(3000));
            c.after(by);
            r.now += static_cast<std::uint64_t>(by.count());
        } else if (demotes && what < 99) {
            c.executor.run();
        } else if (forgetful && what < 99) {
            c.stores[pick(2)]->evict_some(random(), 3);
        }
    }
    CHECK(hits > operations / 50);
    if (!demotes) return;
    std::uint64_t placed = 0, lost = 0, overtaken = 0;
    for (const SpaceFigures& space : c.cache->figures().spaces) {
        placed += space.demoted;
        lost += space.demotions_lost;
        overtaken += space.demotions_overtaken;
    }
    CHECK(placed > operations / 100);
    CHECK(lost > 0);
    CHECK(overtaken > operations / 1000);
}

}  // namespace

TEST_CASE("a million random operations agree with a naive reference", "[model]") {
    const char* more = std::getenv("LARDER_MODEL_SEED");
    if (more != nullptr) {
        run_model(std::strtoull(more, nullptr, 10), 1'000'000, false);
        return;
    }
    for (std::uint64_t seed = 1; seed <= 10; ++seed) run_model(seed, 100'000, false);
}

TEST_CASE("what memory hands down never outlives a drop, a removal, an expiry or a newer value", "[model][demote]") {
    for (std::uint64_t seed = 201; seed <= 210; ++seed) run_model(seed, 50'000, true, true);
}

TEST_CASE("a cache that forgets misses more than the reference and never hits more", "[model]") {
    for (std::uint64_t seed = 101; seed <= 104; ++seed) run_model(seed, 50'000, true);
}
