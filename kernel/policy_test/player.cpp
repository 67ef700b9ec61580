// kernel/policy_test/player.cpp -- one test, step by step.
#include "kernel/policy_test/player.hpp"

#include "kernel/core/json_members.hpp"
#include "kernel/policy_test/entries.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace larder::policy_test {
namespace {

class Player {
  public:
    Player(const std::shared_ptr<const dsl::Policy>& policy, std::span<const std::string> stores,
           const dsl::PolicyTest& test, Coverage* coverage, const Bounds& bounds)
        : policy_(*policy), world_(policy, stores), test_(test), coverage_(coverage),
          bounds_(bounds) {}

    std::vector<dsl::Diagnostic> play() {
        std::size_t played = 0;
        for (const dsl::TestStep& step : test_.steps) {
            if (++played > bounds_.steps) {
                too_long(step.at, "it has more than " + std::to_string(bounds_.steps) + " steps");
                break;
            }
            if (!do_step(step) || found_.size() >= most_failures) break;
        }
        return std::move(found_);
    }

  private:
    static constexpr std::size_t most_failures = 20;

    // ---- what is said

    dsl::Diagnostic& say(const char* code, dsl::Span at, std::string message, std::string label) {
        dsl::Diagnostic d;
        d.code = code;
        d.message = std::move(message);
        d.primary = {at, std::move(label)};
        d.notes.push_back("in test \"" + test_.title + "\"");
        found_.push_back(std::move(d));
        return found_.back();
    }
    dsl::Diagnostic& fails(dsl::Span at, std::string message, std::string label = {}) {
        return say("L0451", at, std::move(message), std::move(label));
    }
    bool too_long(dsl::Span at, const std::string& why) {
        say("L0452", at, "this test is too much for one: " + why, "played until here");
        return false;
    }
    std::string shown(dsl::NamespaceIndex ns, std::string_view key) const {
        return "`" + policy_.namespaces[ns].name + " \"" + std::string(key) + "\"`";
    }
    std::string shown(const Entry& entry) const { return shown(entry.ns, entry.key); }

    // Why it is as it is: the places of the steps, the kernel's own words, what is near.
    void explain(dsl::Diagnostic& d, const Entry& entry) const {
        if (entry.state == Entry::State::fresh) {
            d.more.push_back({entry.put_at, "put here"});
            if (!last_fired_.empty()) {
                for (const std::uint32_t rule : last_fired_)
                    d.notes.push_back("the last request or event set off " +
                                      policy_.rules[rule].where.text() + ": `" +
                                      policy_.rules[rule].head + "`");
            } else if (asked_) {
                d.notes.push_back("the last request or event set off no rule");
            }
            return;
        }
        if (entry.by_at != dsl::Span{})
            d.more.push_back({entry.by_at, entry.by == Entry::By::time ? "its time was over here"
                                                                : "this did it"});
        d.more.push_back({entry.put_at, "put here"});
        if (entry.by == Entry::By::rule && !entry.why.empty()) d.notes.push_back(entry.why);
    }

    // ---- steps

    bool do_step(const dsl::TestStep& step) {
        switch (step.kind) {
            case dsl::StepKind::put: return put(step);
            case dsl::StepKind::load: return load(step);
            case dsl::StepKind::request: return request(step);
            case dsl::StepKind::event: return event(step);
            case dsl::StepKind::after:
                if (step.wait > bounds_.time - passed_)
                    return too_long(step.at, "more than a hundred years go by in it");
                passed_ += step.wait;
                world_.after(step.wait);
                return observe(Entry::By::time, step.at);
            case dsl::StepKind::today: world_.today(step.days); return true;
            case dsl::StepKind::fail:
            case dsl::StepKind::recover: return change_store(step);
            case dsl::StepKind::expect: return expect(step);
            case dsl::StepKind::expect_value: return expect_value(step);
            case dsl::StepKind::expect_breaker: return expect_breaker(step);
            case dsl::StepKind::expect_rule: return expect_rules(step);
            case dsl::StepKind::expect_no_rule:
                if (last_fired_.empty()) return true;
                fails(step.at, "a rule was set off",
                      policy_.rules[last_fired_.front()].where.text() + " was");
                return true;
            case dsl::StepKind::expect_ended: return expect_ended(step);
        }
        return true;
    }

    bool put(const dsl::TestStep& step) {
        JsonMembers members;
        for (const dsl::TestMember& one : step.holding)
            if (!members.put(one.path, one.json)) {
                fails(one.at, "what is above this member holds something else already");
                return true;
            }
        const larder_status status =
            world_.put_version(step.ns, step.text, step.given,
                               step.holding.empty() ? std::string() : members.text(), step.version);
        if (status != LARDER_OK) {
            auto& d = fails(step.at, shown(step.ns, step.text) + " cannot be put",
                            status == LARDER_E_INVALID ? "no such key" : "no store took it");
            if (world_.any_fails()) d.notes.push_back("a store fails here");
            return true;
        }
        return follow(step.ns, step.text, step.given, step.at);
    }

    bool load(const dsl::TestStep& step) {
        const World::Seen seen = world_.load(step.ns, step.text, step.load_end, step.given);
        if (step.load_end != dsl::LoadOutcome::value || seen.status != LARDER_OK) return true;
        const Entry* const known = entries_.find(step.ns, step.text);
        if (known != nullptr && !seen.stale && known->state == Entry::State::fresh) return true;  // a hit
        return follow(step.ns, step.text, step.given, step.at);
    }

    bool request(const dsl::TestStep& step) {
        asked_ = true;
        served_.reset();
        last_fired_.clear();
        const World::Answer answer = world_.serve(step);
        if (answer.status == LARDER_EXISTS) held_back(step, answer.rule);
        if (answer.status == LARDER_OK) {
            const World::Seen seen = world_.read(answer.ns, answer.key);
            if (seen.status == LARDER_OK && !seen.absent) {
                served_ = {answer.ns, answer.key};
                if (coverage_ != nullptr) coverage_->served(answer.rule);
                return true;  // the application is not asked, so no rule fires
            }
        }
        const World::Fired fired = world_.request(step);
        note(fired, step);
        if (!observe(Entry::By::rule, step.at)) return false;
        const bool keeps = answer.status == LARDER_OK && step.status >= 200 && step.status < 300 &&
                           step.method == "GET";
        if (!keeps || world_.put(answer.ns, answer.key, {}) != LARDER_OK) return true;
        return follow(answer.ns, answer.key, {}, step.at);
    }

    void held_back(const dsl::TestStep& step, std::uint32_t rule) {
        if (coverage_ == nullptr || rule >= policy_.rules.size() || !policy_.rules[rule].serve)
            return;
        const auto& unless = policy_.rules[rule].serve->unless;
        for (std::uint32_t i = 0; i < unless.size(); ++i)
            if (World::has(step, unless[i].first, unless[i].second)) coverage_->held(rule, i);
    }

    bool event(const dsl::TestStep& step) {
        asked_ = true;
        served_.reset();
        last_fired_.clear();
        note(world_.event(step), step);
        return observe(Entry::By::rule, step.at);
    }

    void note(const World::Fired& fired, const dsl::TestStep& step) {
        last_fired_ = fired.rules;
        if (coverage_ == nullptr) return;
        for (const std::uint32_t rule : fired.rules)
            coverage_->fired(rule, step.method, step.status, fired.uncertain);
    }

    bool change_store(const dsl::TestStep& step) {
        if (world_.fail(step.store, step.kind == dsl::StepKind::fail)) return true;
        fails(step.at, "no tier of this policy is a store `" + step.store + "`",
              "nothing would notice that it fails");
        return true;
    }

    // ---- entries

    bool follow(dsl::NamespaceIndex ns, std::string_view key,
                const std::vector<dsl::GivenValue>& with, dsl::Span at) {
        if (!spend(entries_.size(), at)) return false;
        if (entries_.size() >= bounds_.entries && entries_.find(ns, key) == nullptr)
            return too_long(at,
                            "it puts more than " + std::to_string(bounds_.entries) + " entries");
        entries_.follow(ns, key, with, at);
        return true;
    }

    bool spend(std::size_t looks, dsl::Span at) {
        looks_ += looks;
        if (looks_ <= bounds_.looks) return true;
        return too_long(at, "so many entries are looked at so often");
    }

    bool observe(Entry::By by, dsl::Span at) {
        if (!spend(entries_.size(), at)) return false;
        entries_.observe(by, at);
        return true;
    }

    // ---- expectations

    bool expect(const dsl::TestStep& step) {
        for (const dsl::TestTarget& target : step.targets) {
            if (step.expected == dsl::Expected::warmed) {
                expect_warmed(step, target);
                continue;
            }
            if (target.kind == dsl::TargetKind::key) {
                if (!spend(1 + entries_.size(), step.at)) return false;
                expect_of(step, target, target.ns, target.text);
                continue;
            }
            if (!spend(1 + entries_.size(), step.at)) return false;
            std::size_t meant = 0;
            for (std::size_t i = 0; i < entries_.size(); ++i) {
                if (!entries_.is_meant(target, entries_[i])) continue;
                ++meant;
                const Entry copy = entries_[i];
                expect_of(step, target, copy.ns, copy.key);
                if (found_.size() >= most_failures) return true;
            }
            if (meant == 0)
                fails(target.at, "the test puts nothing that this could be about",
                      "an expectation of nothing always holds")
                    .helps.push_back("put an entry of it first");
        }
        return true;
    }

    void expect_of(const dsl::TestStep& step, const dsl::TestTarget& target, dsl::NamespaceIndex ns,
                   const std::string& key) {
        switch (step.expected) {
            case dsl::Expected::dropped:
            case dsl::Expected::kept:
            case dsl::Expected::expired: return expect_fate(step, target, ns, key);
            case dsl::Expected::served: {
                if (served_ && served_->first == ns && served_->second == key) return;
                auto& d = fails(target.at, shown(ns, key) + " did not answer the last request");
                if (served_)
                    d.notes.push_back(shown(served_->first, served_->second) + " did");
                else
                    d.notes.push_back(asked_ ? "the application answered it"
                                             : "there was no request");
                return;
            }
            case dsl::Expected::hit:
            case dsl::Expected::miss:
            case dsl::Expected::absent:
            case dsl::Expected::stale: return expect_answer(step, target, ns, key);
            case dsl::Expected::warmed: return;
        }
    }

    void expect_fate(const dsl::TestStep& step, const dsl::TestTarget& target,
                     dsl::NamespaceIndex ns, const std::string& key) {
        Entry* const entry = entries_.find(ns, key);
        const std::string wanted(word_of(step.expected));
        if (entry == nullptr) {
            fails(target.at, "the test never puts " + shown(ns, key),
                  "so it cannot be " + wanted)
                .helps.push_back("put it first, or write `expect miss`");
            return;
        }
        entries_.catch_up(*entry, target.at);
        const bool by_rule = entry->by == Entry::By::rule;
        const bool holds =
            step.expected == dsl::Expected::kept      ? entry->state == Entry::State::fresh
            : step.expected == dsl::Expected::dropped ? entry->state == Entry::State::gone && by_rule
                                                      : entry->state == Entry::State::stale && by_rule;
        if (holds) return;
        auto& d = fails(target.at, shown(*entry) + " should be " + wanted + ", but " + entry->fate());
        explain(d, *entry);
        if (step.expected == dsl::Expected::dropped && entry->by == Entry::By::time)
            d.helps.push_back("what ends by its time is `expect miss`; `dropped` is by a rule");
    }

    void expect_answer(const dsl::TestStep& step, const dsl::TestTarget& target,
                       dsl::NamespaceIndex ns, const std::string& key) {
        const bool loads = step.expected == dsl::Expected::stale;
        const World::Seen seen = loads ? world_.load(ns, key, dsl::LoadOutcome::fails, {})
                                       : world_.read(ns, key);
        const bool there = seen.status == LARDER_OK && !seen.absent;
        bool holds = false;
        switch (step.expected) {
            case dsl::Expected::hit:
                holds = there && !seen.stale && (step.store.empty() || seen.store == step.store);
                break;
            case dsl::Expected::miss: holds = !there && !seen.absent; break;
            case dsl::Expected::absent: holds = seen.absent; break;
            case dsl::Expected::stale: holds = there && seen.stale; break;
            default: break;
        }
        if (holds) return;
        std::string was = "nothing is there";
        if (seen.absent) was = "it is known not to be there";
        else if (there && seen.stale)
            was = "it is stale";
        else if (there) {
            was = "it is there, fresh";
            if (!seen.store.empty()) was += ", in " + seen.store;
            if (seen.ttl_ms > 0)
                was += ", for another " + duration_text(static_cast<std::uint64_t>(seen.ttl_ms));
        }
        std::string wanted(word_of(step.expected));
        if (step.expected == dsl::Expected::hit || step.expected == dsl::Expected::miss)
            wanted.insert(0, "a ");
        if (!step.store.empty()) wanted += " in " + step.store;
        auto& d = fails(target.at, shown(ns, key) + " should be " + wanted + ", but " + was);
        if (const Entry* const entry = entries_.find(ns, key)) {
            if (!there) explain(d, *entry);
            else
                d.more.push_back({entry->put_at, "put here"});
        } else if (!there) {
            d.notes.push_back("the test never puts it");
        }
    }

    // Equal as JSON: a text may be written in several ways.
    static bool is_same(std::string_view found, const std::string& wanted) {
        boost::json::error_code none, bad;
        const boost::json::value a = boost::json::parse(found, none), b = boost::json::parse(wanted, bad);
        return !none && !bad && a == b;
    }

    static std::string spelled(const std::vector<std::string>& path) {
        std::string out;
        for (const std::string& name : path) out += (out.empty() ? "" : ".") + name;
        return out;
    }

    bool expect_value(const dsl::TestStep& step) {
        if (!spend(1 + entries_.size(), step.at)) return false;
        const std::optional<std::string> value = world_.value(step.ns, step.text);
        JsonMembers members;
        if (!value || !members.read(*value)) {
            auto& d = fails(step.at, shown(step.ns, step.text) + (value ? " holds no JSON object"
                                                                        : " should have a value, but a "
                                                                          "read finds nothing"));
            if (const Entry* const entry = entries_.find(step.ns, step.text))
                d.more.push_back({entry->put_at, "put here"});
            return true;
        }
        for (const dsl::TestMember& one : step.holding) {
            const std::string_view found = members.find(one.path);
            if (found.data() != nullptr && is_same(found, one.json)) continue;
            fails(one.at, shown(step.ns, step.text) + " should hold `" + spelled(one.path) + "` = " + one.json,
                  found.data() == nullptr ? "it is not there" : "it holds " + std::string(found))
                .notes.push_back("the value is " + *value);
        }
        for (const dsl::TestMember& one : step.without)
            if (const std::string_view found = members.find(one.path); found.data() != nullptr)
                fails(one.at, shown(step.ns, step.text) + " should be without `" + spelled(one.path) + "`",
                      "it holds " + std::string(found))
                    .notes.push_back("the value is " + *value);
        return true;
    }

    void expect_warmed(const dsl::TestStep& step, const dsl::TestTarget& target) {
        if (target.ns == dsl::none) {
            fails(target.at, "only a namespace can be warmed");
            return;
        }
        const auto is_under = [&](dsl::NamespaceIndex ns) {
            const auto& chain = policy_.namespaces[ns].chain;
            return std::find(chain.begin(), chain.end(), target.ns) != chain.end();
        };
        if (std::any_of(world_.warmed().begin(), world_.warmed().end(), is_under)) return;
        auto& d = fails(target.at, "nothing asked for `" + policy_.namespaces[target.ns].name +
                                       "` to be warmed");
        if (std::none_of(policy_.warms.begin(), policy_.warms.end(),
                         [&](const dsl::Warm& warm) { return is_under(warm.ns); }))
            d.notes.push_back("no `warm` of the policy says how it is warmed");
        (void)step;
    }

    bool expect_breaker(const dsl::TestStep& step) {
        static constexpr const char* words[] = {"open", "closed", "half-open"};
        const auto is = world_.breaker(step.store);
        if (is == step.breaker) return true;
        fails(step.at,
              "the breaker of " + step.store + " should be " +
                  words[static_cast<std::size_t>(step.breaker)] + ", but " +
                  (is ? std::string("is ") + words[static_cast<std::size_t>(*is)]
                      : std::string("no tier of this policy is such a store")));
        return true;
    }

    bool expect_rules(const dsl::TestStep& step) {
        for (const std::string& head : step.texts) {
            const auto is = [&](std::uint32_t rule) { return policy_.rules[rule].route == head; };
            if (std::any_of(last_fired_.begin(), last_fired_.end(), is)) continue;
            auto& d = fails(step.at, "the rule of \"" + head + "\" was not set off");
            for (const std::uint32_t rule : last_fired_)
                d.notes.push_back(policy_.rules[rule].where.text() + " was: `" +
                                  policy_.rules[rule].head + "`");
            if (served_)
                d.notes.push_back(shown(served_->first, served_->second) +
                                  " answered the request, so the application was not asked");
            else if (last_fired_.empty())
                d.notes.push_back(asked_ ? "no rule was" : "there was no request or event yet");
        }
        return true;
    }

    bool expect_ended(const dsl::TestStep& step) {
        const auto& ended = world_.ended();
        const std::pair<std::string, std::string> wanted{step.text, step.texts.front()};
        if (std::find(ended.begin(), ended.end(), wanted) != ended.end()) return true;
        auto& d = fails(step.at, "no rule ended session " + step.text + " of \"" +
                                     step.texts.front() + "\"");
        for (const auto& [session, user] : ended)
            d.notes.push_back("ended was session " + session + " of \"" + user + "\"");
        return true;
    }

    const dsl::Policy& policy_;
    World world_;
    const dsl::PolicyTest& test_;
    Coverage* const coverage_;
    const Bounds bounds_;
    std::vector<dsl::Diagnostic> found_;
    Entries entries_{world_};
    std::optional<std::pair<dsl::NamespaceIndex, std::string>> served_;  // by the last request
    std::vector<std::uint32_t> last_fired_;
    bool asked_ = false;  // there was a request or an event
    std::size_t looks_ = 0;
    Ms passed_{0};
};

}  // namespace

std::vector<dsl::Diagnostic> play(const std::shared_ptr<const dsl::Policy>& policy,
                                  const dsl::PolicyTest& test, Coverage* coverage,
                                  const Bounds& bounds) {
    const std::vector<std::string> stores = stores_of(*policy);
    return Player(policy, stores, test, coverage, bounds).play();
}

}  // namespace larder::policy_test
