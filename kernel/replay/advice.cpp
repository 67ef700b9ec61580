// kernel/replay/advice.cpp -- changes of a policy that would have been worth it.
#include "kernel/replay/advice.hpp"

#include "dsl/compile.hpp"
#include "dsl/unified_diff.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace larder::replay {
namespace {

constexpr std::uint64_t few = 10;
constexpr std::size_t most_tried = 64;

std::optional<std::string> text_of(const StageOptions& stage, const std::string& file) {
    if (const auto found = stage.texts.find(file); found != stage.texts.end()) return found->second;
    std::ifstream in(file, std::ios::binary);
    if (!in) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(in), {});
}

dsl::Compiled compiled(const StageOptions& stage) {
    dsl::CompileOptions options;
    options.profile = stage.profile;
    options.allow_missing = true;
    options.read = [&stage](const std::string& path) { return text_of(stage, path); };
    return dsl::compile(stage.policy, options);
}

// More than `now` by at least one in `parts` and more than a few.
bool falls(std::uint64_t was, std::uint64_t now, std::uint64_t parts) { return now + few <= was && (was - now) * parts >= was; }
bool grows(std::uint64_t was, std::uint64_t now, std::uint64_t parts) { return now > was + few && (now - was) * parts > was; }

// How much better `after` is in what the proposal aims at; 0: not enough, or something else got worse.
std::uint64_t gain(const Proposal& what, const Tally& base, const Tally& after) {
    const SpaceTally was = base.all(), now = after.all();
    const SpaceTally* const here = base.space(what.space);
    const SpaceTally* const there = after.space(what.space);
    if (here == nullptr || there == nullptr || now.gets() != was.gets()) return 0;
    switch (what.aim) {
        case Aim::misses:
            if (grows(was.loads, now.loads, 200) || !falls(was.misses, now.misses, 50)) return 0;
            return was.misses - now.misses;
        case Aim::memory:
            if (grows(was.loads, now.loads, 500) || grows(was.misses, now.misses, 500) || !falls(base.peak_bytes, after.peak_bytes, 10)) return 0;
            return base.peak_bytes - after.peak_bytes;
        case Aim::peak:
            if (grows(was.loads, now.loads, 20) || !falls(here->peak_loads, there->peak_loads, 5)) return 0;
            return here->peak_loads - there->peak_loads;
    }
    return 0;
}

std::vector<std::string> remarks_of(const dsl::Policy& policy, const Tally& base) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < base.rules.size() && i < policy.rules.size(); ++i)
        if (base.rules[i].fired == 0 && policy.rules[i].kind != dsl::TriggerKind::drop_of && !policy.rules[i].changes.empty())
            out.push_back(base.rules[i].where + "  " + base.rules[i].head + " never fired in this traffic");
    for (const SpaceTally& space : base.spaces)
        if (space.gets() == 0) out.push_back("nobody asked for " + space.name);
        else if (space.gets() >= few * few && hit_ratio(space) < 0.05)
            out.push_back(space.name + " answers fewer than one get in twenty: it costs memory and saves nearly nothing");
    const std::uint64_t ended = base.ended_read + base.ended_unread;
    if (ended >= few * few && base.ended_unread * 2 > ended)
        out.push_back("of " + std::to_string(ended) + " entries that ended, " + std::to_string(base.ended_unread) + " had never been read");
    if (base.passed > 0 && base.passed * 10 > base.requests + base.passed)
        out.push_back(std::to_string(base.passed) + " GETs passed by: no `serve` rule answers them");
    return out;
}

}  // namespace

std::optional<Advice> advise(std::string_view traffic, const ReplayOptions& options, const std::function<void(const std::string&)>& progress,
                             std::string& problem) {
    ReplayOptions how = options;
    how.against.reset();
    const dsl::Compiled policy = compiled(how.stage);
    if (!policy.ok()) {
        problem = dsl::render_text(*policy.sources, policy.found, false);
        return std::nullopt;
    }
    progress("the policy as it is");
    auto base = replay(traffic, how, problem);
    if (!base) return std::nullopt;
    Advice out;
    out.facts = base->facts;
    out.base = std::move(base->tried);
    out.remarks = remarks_of(*policy.policy, out.base);
    const auto read = [&](const std::string& file) { return text_of(how.stage, file); };
    for (const Proposals& group : proposals(*policy.policy, out.base, read)) {
        std::vector<std::pair<std::uint64_t, Suggestion>> good;
        std::uint64_t best = 0;
        for (const Proposal& what : group) {
            if (out.tried == most_tried) {
                out.remarks.push_back("no more than " + std::to_string(most_tried) + " changes were tried");
                break;
            }
            ReplayOptions with = how;
            with.stage.texts[what.file] = what.text;
            const dsl::Compiled checked = compiled(with.stage);
            if (!checked.ok() || checked.found.size() > policy.found.size()) continue;
            progress(what.title);
            ++out.tried;
            std::string ignored;
            auto after = replay(traffic, with, ignored);
            if (!after) continue;
            const std::uint64_t gained = gain(what, out.base, after->tried);
            if (gained == 0) continue;
            best = std::max(best, gained);
            const auto was = read(what.file);
            good.emplace_back(gained, Suggestion{what, dsl::unified_diff(what.file, was.value_or(""), what.text), std::move(after->tried)});
        }
        for (auto& [gained, suggestion] : good)
            if (gained * 5 >= best * 4) {
                out.suggestions.push_back(std::move(suggestion));
                break;
            }
        if (out.tried == most_tried) break;
    }
    return out;
}

}  // namespace larder::replay
