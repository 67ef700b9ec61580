// dsl/check_coverage.cpp -- rules that no `test` item sets off.
//
// A test names its requests in full, so whether one fires a rule is known without playing it: method,
// path, status. What a rule drops sets off `on drop of` rules; here whatever it could reach counts, so
// that a finding is certain. `larder test --coverage` plays the tests and counts each clause.
#include "dsl/check_reach.hpp"
#include "dsl/check_rules.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

class TestCoverage {
  public:
    explicit TestCoverage(Draft& draft)
        : draft_(draft), policy_(draft.policy), fired_(policy_.rules.size(), 0) {}

    void run() {
        table();
        for (const ast::Policy* tree : draft_.trees) {
            for (const ast::Item& item : *tree) {
                const auto* test = as<ast::Test>(item);
                if (!test) continue;
                for (const ast::Step& step : test->steps) play(step);
            }
        }
        follow_drops();
        for (std::size_t r = 0; r < fired_.size(); ++r) {
            if (fired_[r] != 0 || !draft_.rules[r].sound) continue;
            auto& d = draft_.say.warning("L0401", draft_.rules[r].node->kw.at,
                                         "no test exercises this rule", "never fires in a test");
            d.helps.push_back(help(policy_.rules[r]));
        }
    }

  private:
    void table() {
        RuleTables tables = tables_of(draft_.policy);
        routes_ = std::move(tables.routes);
        events_ = std::move(tables.events);
    }

    void play(const ast::Step& step) {
        std::string buffer;
        RouteMatches found;
        std::uint32_t status = 200;
        if (const auto* request = as<ast::HttpStep>(step)) {
            if (request->status) status = request->status->from;
            const std::string path = plain(request->path);
            routes_.match(method_of(request->method.text), normalise_path(path, buffer), found);
        } else if (const auto* event = as<ast::EventStep>(step)) {
            const std::string name = plain(event->event);
            events_.match(0, name, found);
        }
        for (const RouteMatch& match : found) {
            const Rule& rule = policy_.rules[match.rule];
            if (rule.kind != TriggerKind::route || rule.fires_on(status)) fired_[match.rule] = 1;
        }
    }

    // Which entries carry a tag is not looked at: it may reach any.
    bool reaches(const Rule& rule, NamespaceIndex ns) const {
        return std::any_of(rule.changes.begin(), rule.changes.end(), [&](const Change& c) {
            if (c.ns == none) return true;
            const auto& chain = policy_.namespaces[ns].chain;
            const auto& other = policy_.namespaces[c.ns].chain;
            return std::find(chain.begin(), chain.end(), c.ns) != chain.end() ||
                   std::find(other.begin(), other.end(), ns) != other.end();
        });
    }

    void follow_drops() {
        std::vector<std::size_t> waiting;
        for (std::size_t r = 0; r < fired_.size(); ++r) {
            if (policy_.rules[r].kind == TriggerKind::drop_of && policy_.rules[r].of != none)
                waiting.push_back(r);
        }
        for (bool more = !waiting.empty(); more;) {
            more = false;
            for (const std::size_t r : waiting) {
                if (fired_[r] != 0) continue;
                for (std::size_t by = 0; by < fired_.size() && fired_[r] == 0; ++by) {
                    if (fired_[by] != 0 && reaches(policy_.rules[by], policy_.rules[r].of))
                        fired_[r] = 1;
                }
                more = more || fired_[r] != 0;
            }
        }
    }

    static std::string help(const Rule& rule) {
        if (rule.kind == TriggerKind::drop_of)
            return "add a step to a `test` that drops what it waits for";
        if (rule.kind == TriggerKind::plugin)
            return "add `event \"" + rule.plugin + ":" + rule.route + "\"` to a `test`";
        if (rule.kind == TriggerKind::event)
            return "add `event \"" + rule.route + "\"` to a `test`, and what it should drop";
        return "add a request to " + rule.route + " to a `test`, and what it should drop";
    }

    Draft& draft_;
    Policy& policy_;
    std::vector<char> fired_;
    RouteTable routes_, events_;
};

}  // namespace

void check_coverage(Draft& draft) {
    if (draft.options.coverage) TestCoverage(draft).run();
}

}  // namespace larder::dsl
