// kernel/replay/comparison.cpp -- what came of a replay, for people and for programs.
#include "kernel/replay/comparison.hpp"

#include "kernel/api/policy_changes.hpp"
#include "kernel/replay/figures_text.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace larder::replay {
namespace {

namespace json = boost::json;

constexpr std::size_t name_width = 26, column_width = 14;

void pad(std::string& line, std::size_t to) {
    if (line.size() < to) line.append(to - line.size(), ' ');
    else line += "  ";
}

// How `now` differs from `was`, for counts.
std::string change(std::uint64_t was, std::uint64_t now) {
    if (was == now) return "the same";
    if (was == 0) return "+" + grouped_text(now);
    const double ratio = static_cast<double>(now) / static_cast<double>(was) - 1;
    return (ratio > 0 ? "+" : "") + decimal_text(ratio * 100, 1) + " %";
}

class Table {
  public:
    explicit Table(const Replayed& r) : replayed_(r) {}

    void head() {
        std::string line;
        pad(line, name_width);
        if (replayed_.against) {
            line += replayed_.against_is_recorded ? "recorded" : "against";
            pad(line, name_width + column_width);
        }
        text += line + (replayed_.against ? "tried\n" : "\n");
    }
    void row(const std::string& name, const std::string& was, const std::string& now, const std::string& differs) {
        std::string line = name;
        pad(line, name_width);
        if (replayed_.against) {
            line += was;
            pad(line, name_width + column_width);
        }
        line += now;
        if (replayed_.against && !differs.empty()) {
            pad(line, name_width + 2 * column_width);
            line += differs;
        }
        text += line + "\n";
    }
    template <class Get>
    void count(const std::string& name, Get&& get, bool also_none = true) {
        const std::uint64_t now = get(replayed_.tried), was = replayed_.against ? get(*replayed_.against) : 0;
        if (also_none || now != 0 || was != 0) row(name, grouped_text(was), grouped_text(now), change(was, now));
    }
    void ratio(const std::string& name, const SpaceTally& was, const SpaceTally& now) {
        const double difference = (hit_ratio(now) - hit_ratio(was)) * 100;
        row(name, was.gets() == 0 ? "-" : percent_text(hit_ratio(was)), now.gets() == 0 ? "-" : percent_text(hit_ratio(now)),
            (difference >= 0 ? "+" : "") + decimal_text(difference, 2) + " points");
    }
    std::string text;

  private:
    const Replayed& replayed_;
};

std::string reasons(const SpaceTally& t) {
    std::string out;
    const auto add = [&](std::uint64_t n, const char* word) {
        if (n != 0) ((out += out.empty() ? "" : ", ") += grouped_text(n)) += word;
    };
    add(t.first, " never asked before");
    add(t.expired, " expired");
    add(t.dropped, " dropped");
    add(t.evicted, " evicted");
    return out;
}

std::string intro(const Replayed& r) {
    const Tally& t = r.tried;
    std::string out = grouped_text(t.operations) + " operations of " + api::duration_text(std::chrono::milliseconds(t.lasted_ms)) + " (" + r.facts.what + ") in " +
                      decimal_text(t.seconds, 2) + " s of a processor";
    if (t.seconds > 0 && t.operations > 10'000) out += ", " + grouped_text(static_cast<std::uint64_t>(static_cast<double>(t.operations) / t.seconds)) + " a second";
    out += "\n";
    if (r.facts.sample > 1) out += "one key in " + std::to_string(r.facts.sample) + " was recorded: counts and memory are of that share\n";
    if (r.facts.cut) out += "that is not all of it: no more were asked for\n";
    if (t.lost != 0) out += grouped_text(t.lost) + " operations were lost while it was recorded\n";
    if (t.unknown != 0) out += grouped_text(t.unknown) + " operations are of namespaces that this policy does not have\n";
    if (r.facts.bad != 0) {
        out += grouped_text(r.facts.bad) + " of " + grouped_text(r.facts.lines) + " lines are none of such a log:\n";
        for (const BadLine& bad : r.facts.first_bad) out += "  " + std::to_string(bad.number) + ": " + bad.text + "\n";
    }
    if (!r.facts.problem.empty()) out += "it ends before its end: " + r.facts.problem + "\n";
    return out;
}

void add_rules(const Replayed& r, std::string& out) {
    const bool any = std::any_of(r.tried.rules.begin(), r.tried.rules.end(), [](const RuleTally& rule) { return rule.fired != 0; });
    if (!any) return;
    out += "\nrules of the tried policy, how often they fired, and misses after it\n";
    for (const RuleTally& rule : r.tried.rules) {
        if (rule.fired == 0 && rule.misses == 0) continue;
        std::string line = "  " + rule.where + "  " + rule.head;
        pad(line, 60);
        line += grouped_text(rule.fired);
        pad(line, 60 + column_width);
        out += line + grouped_text(rule.misses) + "\n";
    }
}

json::object json_of(const SpaceTally& t) {
    json::object o{{"gets", t.gets()}, {"hits", t.hits}, {"misses", t.misses}, {"stale", t.stale}, {"absent", t.absent}, {"hit_ratio", hit_ratio(t)}};
    o["misses_by_reason"] = json::object{{"first", t.first}, {"expired", t.expired}, {"dropped", t.dropped}, {"evicted", t.evicted}};
    o["loads"] = t.loads;
    o["most_loads_in_a_second"] = t.peak_loads;
    o["load_ms"] = t.load_us / 1000;
    o["timed_loads"] = t.timed_loads;
    o["puts"] = t.puts;
    o["removes"] = t.removes;
    o["refused"] = t.refused;
    o["entries"] = t.entries;
    o["bytes"] = t.bytes;
    return o;
}

json::object json_of(const Tally& t) {
    json::object spaces;
    for (const SpaceTally& one : t.spaces) spaces[one.name] = json_of(one);
    json::array rules;
    for (const RuleTally& rule : t.rules) rules.push_back(json::object{{"where", rule.where}, {"rule", rule.head}, {"fired", rule.fired}, {"misses", rule.misses}});
    json::object o = json_of(t.all());
    o["namespaces"] = std::move(spaces);
    o["rules"] = std::move(rules);
    o["operations"] = t.operations;
    o["requests"] = t.requests;
    o["events"] = t.events;
    o["changes"] = t.changes;
    o["passed"] = t.passed;
    o["unkeyed"] = t.unkeyed;
    o["lost"] = t.lost;
    o["unknown_namespace"] = t.unknown;
    o["peak_bytes"] = t.peak_bytes;
    o["evictions"] = t.evictions;
    o["ended_read"] = t.ended_read;
    o["ended_unread"] = t.ended_unread;
    o["lasted_ms"] = t.lasted_ms;
    o["seconds"] = t.seconds;
    return o;
}

}  // namespace

std::string render_text(const Replayed& r) {
    const Tally& now = r.tried;
    const SpaceTally total = now.all(), was = r.against ? r.against->all() : SpaceTally{};
    Table table(r);
    table.head();
    table.ratio("hit ratio", was, total);
    table.count("gets", [](const Tally& t) { return t.all().gets(); });
    table.count("  misses", [](const Tally& t) { return t.all().misses; });
    table.count("  stale answers", [](const Tally& t) { return t.all().stale; }, false);
    table.count("passed by, no serve rule", [](const Tally& t) { return t.passed; }, false);
    table.count("passed by, no key", [](const Tally& t) { return t.unkeyed; }, false);
    table.count("loads of the origin", [](const Tally& t) { return t.all().loads; });
    if (total.load_us + was.load_us != 0) table.row("  time of those known", seconds_text(was.load_us), seconds_text(total.load_us), change(was.load_us, total.load_us));
    table.count("requests", [](const Tally& t) { return t.requests; }, false);
    table.count("events", [](const Tally& t) { return t.events; }, false);
    if (!r.against_is_recorded || !r.against) {
        table.row("memory, most", r.against ? size_text(r.against->peak_bytes) : "", size_text(now.peak_bytes), r.against ? change(r.against->peak_bytes, now.peak_bytes) : "");
        table.count("evictions", [](const Tally& t) { return t.evictions; });
    } else {
        table.row("memory, most", "-", size_text(now.peak_bytes), "");
        table.row("evictions", "-", grouped_text(now.evictions), "");
    }
    table.text += "\nhit ratio by namespace\n";
    for (const SpaceTally& space : now.spaces) {
        const SpaceTally* const other = r.against ? r.against->space(space.name) : nullptr;
        if (space.gets() == 0 && (other == nullptr || other->gets() == 0)) continue;
        table.ratio("  " + space.name, other != nullptr ? *other : SpaceTally{}, space);
        if (const std::string why = reasons(space); !why.empty()) table.text += "      misses: " + why + "\n";
    }
    add_rules(r, table.text);
    if (!r.facts.unknowable.empty()) {
        table.text += "\nsuch a file does not say\n";
        for (const std::string& one : r.facts.unknowable) table.text += "  " + one + "\n";
    }
    for (const std::string& note : now.notes) table.text += "  " + note + "\n";
    return intro(r) + "\n" + table.text;
}

std::string render_json(const Replayed& r) {
    json::object facts{{"what", r.facts.what}, {"began_ms", r.facts.began_ms}, {"lines", r.facts.lines}, {"bad_lines", r.facts.bad}, {"sample", r.facts.sample}};
    json::array bad, unknowable;
    for (const BadLine& one : r.facts.first_bad) bad.push_back(json::object{{"line", one.number}, {"text", one.text}});
    for (const std::string& one : r.facts.unknowable) unknowable.emplace_back(one);
    facts["first_bad_lines"] = std::move(bad);
    facts["does_not_say"] = std::move(unknowable);
    if (!r.facts.problem.empty()) facts["problem"] = r.facts.problem;
    json::object root{{"traffic", std::move(facts)}, {"tried", json_of(r.tried)}};
    if (r.against) root[r.against_is_recorded ? "recorded" : "against"] = json_of(*r.against);
    return json::serialize(root) + "\n";
}

}  // namespace larder::replay
