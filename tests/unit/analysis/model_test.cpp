// tests/unit/analysis/model_test.cpp -- random policies and random requests: the table and diff
// against what the policies themselves do.
//
// The oracle asks the route tables which rules match, fills in their texts, and works out what
// becomes of each entry of a small world. It knows nothing of automata, classes or effects.
#include "catch.hpp"
#include "dsl/analysis/effect.hpp"
#include "dsl/analysis/policy_difference.hpp"
#include "dsl/analysis/request_classes.hpp"
#include "unit/dsl/compiling.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace larder::dsl;
using namespace larder::dsl::test;

namespace {

class Dice {
  public:
    explicit Dice(std::uint32_t seed) : engine_(seed) {}
    std::size_t below(std::size_t n) { return engine_() % n; }
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <class List>
    const auto& of(const List& list) {
        return list[below(list.size())];
    }

  private:
    std::mt19937 engine_;
};

const std::vector<std::string> methods{"GET", "HEAD", "POST", "PUT", "DELETE", "write"};

struct Written {
    std::string text;
    bool odd = false;  // captures that diff knows by their route only
};

// `n` and `m` have one and two fields; `p` holds `p.c`.
constexpr const char* world =
    "namespace n { key \"{k}\"; tag \"t:{k}\"; stale 5s on error }\n"
    "namespace m { key \"{k}:{j}\" }\n"
    "namespace p { key \"{k}\"; namespace c { key \"{k}\" } }\n"
    "warm p.c \"x\" { every 1m; from http \"http://h/\" }\n";

Written random_rule(Dice& dice) {
    Written out;
    static const std::vector<std::string> names{"u", "v", "w"};
    std::vector<std::string> captures;
    std::string route;
    const std::size_t segments = 1 + dice.below(3);
    for (std::size_t k = 0; k < segments; ++k) {
        const std::string name = names[captures.size() % names.size()];
        const bool last = k + 1 == segments;
        switch (dice.below(10)) {
            case 0:
            case 1:
            case 2:
                route += "/" + std::string(1, static_cast<char>('a' + dice.below(2)));
                break;
            case 3:
                route += "/ab";
                break;
            case 4:
            case 5:
                route += "/{" + name + "}";
                captures.push_back(name);
                break;
            case 6:
                route += "/*";
                break;
            case 7:
                route += "/a{" + name + "}";
                captures.push_back(name);
                out.odd = true;
                break;
            case 8:
                route += dice.one_in(2) ? "/**" : "/a**";
                out.odd = true;
                break;
            default:
                if (!last) {
                    route += "/b";
                } else {
                    route += "/{" + name + "...}";
                    captures.push_back(name);
                }
        }
    }
    out.text = "on " + dice.of(methods) + " \"" + route + "\"";
    if (dice.one_in(4)) out.text += dice.one_in(2) ? " status 201" : " status 2xx, 404";
    out.text += " {\n";
    std::vector<std::string> values = captures;
    if (dice.one_in(3)) {
        const std::string name = dice.one_in(2) ? "h" : "g";
        out.text += "  let " + name + " = header \"X-H\"\n";
        values.push_back(name);
    }
    const auto value = [&] {
        return values.empty() ? std::string("a") : "{" + dice.of(values) + "}";
    };
    const std::size_t actions = 1 + dice.below(2);
    for (std::size_t k = 0; k < actions; ++k) {
        static const std::vector<std::string> verbs{"drop", "expire", "refresh"};
        out.text += "  " + dice.of(verbs) + " ";
        switch (dice.below(7)) {
            case 0:
                out.text += "n \"" + value() + "\"\n";
                break;
            case 1:
                out.text += "n\n";
                break;
            case 2:
                out.text += "m matching \"" + value() + ":*\"\n";
                break;
            case 3:
                out.text += "m \"" + value() + ":" + value() + "\"\n";
                break;
            case 4:
                out.text += "tag \"t:" + value() + "\"\n";
                break;
            case 5:
                out.text += "p\n";
                break;
            default:
                out.text += "p.c\n";
        }
    }
    if (captures.size() == 1 && values.size() == 1 && dice.one_in(3))
        out.text += "  serve p \"{" + captures[0] + "}\"" +
                    (dice.one_in(2) ? " unless header \"X-U\"\n" : "\n");
    out.text += "}\n";
    return out;
}

struct Pair {
    std::shared_ptr<const Policy> before, after;
    bool odd = false;
};

std::shared_ptr<const Policy> sound(const std::string& text) { return compiled(text).policy; }

std::string with_other_names(std::string text) {
    for (const std::string name : {"u", "v", "w", "h", "g"})
        for (const char* end : {"}", "...}"}) {
            const std::string from = "{" + name + end;
            for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += 4)
                text.insert(at + 1, "zz");
        }
    for (const std::string name : {"h", "g"})
        for (std::size_t at = 0; (at = text.find("let " + name, at)) != std::string::npos; at += 4)
            text.insert(at + 4, "zz");
    return text;
}

Pair random_pair(Dice& dice) {
    std::vector<Written> rules;
    const std::size_t count = 1 + dice.below(4);
    for (std::size_t k = 0; k < count; ++k) rules.push_back(random_rule(dice));
    const auto text_of = [](const std::vector<Written>& from) {
        std::string out = world;
        for (const Written& w : from) out += w.text;
        return out;
    };
    std::vector<Written> changed = rules;
    if (!dice.one_in(5)) changed[dice.below(count)] = random_rule(dice);
    if (dice.one_in(3)) std::rotate(changed.begin(), changed.begin() + 1, changed.end());
    Pair out{sound(text_of(rules)), sound(with_other_names(text_of(changed))), false};
    for (const auto* all : {&rules, &changed})
        for (const Written& w : *all) out.odd = out.odd || w.odd;
    return out;
}

struct Request {
    std::string method, path;
    std::uint16_t status;
    bool header;
};

Request random_request(Dice& dice) {
    static const std::vector<std::string> segments{"a", "b", "ab", "abc", "c", "ax"};
    static const std::vector<std::uint16_t> statuses{200, 201, 302, 404, 500};
    static const std::vector<std::string> all{"GET",   "HEAD",   "POST",   "PUT",
                                              "PATCH", "DELETE", "OPTIONS"};
    Request out{dice.of(all), "", dice.of(statuses), dice.one_in(2)};
    const std::size_t n = dice.below(5);
    for (std::size_t k = 0; k < n; ++k) out.path += "/" + dice.of(segments);
    if (out.path.empty()) out.path = "/";
    return out;
}

// What one policy makes of one request.
struct Outcome {
    std::map<std::string, int> entries;  // "n:a": the strongest of drop 0, refresh 0 and expire 2
    std::set<std::string> tags, warmed;
    std::string served;
    std::vector<std::uint32_t> fired;
    std::uint32_t serving = none;
};

class Oracle {
  public:
    Oracle(const Policy& policy, const Request& request) : policy_(policy), request_(request) {}

    Outcome run() {
        RouteMatches matches;
        policy_.routes.match(method_of(request_.method), request_.path, matches);
        for (const RouteMatch& m : matches) {
            const Rule& rule = policy_.rules[m.rule];
            if (!rule.fires_on(request_.status) || (rule.changes.empty() && rule.warm.empty()))
                continue;
            out_.fired.push_back(m.rule);
            const auto values = values_of(m);
            for (const Change& c : rule.changes) change(c, values);
        }
        matches.clear();
        policy_.routes.match(method_of(request_.method == "HEAD" ? "GET" : request_.method),
                             request_.path, matches);
        for (const RouteMatch& m : matches)
            if (policy_.rules[m.rule].serve) {
                serve(m);
                break;
            }
        return std::move(out_);
    }

  private:
    std::vector<std::optional<std::string>> values_of(const RouteMatch& m) const {
        const Rule& rule = policy_.rules[m.rule];
        std::vector<std::optional<std::string>> out(rule.variables.size());
        for (std::size_t k = 0; k < m.count; ++k) out[k] = std::string(m.captures[k]);
        for (const Let& let : rule.lets)
            if (request_.header) out[let.slot] = "ab";
        return out;
    }

    // Nullopt: a value is missing.
    static std::optional<std::string> filled(
        const Template& text, const std::vector<std::optional<std::string>>& values) {
        std::vector<std::string_view> views;
        for (const auto& v : values) views.push_back(v ? std::string_view(*v) : std::string_view());
        for (std::size_t k = 0; k < values.size(); ++k)
            if (!values[k] && text.uses(static_cast<std::uint16_t>(k))) return std::nullopt;
        return text.fill(views);
    }

    void hit(const std::string& entry, int strength) {
        const auto [it, fresh] = out_.entries.try_emplace(entry, strength);
        if (!fresh) it->second = std::min(it->second, strength);
    }

    void all_of(NamespaceIndex ns, int strength) {
        for (const NamespaceIndex i : policy_.under(ns))
            hit(policy_.namespaces[i].name, i == policy_.find("n") ? strength : 0);
    }

    void change(const Change& c, const std::vector<std::optional<std::string>>& values) {
        // Only `n` has stale windows, only `p.c` is warmed.
        const int strength = c.action == Action::expire ? 2 : 0;
        const auto text = filled(c.text, values);
        if (c.action == Action::refresh && c.ns != none)
            for (const NamespaceIndex i : policy_.under(c.ns))
                if (policy_.namespaces[i].name == "p.c") warm_ = true;
        if (warm_) out_.warmed.insert("p.c");
        warm_ = false;
        if (c.kind == TargetKind::namespace_) return all_of(c.ns, strength);
        if (!text) {
            if (c.kind == TargetKind::tag)
                hit("n", strength);
            else
                all_of(c.ns, strength);
            return;
        }
        const std::string& name = c.ns == none ? "" : policy_.namespaces[c.ns].name;
        if (c.kind == TargetKind::tag) {
            out_.tags.insert(std::string(c.action == Action::expire ? "expire "
                                         : c.action == Action::drop ? "drop "
                                                                    : "refresh ") +
                             *text);
        } else {
            hit(name + ":" + *text, name == "n" ? strength : 0);
        }
    }

    void serve(const RouteMatch& m) {
        const Rule& rule = policy_.rules[m.rule];
        out_.serving = m.rule;
        out_.served = policy_.namespaces[rule.serve->ns].name + ":" +
                      filled(*rule.serve->key, values_of(m)).value_or("?");
        for (const auto& [origin, field] : rule.serve->unless) out_.served += " unless " + field;
        if (!rule.lets.empty()) out_.served += " with X-H";
    }

    const Policy& policy_;
    const Request& request_;
    bool warm_ = false;
    Outcome out_;
};

// Entries that go with their whole namespace are not named beside it; the strongest tag action
// counts.
Outcome without_the_covered(Outcome o) {
    static const std::map<std::string, std::string> parents{{"p.c", "p"}};
    auto entries = o.entries;
    for (const auto& [entry, strength] : o.entries) {
        const std::string ns = entry.substr(0, entry.find(':'));
        std::vector<std::string> above;
        if (entry.find(':') != std::string::npos) above.push_back(ns);
        if (const auto it = parents.find(ns); it != parents.end()) above.push_back(it->second);
        for (const std::string& a : above)
            if (const auto it = o.entries.find(a); it != o.entries.end() && it->second <= strength)
                entries.erase(entry);
    }
    o.entries = std::move(entries);
    return o;
}

bool alike(const Outcome& a, const Outcome& b) {
    return a.entries == b.entries && a.tags == b.tags && a.warmed == b.warmed &&
           a.served == b.served;
}

bool holds(const RequestClass& c, const Request& r, const std::vector<const Outcome*>& outcomes,
           std::uint32_t cap) {
    const bool status =
        std::any_of(c.statuses.begin(), c.statuses.end(),
                    [&](const StatusRange& s) { return s.from <= r.status && r.status <= s.to; });
    if ((c.methods & method_of(r.method)) == 0 || !status) return false;
    for (std::size_t p = 0; p < outcomes.size(); ++p)
        if (c.rules[p] != outcomes[p]->fired || c.serving[p] != outcomes[p]->serving) return false;
    const auto segments = static_cast<std::uint32_t>(
        r.path == "/" ? 0 : std::count(r.path.begin(), r.path.end(), '/'));
    return c.idle() || std::min(c.segments, cap) == std::min(segments, cap);
}

Outcome outcome(const Policy& policy, const Request& request) {
    return without_the_covered(Oracle(policy, request).run());
}

}  // namespace

TEST_CASE("every request is in a class of the table that has its rules") {
    std::size_t policies = 0;
    for (std::uint32_t seed = 1; seed <= 300; ++seed) {
        Dice dice(seed);
        const Pair pair = random_pair(dice);
        if (!pair.before) continue;
        ++policies;
        const Policy* const one[] = {pair.before.get()};
        const RequestClasses classes = classes_of(one);
        REQUIRE(classes.complete);
        for (int k = 0; k < 60; ++k) {
            const Request r = random_request(dice);
            const Outcome o = outcome(*pair.before, r);
            INFO("seed " << seed << ": " << r.method << " " << r.path << " " << r.status);
            CHECK(std::any_of(classes.requests.begin(), classes.requests.end(),
                              [&](const RequestClass& c) { return holds(c, r, {&o}, 0); }));
        }
        // And each witness is in its class.
        for (const RequestClass& c : classes.requests) {
            const Request r{c.method(), c.path, c.status(), true};
            const Outcome o = outcome(*pair.before, r);
            INFO("seed " << seed << ": witness " << r.method << " " << r.path << " " << r.status);
            CHECK(holds(c, r, {&o}, 0));
        }
    }
    CHECK(policies > 200);
}

TEST_CASE("two policies treat a request differently only if diff lists a class that holds it") {
    std::size_t pairs = 0, different = 0;
    for (std::uint32_t seed = 1; seed <= 600; ++seed) {
        Dice dice(seed + 5'000);
        const Pair pair = random_pair(dice);
        if (!pair.before || !pair.after) continue;
        ++pairs;
        const PolicyDifference d = difference(*pair.before, *pair.after);
        const std::uint32_t cap =
            std::max(Effects(*pair.before).segments(), Effects(*pair.after).segments());
        for (int k = 0; k < 60; ++k) {
            const Request r = random_request(dice);
            const Outcome a = outcome(*pair.before, r), b = outcome(*pair.after, r);
            if (alike(a, b)) continue;
            ++different;
            INFO("seed " << seed << ": " << r.method << " " << r.path << " " << r.status << "\n"
                         << render_difference_text(d, *pair.before, *pair.after));
            CHECK(
                std::any_of(d.requests.begin(), d.requests.end(), [&](const RequestDifference& x) {
                    return holds(x.requests, r, {&a, &b}, cap);
                }));
        }
    }
    CHECK(pairs > 400);
    CHECK(different > 500);
}

TEST_CASE(
    "the witness of a listed class is treated differently, where captures are whole segments") {
    std::size_t witnesses = 0;
    for (std::uint32_t seed = 1; seed <= 600; ++seed) {
        Dice dice(seed + 9'000);
        const Pair pair = random_pair(dice);
        if (!pair.before || !pair.after || pair.odd) continue;
        const PolicyDifference d = difference(*pair.before, *pair.after);
        for (const RequestDifference& x : d.requests) {
            bool seen = false;
            for (const bool header : {true, false}) {
                const Request r{x.requests.method(), x.requests.path, x.requests.status(), header};
                seen = seen || !alike(outcome(*pair.before, r), outcome(*pair.after, r));
            }
            INFO("seed " << seed << ": " << x.requests.method() << " " << x.requests.path << "\n"
                         << render_difference_text(d, *pair.before, *pair.after));
            CHECK(seen);
            ++witnesses;
        }
    }
    CHECK(witnesses > 200);
}

TEST_CASE("a policy does not differ from itself, whatever its captures are called") {
    for (std::uint32_t seed = 1; seed <= 200; ++seed) {
        Dice dice(seed + 20'000);
        std::string text = world;
        for (std::size_t k = 0; k < 3; ++k) text += random_rule(dice).text;
        const auto a = sound(text), b = sound(with_other_names(text));
        if (!a || !b) continue;
        INFO("seed " << seed << "\n" << text);
        CHECK(render_difference_text(difference(*a, *b), *a, *b) == "");
    }
}
