// kernel/replay/advice_text.cpp -- advice for people (who may pipe it into `patch`) and for programs.
#include "kernel/replay/advice.hpp"
#include "kernel/replay/figures_text.hpp"

#include <boost/json.hpp>

namespace larder::replay {
namespace {

namespace json = boost::json;

void add(std::string& out, const char* name, const std::string& was, const std::string& now) {
    if (was != now) out += std::string(out.empty() ? "" : ", ") + name + " " + was + " -> " + now;
}

// What differs between two runs, as far as it is of interest.
std::string difference(const Tally& base, const Tally& after, const std::string& space) {
    const SpaceTally was = base.all(), now = after.all();
    std::string out;
    add(out, "hit ratio", percent_text(hit_ratio(was)), percent_text(hit_ratio(now)));
    add(out, "misses", grouped_text(was.misses), grouped_text(now.misses));
    add(out, "stale answers", grouped_text(was.stale), grouped_text(now.stale));
    add(out, "loads", grouped_text(was.loads), grouped_text(now.loads));
    if (const SpaceTally *here = base.space(space), *there = after.space(space); here != nullptr && there != nullptr)
        add(out, "most loads in a second", grouped_text(here->peak_loads), grouped_text(there->peak_loads));
    add(out, "memory", size_text(base.peak_bytes), size_text(after.peak_bytes));
    add(out, "evictions", grouped_text(base.evictions), grouped_text(after.evictions));
    return out;
}

json::object numbers(const Tally& t) {
    const SpaceTally all = t.all();
    return {{"hit_ratio", hit_ratio(all)}, {"misses", all.misses}, {"stale", all.stale}, {"loads", all.loads}, {"peak_bytes", t.peak_bytes}, {"evictions", t.evictions}};
}

}  // namespace

std::string render_text(const Advice& advice) {
    const SpaceTally all = advice.base.all();
    std::string out = "as it is: " + grouped_text(all.gets()) + " gets, hit ratio " + percent_text(hit_ratio(all)) + ", " + grouped_text(all.loads) + " loads, " +
                      size_text(advice.base.peak_bytes) + " at most\n";
    if (advice.facts.cut) out += "only the first " + grouped_text(advice.base.operations) + " operations were looked at\n";
    if (!advice.facts.problem.empty()) out += "the file ends before its end: " + advice.facts.problem + "\n";
    std::size_t number = 0;
    for (const Suggestion& one : advice.suggestions) {
        out += "\n" + std::to_string(++number) + ". " + one.what.title + "\n   " + difference(advice.base, one.after, one.what.space) + "\n   " + one.what.price + "\n" + one.diff;
    }
    if (advice.suggestions.empty()) out += "nothing to suggest: " + std::to_string(advice.tried) + " changes were tried, none of them pays\n";
    if (!advice.remarks.empty()) out += "\nwithout a patch\n";
    for (const std::string& one : advice.remarks) out += "  " + one + "\n";
    return out;
}

std::string render_json(const Advice& advice) {
    json::array suggestions, remarks;
    for (const Suggestion& one : advice.suggestions)
        suggestions.push_back(json::object{{"title", one.what.title}, {"price", one.what.price}, {"namespace", one.what.space}, {"file", one.what.file},
                                           {"diff", one.diff}, {"after", numbers(one.after)}});
    for (const std::string& one : advice.remarks) remarks.emplace_back(one);
    return json::serialize(json::object{{"before", numbers(advice.base)}, {"operations", advice.base.operations}, {"cut", advice.facts.cut}, {"tried", advice.tried},
                                        {"suggestions", std::move(suggestions)}, {"remarks", std::move(remarks)}}) +
           "\n";
}

}  // namespace larder::replay
