// dsl/analysis/effect.cpp -- the meaning of what rules do.
#include "dsl/analysis/effect.hpp"

#include "dsl/route_glob.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace larder::dsl {
namespace {

using Kind = RouteToken::Kind;

std::string quoted(std::string_view text) {
    std::string out(1, '"');
    return out.append(text).append(1, '"');
}

std::string_view origin_word(Origin origin) {
    switch (origin) {
        case Origin::header:
            return "header";
        case Origin::query:
            return "query";
        case Origin::cookie:
            return "cookie";
        case Origin::json:
            return "json";
        case Origin::form:
            return "form";
    }
    return "";
}

std::string token_text(const RouteToken& t) {
    switch (t.kind) {
        case Kind::literal:
            return t.text;
        case Kind::capture:
        case Kind::segment:
            return "{}";
        case Kind::rest:
            return "{...}";
        case Kind::star:
            return "*";
        case Kind::deep:
            return "**";
        case Kind::tail:
            return "/**";
    }
    return {};
}

// Where each capture of a route stands. `[2]` is the third segment, `[2...]` it and all behind it.
std::vector<std::string> places_of(const RouteGlob& route, std::uint16_t count) {
    std::vector<std::string> out(count);
    std::string shape;
    for (const RouteToken& t : route.tokens()) shape += token_text(t);
    bool fixed = true;
    for (std::size_t k = 0; k < route.segments().size(); ++k) {
        const RouteSegment& segment = route.segments()[k];
        std::string inside;
        for (const RouteToken& t : segment) inside += token_text(t);
        for (std::size_t i = 0; i < segment.size(); ++i) {
            const RouteToken& t = segment[i];
            if (!t.keeps() || t.slot >= count) continue;
            std::string at = "[" + std::to_string(k);
            const bool last = k + 1 == route.segments().size();
            if (fixed && segment.size() == 1 && t.kind == Kind::capture)
                at += "]";
            else if (fixed && segment.size() == 1 && last)
                at += "...]";
            else if (fixed && !std::any_of(segment.begin(), segment.end(),
                                           [](const RouteToken& x) { return x.crosses(); }))
                at += "] as " + inside + "#" + std::to_string(i);
            else
                at = "path as " + shape + "#" + std::to_string(t.slot);
            out[t.slot] = std::move(at);
        }
        for (const RouteToken& t : segment) fixed = fixed && !t.crosses();
    }
    return out;
}

// What the variables of one rule stand for, and which of them may be missing.
struct Variables {
    std::vector<std::string> place, needs;  // needs: empty when there always is a value
};

Variables variables_of(const Rule& rule) {
    Variables out;
    out.place.resize(rule.variables.size());
    out.needs.resize(rule.variables.size());
    const RouteGlob text(rule.trigger, rule.kind == TriggerKind::route);
    const std::uint16_t taken = std::min(text.captures(), rule.captured);
    if (rule.kind == TriggerKind::route) {
        const auto places = places_of(text, taken);
        std::copy(places.begin(), places.end(), out.place.begin());
    }
    for (std::size_t k = 0; k < rule.variables.size() && rule.kind != TriggerKind::route; ++k) {
        const bool given = k < taken && rule.kind != TriggerKind::drop_of;
        out.place[k] = rule.kind == TriggerKind::drop_of ? "key field " + std::to_string(k)
                                                         : "parameter " + rule.variables[k];
        if (given) {
            out.place[k] += " or name as ";
            for (const RouteToken& t : text.tokens()) out.place[k] += token_text(t);
            out.place[k] += "#" + std::to_string(k);
        } else {
            out.needs[k] = rule.kind == TriggerKind::drop_of
                               ? "one key"
                               : "parameter " + quoted(rule.variables[k]);
        }
    }
    for (const Let& let : rule.lets) {
        if (let.slot >= out.place.size()) continue;
        out.place[let.slot] = out.needs[let.slot] = source_of(let.origin, let.field);
    }
    return out;
}

bool is_variable(const Piece& p) {
    return p.kind == Piece::Kind::variable || p.kind == Piece::Kind::rest;
}

// A text with the places of its variables in it. Bytes below 32 keep them apart from literals.
std::string meaning_of(const Template& text, const Variables& variables) {
    std::string out;
    for (const Piece& p : text.pieces) {
        switch (p.kind) {
            case Piece::Kind::literal:
                out += p.text;
                break;
            case Piece::Kind::variable:
                out += '\x01' + variables.place[p.slot] + '\x02';
                break;
            case Piece::Kind::rest:
                out += '\x03' + variables.place[p.slot] + '\x02';
                break;
            case Piece::Kind::star:
                out += '\x04';
                break;
            case Piece::Kind::deep:
                out += '\x05';
                break;
        }
    }
    return out;
}

void add_needs(const Template& text, const Variables& variables, std::vector<std::string>& out) {
    for (const Piece& p : text.pieces) {
        if (!is_variable(p) || variables.needs[p.slot].empty()) continue;
        if (std::find(out.begin(), out.end(), variables.needs[p.slot]) == out.end())
            out.push_back(variables.needs[p.slot]);
    }
    std::sort(out.begin(), out.end());
}

Deed deed_of(Action action) {
    switch (action) {
        case Action::drop:
            return Deed::drop;
        case Action::refresh:
            return Deed::refresh;
        case Action::expire:
            return Deed::expire;
    }
    return Deed::drop;
}

class OfRule {
  public:
    OfRule(const Policy& policy, const Rule& rule, std::uint32_t number)
        : policy_(policy), number_(number), rule_(rule), variables_(variables_of(rule_)) {}

    std::vector<Effect> run() {
        for (const Change& c : rule_.changes) change(c);
        for (const NamespaceIndex ns : rule_.warm) {
            Effect e = begun(Deed::warm);
            e.ns = ns;
            e.target = name(ns);
            e.shown = "warm " + e.target;
            out_.push_back(std::move(e));
        }
        for (const auto& [session, user] : rule_.end_sessions) {
            Effect e = begun(Deed::end_session);
            e.target = session + '\x06' + meaning_of(user, variables_);
            e.shown = "end session " + session + " of " + quoted(user.source);
            add_needs(user, variables_, e.needs);
            if (!e.needs.empty()) e.otherwise = "nothing";
            out_.push_back(std::move(e));
        }
        if (rule_.serve && rule_.serve->key) serve(*rule_.serve);
        return std::move(out_);
    }

  private:
    const std::string& name(NamespaceIndex ns) const { return policy_.namespaces[ns].name; }

    Effect begun(Deed deed) const {
        Effect out;
        out.deed = deed;
        out.rules = {number_};
        return out;
    }

    // What is done in the end: without a warm item a refresh is a drop, without `stale` an expiry
    // is.
    Deed done(const Change& c) const {
        if (c.action == Action::drop || c.ns == none) return deed_of(c.action);
        const std::vector<NamespaceIndex> all = policy_.under(c.ns);
        const auto among = [&all](NamespaceIndex i) {
            return std::find(all.begin(), all.end(), i) != all.end();
        };
        if (c.action == Action::refresh) {
            const bool warmed = std::any_of(policy_.warms.begin(), policy_.warms.end(),
                                            [&](const Warm& w) { return among(w.ns); });
            return warmed ? Deed::refresh : Deed::drop;
        }
        const bool stale = std::any_of(all.begin(), all.end(), [this](NamespaceIndex i) {
            const Namespace& n = policy_.namespaces[i];
            return n.stale_while_revalidating || n.stale_on_error;
        });
        return stale ? Deed::expire : Deed::drop;
    }

    void change(const Change& c) {
        Effect e = begun(done(c));
        const std::string verb = std::string(name_of(deed_of(c.action))) + " ";
        e.kind = c.kind;
        e.ns = c.ns;
        const std::string text = meaning_of(c.text, variables_);
        switch (c.kind) {
            case TargetKind::everything:
                e.target = "\x06";
                e.shown = verb + "everything";
                break;
            case TargetKind::namespace_:
                e.target = name(c.ns);
                e.shown = verb + name(c.ns);
                break;
            case TargetKind::tag:
                e.target = "tag\x06" + text;
                e.shown = verb + "tag " + quoted(c.text.source);
                break;
            case TargetKind::key:
                e.target = name(c.ns) + '\x06' + text;
                e.shown = verb + name(c.ns) + " " + quoted(c.text.source);
                break;
            case TargetKind::matching:
                e.target = name(c.ns) + "\x07" + text;
                e.shown = verb + name(c.ns) + " matching " + quoted(c.text.source);
                break;
        }
        add_needs(c.text, variables_, e.needs);
        if (!e.needs.empty()) {
            for (const NamespaceIndex i : widened(policy_, c))
                e.otherwise += (e.otherwise.empty() ? "" : ", ") + name(i);
            e.otherwise = e.otherwise.empty() ? "nothing" : verb + "every entry of " + e.otherwise;
        }
        out_.push_back(std::move(e));
    }

    void serve(const Serve& s) {
        Effect e = begun(Deed::serve);
        e.ns = s.ns;
        e.target = name(s.ns) + '\x06' + meaning_of(*s.key, variables_);
        e.shown = "serve " + name(s.ns) + " " + quoted(s.key->source);
        std::vector<std::string> unless;
        for (const auto& [origin, field] : s.unless) {
            unless.push_back(source_of(origin, field));
            e.shown += unless.size() == 1 ? " unless " : ", ";
            e.shown.append(origin_word(origin)).append(" ").append(quoted(field));
        }
        std::sort(unless.begin(), unless.end());
        for (const std::string& one : unless) e.target += '\x07' + one;
        for (const Let& let : rule_.lets) e.needs.push_back(source_of(let.origin, let.field));
        std::sort(e.needs.begin(), e.needs.end());
        if (!e.needs.empty()) e.otherwise = "the application answers";
        out_.push_back(std::move(e));
    }

    const Policy& policy_;
    std::uint32_t number_;
    const Rule& rule_;
    Variables variables_;
    std::vector<Effect> out_;
};

// The rest of a path as far as `segments` tells that it is one segment.
std::string shortened(std::string text, std::uint32_t segments) {
    const std::string rest = "[" + std::to_string(segments - 1) + "...]";
    for (std::size_t at = 0; (at = text.find(rest, at)) != std::string::npos;)
        text.replace(at, rest.size(), "[" + std::to_string(segments - 1) + "]");
    return text;
}

}  // namespace

std::string_view name_of(Deed deed) {
    switch (deed) {
        case Deed::drop:
            return "drop";
        case Deed::refresh:
            return "refresh";
        case Deed::expire:
            return "expire";
        case Deed::warm:
            return "warm";
        case Deed::end_session:
            return "end session";
        case Deed::serve:
            return "serve";
    }
    return "";
}

std::string source_of(Origin origin, std::string_view field) {
    std::string name(field);
    if (origin == Origin::header)
        for (char& c : name)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    return std::string(origin_word(origin)) + " " + quoted(name);
}

std::string Effect::meaning() const {
    std::string out(name_of(deed));
    out += '\x06';
    out += target;
    for (const std::string& need : needs) out += '\x0b' + need;
    return out + '\x0c' + otherwise;
}

Effects::Effects(const Policy& policy) : policy_(policy) {
    for (std::uint32_t r = 0; r < policy.rules.size(); ++r) {
        by_rule_.push_back(OfRule(policy, policy.rules[r], r).run());
        if (policy.rules[r].kind != TriggerKind::route) continue;
        const RouteGlob route(policy.rules[r].trigger, true);
        const auto& segments = route.segments();
        const bool rest = !segments.empty() && segments.back().size() == 1 &&
                          segments.back().front().kind == Kind::rest;
        if (rest) segments_ = std::max(segments_, static_cast<std::uint32_t>(segments.size() + 1));
    }
}

// Whether `other` need not be said beside `one`.
bool Effects::covers(const Effect& one, const Effect& other) const {
    if (one.ns == none && one.kind != TargetKind::everything) return false;
    if (other.deed == Deed::warm)
        return one.deed == Deed::refresh && one.ns != none && one.kind != TargetKind::everything &&
               std::count(policy_.namespaces[other.ns].chain.begin(),
                          policy_.namespaces[other.ns].chain.end(), one.ns) != 0;
    if (one.deed > Deed::expire || other.deed > Deed::expire) return false;
    if (!one.needs.empty() || one.deed > other.deed) return false;
    if (other.deed == Deed::refresh && one.deed != Deed::refresh) return false;
    if (one.kind == TargetKind::everything) return other.deed != Deed::refresh;
    if (one.kind != TargetKind::namespace_ || other.ns == none) return false;
    const auto& chain = policy_.namespaces[other.ns].chain;
    return std::find(chain.begin(), chain.end(), one.ns) != chain.end();
}

std::vector<Effect> Effects::of_one(const Rule& rule, std::uint32_t segments) const {
    std::vector<Effect> out = OfRule(policy_, rule, none).run();
    if (segments != 0)
        for (Effect& e : out) e.target = shortened(std::move(e.target), segments);
    return out;
}

std::vector<Effect> Effects::of(std::span<const std::uint32_t> rules, std::uint32_t serving,
                                std::uint32_t segments) const {
    std::vector<Effect> all;
    const auto take = [&](std::uint32_t r, bool serve) {
        for (const Effect& e : by_rule_[r]) {
            if ((e.deed == Deed::serve) != serve) continue;
            all.push_back(e);
            if (segments != 0)
                all.back().target = shortened(std::move(all.back().target), segments);
        }
    };
    for (const std::uint32_t r : rules) take(r, false);
    if (serving != none) take(serving, true);
    const auto order = [](const Effect& e) {
        const bool change = e.deed <= Deed::expire;
        return std::make_tuple(change ? 0 : static_cast<int>(e.deed), std::string_view(e.target),
                               static_cast<int>(e.deed));
    };
    std::stable_sort(all.begin(), all.end(),
                     [&](const Effect& a, const Effect& b) { return order(a) < order(b); });
    std::vector<Effect> out;
    for (std::size_t k = 0; k < all.size(); ++k) {
        const auto same = [&](const Effect& e) {
            const bool both = e.deed <= Deed::expire && all[k].deed <= Deed::expire;
            return e.target == all[k].target && (both || e.deed == all[k].deed) &&
                   e.needs == all[k].needs;
        };
        if (const auto said = std::find_if(out.begin(), out.end(), same); said != out.end()) {
            said->rules.push_back(all[k].rules.front());
            continue;
        }
        const auto covered = [&](std::size_t i) {
            return i != k && !same(all[i]) && covers(all[i], all[k]);
        };
        bool needless = false;
        for (std::size_t i = 0; i < all.size() && !needless; ++i) needless = covered(i);
        if (!needless) out.push_back(all[k]);
    }
    for (Effect& e : out) {
        std::sort(e.rules.begin(), e.rules.end());
        e.rules.erase(std::unique(e.rules.begin(), e.rules.end()), e.rules.end());
    }
    return out;
}

}  // namespace larder::dsl
