// kernel/core/shares.cpp -- shares of what is kept, held against guards.
#include "kernel/core/shares.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace larder {
namespace {

GuardBreach measured(const dsl::ShareGuard& guard, std::string of, std::span<const SpaceShare> shares, std::span<const std::string> names) {
    GuardBreach out;
    out.guard = guard;
    out.of = std::move(of);
    bool all = true, any = false, unseen = false;
    for (const SpaceShare& share : shares) {
        if (!names.empty() && std::find(names.begin(), names.end(), share.name) == names.end()) continue;
        out.live += share.live;
        out.goes += share.goes;
        out.counted = std::max(out.counted, share.counted);
        unseen = unseen || (share.unseen && share.touched);
        if (share.live == 0 && !share.unseen) continue;
        any = true;
        all = all && share.all;
    }
    out.unknown = out.live == 0 && unseen;
    if (out.live > 0) out.share = static_cast<double>(out.goes) / static_cast<double>(out.live);
    if (any && all) {
        out.share = 1;
        out.unknown = false;
    }
    return out;
}

}  // namespace

std::string_view word_of(Counted counted) {
    static constexpr std::array<std::string_view, 3> words{"exact", "at least", "about"};
    return words[static_cast<std::size_t>(counted)];
}

std::string grouped(std::uint64_t n) {
    std::string out = std::to_string(n);
    for (std::size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, ",");
    return out;
}

std::string numbers_text(std::uint64_t goes, std::uint64_t live, Counted counted) {
    const std::string word = counted == Counted::exact ? "" : std::string(word_of(counted)) + " ";
    return word + grouped(goes) + " of " + grouped(live);
}

std::vector<GuardBreach> breaches_of(const dsl::Policy& policy, dsl::ShareGuard::Of of, std::span<const SpaceShare> shares) {
    std::vector<GuardBreach> out;
    const auto judge = [&](const dsl::ShareGuard& guard, std::string name, std::span<const std::string> names) {
        GuardBreach found = measured(guard, std::move(name), shares, names);
        if (found.unknown || found.share > guard.above) out.push_back(std::move(found));
    };
    for (const dsl::ShareGuard& guard : policy.guards.shares) {
        if (guard.of != of) continue;
        if (guard.namespaces.empty()) judge(guard, "", {});
        for (const dsl::NamespaceIndex ns : guard.namespaces) {
            std::vector<std::string> names;
            for (const dsl::NamespaceIndex i : policy.under(ns)) names.push_back(policy.namespaces[i].name);
            judge(guard, policy.namespaces[ns].name, names);
        }
    }
    return out;
}

std::string breach_text(const GuardBreach& breach) {
    const std::string of = breach.of.empty() ? "what is kept" : breach.of;
    std::array<char, 32> percent{};
    std::snprintf(percent.data(), percent.size(), "%.3g%%", breach.share * 100);
    const std::string numbers = breach.unknown ? "takes what nobody can count of " + of + ": a shared store keeps it"
                                               : "takes " + numbers_text(breach.goes, breach.live, breach.counted) + " entries of " + of +
                                                     " (" + percent.data() + ")";
    return numbers + "; " + breach.guard.text + ", " + breach.guard.where.text();
}

}  // namespace larder
