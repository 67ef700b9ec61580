// kernel/api/policy_change.hpp -- planning, applying and taking back a policy: what is asked and answered.
#pragma once

#include "kernel/api/policy_texts.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace larder {

// Where the next policy comes from.
struct PolicySource {
    enum class From : std::uint8_t {
        files,  // those that larder.toml names, as they stand now; larder.toml itself is not read again
        texts,  // `texts`
        kept    // one that ran before: `kept` is its id, empty the newest
    };
    From from = From::files;
    PolicyTexts texts;
    std::string kept;
};

struct PolicyPlanned {
    bool ok = false;
    bool changes = false;        // the texts or their profile differ
    bool needs_confirm = false;  // a guard refuses it otherwise
    std::string running, planned;  // ids
    std::string text, json;        // of the plan; without ok: text has the diagnostics
};

struct PolicyOrder {
    PolicySource source;
    std::string running;  // the id that was planned against; empty: whatever runs
    bool confirm = false;
    std::chrono::milliseconds watch{60'000};  // 0: not watched
    std::string by;
};

struct PolicyApplied {
    enum class End : std::uint8_t {
        applied,
        nothing,   // it runs already
        refused,   // by a guard; `text` has the counts, and how to confirm
        conflict,  // another one runs than was planned against, or one is being watched
        invalid,   // it does not compile, or does not fit larder.toml
        stopped    // the kernel does not run
    };
    End end = End::applied;
    std::string text;     // for people
    std::string running;  // id, afterwards
    std::chrono::milliseconds watched{};  // how long it is watched from now on
    bool good() const { return end == End::applied || end == End::nothing; }
};
inline constexpr std::chrono::milliseconds longest_policy_watch{std::chrono::hours(24)};

// What runs, and what became of the last one that was applied.
struct PolicyRunning {
    PolicyRecord record;
    bool watched = false;
    std::uint64_t watch_ms = 0, left_ms = 0;
    std::string progress;  // what is measured
    std::string last;      // "kept: ...", "returned: ...": how the last watch ended; empty: none did
    bool last_returned = false;
    std::string last_id;   // of the policy that was watched then
    std::uint64_t applies = 0, returns = 0, refusals = 0;
    std::vector<PolicyRecord> kept;  // newest first
};

}  // namespace larder
