// kernel/replay/stage.hpp -- traffic played on one policy, and what came of it.
//
// What was recorded is what callers did under the policy that ran then. Under another policy they would do
// something else, and the stage plays that: a get that finds nothing although it did when it was recorded is
// loaded (with the size and cost that the key had last, else those usual in its namespace); a recorded load is
// left out where the get before it has found its entry. Under the policy that was recorded nothing of that
// happens, and the same comes out.
//
// Loads take no time here: requests that come while one is under way find it done.
#pragma once

#include "kernel/replay/key_book.hpp"
#include "kernel/replay/operation.hpp"
#include "kernel/replay/stage_kernel.hpp"
#include "kernel/replay/tally.hpp"

#include <larder/plugin/services.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace larder::replay {

class Stage {
  public:
    // Null: `problem` says why, ready to print. recorded: fingerprint of the policy that ran; where it is this
    // one, what it answers to requests is known already. 0: nobody knows.
    static std::unique_ptr<Stage> open(const StageOptions& options, std::uint64_t recorded, std::string& problem);

    // The namespaces that operations mean by number, from now on.
    void bind(const std::vector<TrafficSpace>& spaces);
    void play(const Operation& op);  // [hot]
    Tally finish();                  // what came of it
    const dsl::Policy& policy() const { return kernel_->policy(); }
    Cache& cache() { return kernel_->cache(); }

  private:
    struct Slot {  // a namespace of this policy that keeps entries
        std::uint32_t number = 0;
        const dsl::Namespace* space = nullptr;
        bool can_be_stale = false;
        std::uint64_t loaded_bytes = 0;  // sum over loads, for what is usual
        std::uint64_t second = 0, in_second = 0;  // loads in the second that goes on
        SpaceTally tally;
    };
    struct Answer {
        Outcome outcome = Outcome::miss;
        std::uint64_t stale_ms = 0;
    };
    struct Place {  // an entry: a slot and a key inside it
        Slot* slot = nullptr;
        std::string_view key;
        std::uint64_t hash = 0;
    };

    Stage() = default;
    Slot* slot_of(std::uint32_t number);
    Place place(const Operation& op);
    Answer ask(const Place& at, bool fence, bool stale);
    bool serves_stale(const Slot& slot, std::uint64_t stale_ms, bool failed) const;
    void play_get(const Operation& op);
    void play_put(const Operation& op);
    void play_http(const Operation& op);
    void play_request(const Operation& op);
    void play_ask(const Operation& op);
    void play_change(const Operation& op);
    void play_event(const Operation& op);
    void play_remove(const Operation& op);
    void play_life(const Operation& op);
    bool seed(const Operation& op, const Place& at, KeyNote& note);
    void count_miss(const Place& at, const KeyNote& note);
    void load(const Place& at, KeyNote& note, std::uint64_t size, std::uint64_t cost_us);
    bool write(const Place& at, KeyNote& note, const Operation* op, std::uint64_t size, std::uint32_t flags, std::int64_t ttl_ms);
    void count_load(Slot& slot, KeyNote& note, std::uint64_t size, std::uint64_t cost_us);
    void look_at_memory();

    std::unique_ptr<StageKernel> kernel_;
    bool same_policy_ = false, saw_http_ = false;
    std::uint64_t began_ms_ = 0, now_ms_ = 0;  // since 1970; since the beginning
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> slot_by_number_;    // UINT32_MAX: none
    std::vector<std::uint32_t> slot_by_traffic_;
    std::vector<std::int64_t> traffic_ttl_;
    std::uint16_t changing_methods_ = 0;           // that some rule does something for
    KeyBook book_;
    std::unordered_map<std::uint64_t, std::pair<std::uint32_t, std::string>> redirects_;  // recorded entry -> slot, key; UINT32_MAX: none
    std::string value_;                            // as many zeroes as the largest value yet
    std::uint64_t until_look_ = 1, unsure_ = 0;
    Tally tally_;
};

}  // namespace larder::replay
