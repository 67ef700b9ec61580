// dsl/check_targets.cpp -- what one drop, expire or refresh is about, and whether it can find
// anything.
#include "dsl/automaton.hpp"
#include "dsl/check_rules.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

Span span_of_target(const ast::Target& target) {
    if (const auto* t = as<ast::NsTarget>(target))
        return t->key ? cover(t->ns.at, t->key->at) : t->ns.at;
    if (const auto* t = as<ast::TagTarget>(target)) return t->tag.at;
    return as<ast::EverythingTarget>(target)->at;
}

class Target {
  public:
    Target(Draft& draft, Action action, const std::vector<std::string>& names, bool quiet)
        : draft_(draft), names_(names), quiet_(quiet) {
        out_.change.action = action;
    }

    std::optional<ResolvedTarget> of(const ast::Target& target) {
        out_.at = span_of_target(target);
        out_.change.where = draft_.where(out_.at);
        if (as<ast::EverythingTarget>(target)) {
            out_.change.kind = TargetKind::everything;
            return out_;
        }
        if (const auto* t = as<ast::TagTarget>(target)) return tag(*t);
        return space(*as<ast::NsTarget>(target));
    }

  private:
    std::optional<ResolvedTarget> tag(const ast::TagTarget& t) {
        out_.change.kind = TargetKind::tag;
        auto text = bind(draft_, t.tag, {names_, "in this rule"});
        if (!text) return std::nullopt;
        if (has_star(*text)) {
            draft_.say.error("L0210", t.tag.at, "a tag is dropped by its whole name",
                             "this is a search over tags");
            return std::nullopt;
        }
        out_.change.text = std::move(*text);
        return out_;  // whether anything carries it is seen when all tags are known
    }

    std::optional<ResolvedTarget> space(const ast::NsTarget& t) {
        const auto index = draft_.known(t.ns, true);
        if (!index) return std::nullopt;
        out_.change.ns = *index;
        if (!t.key) return out_;
        auto text = bind(draft_, *t.key, {names_, "in this rule"});
        if (!text) return std::nullopt;
        if (!t.matching && has_star(*text)) {
            auto& d = draft_.say.error("L0210", t.key->at, "a `*` in a key must say `matching`",
                                       "this is a search over keys, not one key");
            d.helps.push_back("write `" + std::string(t.ns.text) + " matching " +
                              std::string(draft_.sources.text(t.key->at)) + "`");
            d.fix = Fix{{t.key->at.begin, t.key->at.begin}, "matching ", true};
            return std::nullopt;
        }
        return t.matching ? matching(t, std::move(*text)) : one_key(t, std::move(*text));
    }

    std::optional<ResolvedTarget> one_key(const ast::NsTarget& t, Template text) {
        const Namespace& n = draft_.policy.namespaces[out_.change.ns];
        out_.change.kind = TargetKind::key;
        if (!n.key) {
            if (!draft_.spaces[out_.change.ns].broken &&
                draft_.spaces[out_.change.ns].key == nullptr) {
                draft_.say
                    .error("L0237", t.key->at,
                           ticked(n.name) + " has no key of its own, so it has no such entry")
                    .helps.push_back("name the namespace below it, or `drop " + n.name +
                                     "` for all of them");
            }
            return std::nullopt;
        }
        if (auto aligned = align(text, *n.key)) {
            out_.change.text = std::move(*aligned);
            return out_;
        }
        // A value could still supply the text that is missing, if no `:` is.
        out_.change.text = text;
        if (!both_match(Automaton::of_text(as_pattern(std::move(text))),
                        Automaton::of_text(n.key->pattern())))
            never(t);
        return out_;
    }

    std::optional<ResolvedTarget> matching(const ast::NsTarget& t, Template text) {
        out_.change.kind = TargetKind::matching;
        out_.change.text = as_pattern(std::move(text));
        const Automaton wanted = Automaton::of_text(out_.change.text);
        bool possible = false, keyed = false;
        for (const NamespaceIndex i : draft_.policy.under(out_.change.ns)) {
            const Namespace& n = draft_.policy.namespaces[i];
            if (draft_.spaces[i].broken && !n.key) possible = true;
            if (!n.key) continue;
            keyed = true;
            possible =
                possible || both_match(wanted, Automaton::of_text(n.key->pattern())).has_value();
        }
        if (keyed && !possible) never(t);
        return out_;
    }

    void never(const ast::NsTarget& t) {
        out_.reaches = false;
        if (quiet_) return;
        auto& d = draft_.say.warning("L0302", t.key->at,
                                     "no key of " + ticked(t.ns.text) + " can ever look like this",
                                     "matches no entry");
        if (const ast::Text* key = draft_.spaces[out_.change.ns].key)
            d.more.push_back({key->at, "its keys look like this"});
    }

    Draft& draft_;
    const std::vector<std::string>& names_;
    bool quiet_;
    ResolvedTarget out_;
};

}  // namespace

Action action_of(ast::Verb verb) {
    switch (verb) {
        case ast::Verb::expire:
            return Action::expire;
        case ast::Verb::refresh:
            return Action::refresh;
        case ast::Verb::drop:
            break;
    }
    return Action::drop;
}

std::string_view verb_of(Action action) {
    switch (action) {
        case Action::expire:
            return "expire";
        case Action::refresh:
            return "refresh";
        case Action::drop:
            break;
    }
    return "drop";
}

std::optional<ResolvedTarget> target_of(Draft& draft, const ast::Target& target, Action action,
                                        const std::vector<std::string>& names, bool quiet) {
    return Target(draft, action, names, quiet).of(target);
}

}  // namespace larder::dsl
