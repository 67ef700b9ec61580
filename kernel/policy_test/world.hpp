// kernel/policy_test/world.hpp -- the kernel of one test: the real cache, and all around it in memory.
//
// Nothing is shared with another test: clock, random numbers, executor, stores and cache are made for
// it and thrown away. The same test does the same thing every time, on every machine.
#pragma once

#include "dsl/policy_test.hpp"
#include "kernel/core/cache.hpp"
#include "kernel/policy_test/test_store.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::policy_test {

// The stores that a policy speaks of, the nearest first: those of its tiers in their order, then those
// that only a breaker or a session names. A policy that leaves its tiers open gets an l1 in front.
std::vector<std::string> stores_of(const dsl::Policy& policy);

class World {
  public:
    World(std::shared_ptr<const dsl::Policy> policy, std::span<const std::string> stores);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // What a look at one entry tells.
    struct Seen {
        larder_status status = LARDER_MISS;
        bool stale = false, absent = false;
        std::int64_t ttl_ms = 0;
        std::string store;  // which one had it; empty: none
    };
    // As an application reads: a use of the entry, which may move it to nearer tiers and let it live on.
    Seen read(dsl::NamespaceIndex ns, std::string_view key);
    // Without using it; stale ones are seen, too.
    Seen look(dsl::NamespaceIndex ns, std::string_view key);
    // Through a loader that ends like that.
    Seen load(dsl::NamespaceIndex ns, std::string_view key, dsl::LoadOutcome end,
              const std::vector<dsl::GivenValue>& with);
    larder_status put(dsl::NamespaceIndex ns, std::string_view key,
                      const std::vector<dsl::GivenValue>& with, std::string_view value = {});
    // As the same policy put it when the namespace had that version.
    larder_status put_version(dsl::NamespaceIndex ns, std::string_view key,
                              const std::vector<dsl::GivenValue>& with, std::string_view value,
                              std::uint32_t version);
    // What an application reads; nothing: it misses.
    std::optional<std::string> value(dsl::NamespaceIndex ns, std::string_view key);

    struct Fired {
        std::vector<std::uint32_t> rules;    // into policy().rules
        std::vector<std::string> uncertain;  // "hotel.larder:20": its target was not known whole
    };
    // The entry that answers the request, where there is one.
    struct Answer {
        larder_status status = LARDER_MISS;  // of larder.cache/1's serve
        dsl::NamespaceIndex ns = dsl::none;
        std::string key;
        std::uint32_t rule = dsl::none;
    };
    Answer serve(const dsl::TestStep& request);
    Fired request(const dsl::TestStep& request);
    Fired event(const dsl::TestStep& event);
    // Whether the request has a value there.
    static bool has(const dsl::TestStep& request, dsl::Origin origin, std::string_view field);

    void after(Ms by);
    void today(std::int64_t days);
    // False: there is no such store.
    bool fail(std::string_view store, bool fails);
    bool any_fails() const;
    std::optional<dsl::BreakerIs> breaker(std::string_view store) const;
    // What dropped or expired it last: `user "1" was dropped with ... by ...`; empty: nothing did.
    std::string why(dsl::NamespaceIndex ns, std::string_view key) const;

    const dsl::Policy& policy() const { return *policy_; }
    std::uint64_t now_ms() const { return clock_.mono_ns() / 1'000'000; }
    // Namespaces that were to be warmed, and sessions and users that were ended, so far.
    const std::vector<dsl::NamespaceIndex>& warmed() const { return warmed_; }
    const std::vector<std::pair<std::string, std::string>>& ended() const { return ended_; }

  private:
    void install(std::shared_ptr<const dsl::Policy> policy);
    std::uint32_t number(dsl::NamespaceIndex ns) const { return numbers_[ns]; }
    Seen seen(larder_cache_get& item, std::span<const std::uint64_t> before) const;
    std::vector<std::uint64_t> found() const;
    Fired fired(const larder_receipt& receipt) const;

    std::shared_ptr<const dsl::Policy> policy_;
    std::vector<std::string> names_;  // of the stores
    ManualClock clock_;
    SeededRandom random_{1};
    ManualExecutor executor_{clock_};
    std::vector<std::unique_ptr<TestStore>> stores_;
    std::vector<dsl::NamespaceIndex> warmed_;
    std::vector<std::pair<std::string, std::string>> ended_;
    std::vector<std::uint32_t> numbers_;  // of larder.cache/1, by NamespaceIndex
    std::unique_ptr<Cache> cache_;        // uses all of the above
};

}  // namespace larder::policy_test
