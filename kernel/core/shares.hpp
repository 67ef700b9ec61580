// kernel/core/shares.hpp -- how much of what is kept something would take, and whether a guard allows it.
//
// Counted are entries that could be read now, by a bounded walk over the memory of this process; what a
// shared store keeps beside that nobody counts. So each number has a word with it, and a share that nobody
// can know is one that a guard refuses: it can be confirmed, and not be taken back.
#pragma once

#include "dsl/policy.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder {

enum class Counted : std::uint8_t { exact, at_least, about };
std::string_view word_of(Counted counted);  // "exact", "at least", "about"
// "1 of 48,211", "at least 1 of 48,211"
std::string numbers_text(std::uint64_t goes, std::uint64_t live, Counted counted);
std::string grouped(std::uint64_t n);  // 48,211

struct SpaceShare {
    std::string name;        // of a namespace that keeps entries
    std::uint64_t live = 0;  // entries that can be read
    std::uint64_t goes = 0;  // of these
    Counted counted = Counted::exact;
    bool all = false;     // all of it goes, counted or not
    bool unseen = false;  // a shared store keeps some that nobody counts,
    bool touched = false; // and some of those may go
};

struct GuardBreach {
    dsl::ShareGuard guard;  // its text, its place, what it allows
    std::string of;         // "user_details"; empty: everything that is kept
    std::uint64_t live = 0, goes = 0;
    Counted counted = Counted::exact;
    double share = 0;      // 0 to 1
    bool unknown = false;  // nobody can count it
};

// What the guards of `policy` have against it; `shares` by the names of any policy.
std::vector<GuardBreach> breaches_of(const dsl::Policy& policy, dsl::ShareGuard::Of of, std::span<const SpaceShare> shares);
// "takes 48,211 of 48,211 entries of user_details (100%); refuse drop above 20% of user_details, hotel.larder:12"
std::string breach_text(const GuardBreach& breach);

}  // namespace larder
