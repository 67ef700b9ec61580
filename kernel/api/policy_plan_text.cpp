// kernel/api/policy_plan_text.cpp -- a plan for people, and for programs.
#include "kernel/api/policy_plan.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace larder::api {
namespace {

namespace json = boost::json;

std::string counted_entries(std::uint64_t n, Counted counted, bool unseen) {
    std::string out = counted == Counted::exact ? "" : std::string(word_of(counted)) + " ";
    out += grouped(n) + (n == 1 ? " entry" : " entries");
    return unseen ? out + ", and what a shared store keeps of it" : out;
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& one : names) (out += out.empty() ? "" : ", ") += one;
    return out;
}

void add_spaces(const PolicyPlan& plan, std::string& out) {
    if (plan.spaces.empty() && plan.emptied.empty()) return;
    out += "\nwhat is kept now: " + counted_entries(plan.kept, plan.counted, false) + "\n";
    for (const SpaceEffect& one : plan.spaces) {
        out += "  " + one.name + ": " + counted_entries(one.entries, one.counted, one.unseen) + (one.unreadable ? " become unreadable" : " stay") + "\n";
        for (const std::string& reason : one.reasons) out += "    " + reason + "\n";
    }
    for (const std::string& store : plan.emptied) out += "  store " + store + ": emptied (empty_on_reload)\n";
}

void add_rules(const PolicyPlan& plan, std::string& out) {
    if (plan.rules.empty()) return;
    out += "\nwhat rules reach that did not before:\n";
    for (const RuleReach& one : plan.rules) {
        std::string line = "  " + one.deed + "  " + one.where + "\n    " + one.radius + ": ";
        if (one.namespaces.empty()) line += "nothing that is kept\n";
        else line += "at most " + numbers_text(one.entries, one.kept, one.counted) + " entries of " + joined(one.namespaces) + "\n";
        out += line;
    }
}

void add_guards(const PolicyPlan& plan, std::string& out) {
    if (plan.breaches.empty() && plan.watches.empty()) return;
    out += "\nguards:\n";
    for (const GuardBreach& one : plan.breaches) out += "  refused without --confirm: " + breach_text(one) + "\n";
    for (const std::string& one : plan.watches) out += "  taken back when " + one + "\n";
}

}  // namespace

std::string plan_text(const PolicyPlan& plan, const dsl::Policy& before, const dsl::Policy& after) {
    std::string out = "policy " + plan.before + " -> " + plan.after + "\n";
    if (plan.before == plan.after) out += "nothing differs\n";
    else if (plan.same()) out += "the texts differ, what they mean does not\n";
    else out += "\n" + dsl::render_difference_text(plan.difference, before, after);
    add_spaces(plan, out);
    add_rules(plan, out);
    add_guards(plan, out);
    for (const std::string& one : plan.warnings) out += "warning: " + one + "\n";
    return out;
}

json::object plan_json(const PolicyPlan& plan, const dsl::Policy& before, const dsl::Policy& after) {
    json::array spaces, rules, breaches;
    for (const SpaceEffect& one : plan.spaces)
        spaces.push_back(json::object{{"namespace", one.name},
                                      {"unreadable", one.unreadable},
                                      {"entries", one.entries},
                                      {"counted", word_of(one.counted)},
                                      {"shared_not_counted", one.unseen},
                                      {"reasons", json::array(one.reasons.begin(), one.reasons.end())}});
    for (const RuleReach& one : plan.rules)
        rules.push_back(json::object{{"does", one.deed},
                                     {"where", one.where},
                                     {"radius", one.radius},
                                     {"at_most", one.entries},
                                     {"kept", one.kept},
                                     {"counted", word_of(one.counted)},
                                     {"namespaces", json::array(one.namespaces.begin(), one.namespaces.end())}});
    for (const GuardBreach& one : plan.breaches)
        breaches.push_back(json::object{{"guard", one.guard.text},
                                        {"where", one.guard.where.text()},
                                        {"of", one.of},
                                        {"entries", one.goes},
                                        {"kept", one.live},
                                        {"share", one.share},
                                        {"counted", one.unknown ? std::string_view("unknown") : word_of(one.counted)},
                                        {"text", breach_text(one)}});
    json::error_code error;
    json::value difference = json::parse(dsl::render_difference_json(plan.difference, before, after), error);
    return {{"running", plan.before},
            {"planned", plan.after},
            {"changes", plan.before != plan.after},
            {"different", !plan.same()},
            {"difference", error ? json::value(nullptr) : std::move(difference)},
            {"kept", plan.kept},
            {"unreadable", plan.unreadable},
            {"counted", word_of(plan.counted)},
            {"namespaces", std::move(spaces)},
            {"emptied", json::array(plan.emptied.begin(), plan.emptied.end())},
            {"rules", std::move(rules)},
            {"guards", json::object{{"needs_confirm", !plan.breaches.empty()},
                                    {"refused", std::move(breaches)},
                                    {"watched", json::array(plan.watches.begin(), plan.watches.end())}}},
            {"warnings", json::array(plan.warnings.begin(), plan.warnings.end())}};
}

}  // namespace larder::api
