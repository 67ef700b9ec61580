// kernel/policy_test/entries.hpp -- what a test has put, and what has become of it.
//
// After every step that may change an entry it is looked at without being used, so that a failure can say
// which step and which rule did it. While a store fails nobody looks, because each look would be one more
// failure for its breaker; what happened meanwhile is then asked of the kernel's own log.
#pragma once

#include "dsl/policy_test.hpp"
#include "kernel/policy_test/world.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::policy_test {

// 90000 as "1m30s".
std::string duration_text(std::uint64_t ms);

struct Entry {
    enum class State : std::uint8_t { fresh, stale, gone };
    enum class By : std::uint8_t { nobody, rule, time, unknown };

    dsl::NamespaceIndex ns = dsl::none;
    std::string key;
    std::vector<dsl::GivenValue> with;
    dsl::Span put_at;
    State state = State::fresh;
    By by = By::nobody;
    dsl::Span by_at;
    std::string why;  // the kernel's own words
    std::uint64_t put_ms = 0, by_ms = 0;

    std::string fate() const;  // "was dropped"
};

class Entries {
  public:
    explicit Entries(World& world) : world_(world) {}

    std::size_t size() const { return all_.size(); }
    const Entry& operator[](std::size_t i) const { return all_[i]; }
    Entry* find(dsl::NamespaceIndex ns, std::string_view key);
    // From now on, as just put; one of that key begins anew.
    void follow(dsl::NamespaceIndex ns, std::string_view key,
                const std::vector<dsl::GivenValue>& with, dsl::Span at);
    // A step that may have changed any of them.
    void observe(Entry::By by, dsl::Span at);
    // Looks at one that nobody has looked at since a store failed.
    void catch_up(Entry& entry, dsl::Span at);
    // Whether a target that is more than one key speaks of it.
    bool is_meant(const dsl::TestTarget& target, const Entry& entry) const;

  private:
    void look_at(Entry& entry, Entry::By by, dsl::Span at);
    bool carries(const Entry& entry, std::string_view tag) const;

    World& world_;
    std::vector<Entry> all_;
    bool blind_ = false;  // something may have changed while nobody looked
};

}  // namespace larder::policy_test
