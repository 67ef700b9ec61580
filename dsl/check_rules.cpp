// dsl/check_rules.cpp -- reading rules: triggers, values they take, actions, declared patterns.
#include "dsl/check_rules.hpp"

#include "dsl/automaton.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>
#include <map>

namespace larder::dsl {

namespace {

const std::vector<std::string>& method_words() {
    static const std::vector<std::string> all{"GET",   "HEAD",   "POST",    "PUT",
                                              "PATCH", "DELETE", "OPTIONS", "write"};
    return all;
}

// From the keyword up to the block, on one line.
std::string head_of(const Draft& draft, Span keyword) {
    const Source& file = draft.sources.file_at(keyword.begin);
    const std::string_view text = file.text().substr(keyword.begin - file.base());
    std::string out;
    bool quoted_text = false;
    for (std::size_t i = 0; i < text.size() && i < 4096; ++i) {
        const char c = text[i];
        if (c == '"' && (i == 0 || text[i - 1] != '\\')) quoted_text = !quoted_text;
        if (c == '{' && !quoted_text) break;
        const bool blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
        if (!blank || quoted_text)
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

Origin origin_of(ast::Origin o) {
    switch (o) {
        case ast::Origin::query:
            return Origin::query;
        case ast::Origin::cookie:
            return Origin::cookie;
        case ast::Origin::json:
            return Origin::json;
        case ast::Origin::form:
            return Origin::form;
        case ast::Origin::header:
            break;
    }
    return Origin::header;
}

class Triggers {
  public:
    explicit Triggers(Draft& draft) : draft_(draft) {}

    std::optional<Rule> of(const ast::Trigger& trigger) {
        if (const auto* t = as<ast::HttpTrigger>(trigger)) return http(*t);
        if (const auto* t = as<ast::EventTrigger>(trigger)) return event(*t);
        if (const auto* t = as<ast::DropTrigger>(trigger)) return drop_of(*t);
        if (const auto* t = as<ast::PluginTrigger>(trigger)) return plugin(*t);
        return std::nullopt;
    }

  private:
    Rule http(const ast::HttpTrigger& t) {
        Rule out;
        out.kind = TriggerKind::route;
        for (const ast::Name& m : t.methods) {
            const MethodSet set = m.text == "write" ? MethodSet{method_write} : method_of(m.text);
            if (set == 0) unknown_method(m);
            out.methods = static_cast<std::uint16_t>(out.methods | set);
        }
        out.route = plain(t.route);
        out.variables = captures_of(draft_, t.route, true);
        out.captured = static_cast<std::uint16_t>(out.variables.size());
        if (!out.route.starts_with('/')) {
            draft_.say
                .error("L0234", t.route.at, "a route begins with `/`", "this never matches a path")
                .helps.push_back("an event is written `on event " +
                                 std::string(draft_.sources.text(t.route.at)) + "`");
        }
        if (t.route.at.size() > max_text) {
            draft_.say.error("L0236", t.route.at,
                             "this text is longer than " + std::to_string(max_text) + " bytes");
        }
        if (out.variables.size() > max_captures) {
            draft_.say.error("L0228", t.route.at,
                             "a route has at most " + std::to_string(max_captures) + " captures");
        }
        if (!t.status.empty()) out.status.clear();
        for (const ast::Status& s : t.status) out.status.push_back({s.from, s.to});
        return out;
    }

    void unknown_method(const ast::Name& m) {
        auto& d = draft_.say.error("L0211", m.at, ticked(m.text) + " is not an HTTP method");
        if (const std::string near = meant(m.text, method_words()); !near.empty()) {
            d.primary.text = "did you mean " + ticked(near) + "?";
            const auto& words = method_words();
            const std::vector<std::string_view> views(words.begin(), words.end());
            d.fix = Fix{m.at, near, near == only_nearest(m.text, views)};
        }
        d.helps.push_back("`write` stands for POST, PUT, PATCH and DELETE");
    }

    Rule event(const ast::EventTrigger& t) {
        Rule out;
        out.kind = TriggerKind::event;
        out.route = plain(t.event);
        out.variables = captures_of(draft_, t.event, true);
        parameters(out, t.params);
        return out;
    }

    void parameters(Rule& out, const std::vector<ast::Name>& params) {
        for (const ast::Name& p : params) {
            const std::string name(p.text);
            if (std::find(out.variables.begin(), out.variables.end(), name) !=
                out.variables.end()) {
                draft_.say.error("L0227", p.at, ticked(name) + " is given twice",
                                 "give it another name");
                continue;
            }
            out.variables.push_back(name);
        }
        out.captured = static_cast<std::uint16_t>(out.variables.size());
    }

    Rule drop_of(const ast::DropTrigger& t) {
        Rule out;
        out.kind = TriggerKind::drop_of;
        const auto of = draft_.known(t.of);
        if (of) out.of = *of;
        if (!t.key) return out;
        const bool sound = sound_key(draft_, *t.key);
        out.variables = captures_of(draft_, *t.key, false);
        out.captured = static_cast<std::uint16_t>(out.variables.size());
        if (!sound || !of) return out;
        auto text = bind(draft_, *t.key, {out.variables, "in this rule"});
        if (!text) return out;
        const Namespace& n = draft_.policy.namespaces[*of];
        if (!n.key) {
            if (!draft_.spaces[*of].key && !draft_.spaces[*of].broken) {
                draft_.say.error(
                    "L0237", t.key->at,
                    ticked(n.name) + " has no key of its own, so it has no such entry");
            }
            return out;
        }
        if (!both_match(Automaton::of_text(*text), Automaton::of_text(n.key->pattern()))) {
            auto& d = draft_.say.warning("L0302", t.key->at,
                                         "no key of " + ticked(n.name) + " can ever look like this",
                                         "matches no entry");
            d.more.push_back({draft_.spaces[*of].key->at, "its keys look like this"});
        }
        out.of_key.emplace(std::move(*text));
        return out;
    }

    Rule plugin(const ast::PluginTrigger& t) {
        Rule out;
        out.kind = TriggerKind::plugin;
        out.plugin = std::string(t.plugin.text);
        out.route = plain(t.topic);
        out.variables = captures_of(draft_, t.topic, true);
        parameters(out, t.params);
        const Catalog* catalog = draft_.options.catalog;
        if (!catalog) return out;
        const auto& known = catalog->triggers;
        if (std::find(known.begin(), known.end(), out.plugin) != known.end()) return out;
        auto& d = draft_.say.error("L0235", t.plugin.at,
                                   "no plugin knows the trigger " + ticked(out.plugin));
        d.notes.push_back(known.empty() ? "no trigger plugin is loaded"
                                        : "triggers here: " + joined(known));
        if (const std::string near = meant(out.plugin, known); !near.empty())
            d.primary.text = "did you mean " + ticked(near) + "?";
        return out;
    }

    Draft& draft_;
};

// The body of one rule.
class Body {
  public:
    Body(Draft& draft, Rule& rule, RulePlace& place) : draft_(draft), rule_(rule), place_(place) {}

    void run(const ast::Rule& node) {
        for (const ast::Action& a : node.body) {
            if (const auto* t = as<ast::TakeAction>(a)) take(*t);
        }
        place_.other = node.body.empty();
        for (const ast::Action& a : node.body) {
            if (const auto* k = as<ast::DropAction>(a)) {
                for (const ast::Target& t : k->targets) target(t, *k);
                continue;
            }
            if (const auto* k = as<ast::ServeAction>(a)) {
                serve(*k);
                place_.other = true;
                continue;
            }
            if (const auto* k = as<ast::WarmAction>(a)) {
                for (const ast::Name& n : k->ids) {
                    if (const auto i = draft_.known(n)) rule_.warm.push_back(*i);
                }
                place_.other = true;
                continue;
            }
            if (const auto* k = as<ast::EndAction>(a)) {
                end_session(*k);
                place_.other = true;
            } else if (as<ast::Broken>(a)) {
                place_.other = true;
                place_.sound = false;
            }
        }
    }

  private:
    void take(const ast::TakeAction& t) {
        const std::string name(t.id.text);
        if (std::find(rule_.variables.begin(), rule_.variables.end(), name) !=
            rule_.variables.end()) {
            draft_.say.error("L0227", t.id.at, ticked(name) + " has a value in this rule already",
                             "give it another name");
            return;
        }
        Let let;
        let.slot = static_cast<std::uint16_t>(rule_.variables.size());
        let.origin = origin_of(t.from.value);
        let.field = plain(t.field);
        rule_.variables.push_back(name);
        rule_.lets.push_back(std::move(let));
    }

    void target(const ast::Target& t, const ast::DropAction& k) {
        auto found = target_of(draft_, t, action_of(k.what.value), rule_.variables);
        if (!found) {
            place_.sound = false;
            return;
        }
        if (found->change.kind == TargetKind::everything) {
            for (Space& s : draft_.spaces) s.reachable = true;
        } else if (found->change.kind != TargetKind::tag && found->reaches) {
            for (const NamespaceIndex i : draft_.policy.under(found->change.ns))
                draft_.spaces[i].reachable = true;
        }
        place_.changes.push_back({found->at, k.what.at, !found->reaches});
        rule_.changes.push_back(std::move(found->change));
    }

    void serve(const ast::ServeAction& k) {
        const auto ns = draft_.known(k.ns);
        if (!ns) return;
        if (rule_.serve) {
            draft_.say.error("L0205", k.kw, "`serve` is given twice in this rule",
                             "one answer only");
            return;
        }
        Serve out;
        out.ns = *ns;
        const Namespace& n = draft_.policy.namespaces[*ns];
        const ast::Text* text = k.key ? &*k.key : draft_.spaces[*ns].key;
        if (!n.key) {
            if (!draft_.spaces[*ns].broken && !draft_.spaces[*ns].key) {
                draft_.say.error(
                    "L0237", k.ns.at,
                    ticked(n.name) + " has no key of its own, so it has no entry to serve");
            }
            return;
        }
        const auto key = bind_key(*text, k, n);
        if (key) {
            if (has_star(*key)) {
                draft_.say.error("L0210", text->at, "one entry is served, not a search over keys");
            } else if (auto aligned = align(*key, *n.key)) {
                out.key = std::move(*aligned);
            } else {
                auto& d = draft_.say.warning(
                    "L0302", text->at, "no key of " + ticked(n.name) + " can ever look like this",
                    "matches no entry");
                d.more.push_back({draft_.spaces[*ns].key->at, "its keys look like this"});
                out.key = *key;
            }
        }
        for (const ast::Guard& g : k.unless)
            out.unless.emplace_back(origin_of(g.from.value), plain(g.field));
        rule_.serve = std::move(out);
    }

    // Without a text of its own a `serve` takes the key's, if the rule knows all of its fields.
    std::optional<Template> bind_key(const ast::Text& text, const ast::ServeAction& k,
                                     const Namespace& n) {
        if (k.key) return bind(draft_, text, {rule_.variables, "in this rule"});
        for (std::size_t f = 0; f < n.fields && place_.sound; ++f) {
            if (std::find(rule_.variables.begin(), rule_.variables.end(), n.parameters[f]) !=
                rule_.variables.end())
                continue;
            auto& d = draft_.say.error(
                "L0203", k.ns.at,
                "nothing gives " + ticked(braced(n.parameters[f])) + " a value in this rule",
                "which entry of " + n.name + "?");
            d.more.push_back({text.at, "its keys look like this"});
            return std::nullopt;
        }
        if (!place_.sound) return std::nullopt;
        return bind(draft_, text, {rule_.variables, "in this rule"});
    }

    void end_session(const ast::EndAction& k) {
        const auto it = draft_.sessions.find(k.session.text);
        if (it == draft_.sessions.end() && !draft_.may_be_declared(k.session.text)) {
            auto& d = draft_.say.error(
                "L0231", k.session.at,
                "session " + ticked(k.session.text) + " is not declared in this policy");
            std::vector<std::string> all;
            for (const auto& [name, _] : draft_.sessions) all.push_back(name);
            if (const std::string near = meant(k.session.text, all); !near.empty()) {
                d.primary.text = "did you mean " + ticked(near) + "?";
                d.more.push_back({draft_.sessions.find(near)->second, "declared here"});
                d.fix = Fix{k.session.at, near};
            }
        }
        if (auto user = bind(draft_, k.user, {rule_.variables, "in this rule"})) {
            rule_.end_sessions.emplace_back(std::string(k.session.text), std::move(*user));
        }
    }

    Draft& draft_;
    Rule& rule_;
    RulePlace& place_;
};

// What the body of a rule with a broken head mentions: nobody can say that it is not bound.
std::vector<std::string> names_used_in(Draft& draft, const ast::Rule& node) {
    std::vector<std::string> out;
    const auto add = [&](const ast::Text& text) {
        for (std::string& name : captures_of(draft, text, false)) out.push_back(std::move(name));
    };
    for (const ast::Action& a : node.body) {
        if (const auto* k = as<ast::DropAction>(a)) {
            for (const ast::Target& t : k->targets) {
                if (const auto* tag = as<ast::TagTarget>(t)) add(tag->tag);
                if (const auto* ns = as<ast::NsTarget>(t); ns && ns->key) add(*ns->key);
            }
        }
        if (const auto* k = as<ast::ServeAction>(a); k && k->key) add(*k->key);
        if (const auto* k = as<ast::EndAction>(a)) add(k->user);
    }
    return out;
}

}  // namespace

std::optional<Rule> rule_of(Draft& draft, const ast::Trigger& trigger) {
    return Triggers(draft).of(trigger);
}

void check_rules(Draft& draft) {
    for (const ast::Policy* tree : draft.trees) {
        for (const ast::Item& item : *tree) {
            if (const auto* s = as<ast::Session>(item))
                draft.sessions.emplace(std::string(s->id.text), s->id.at);
        }
    }
    for (const ast::Policy* tree : draft.trees) {
        for (const ast::Item& item : *tree) {
            const auto* node = as<ast::Rule>(item);
            if (!node) continue;
            RulePlace place;
            place.node = node;
            auto rule = rule_of(draft, node->when);
            place.sound = rule.has_value();
            Rule out = rule ? std::move(*rule) : Rule();
            out.where = draft.where(node->kw.at);
            out.doc = documentation(draft.sources, node->kw.doc);
            out.head = head_of(draft, node->kw.at);
            if (!rule) {
                out.kind = TriggerKind::drop_of;  // of nothing: no check takes it for a route
                out.variables = names_used_in(draft, *node);
            }
            Body(draft, out, place).run(*node);
            draft.policy.rules.push_back(std::move(out));
            draft.rules.push_back(std::move(place));
        }
    }
}

// With the number of entries at hand that is what a pattern that cannot be prepared is about.
bool live_scan(Draft& draft, Span at, const Namespace& n) {
    const auto& live = draft.options.live_entries;
    const auto entries = live ? live(n.name) : std::nullopt;
    if (!entries || *entries < 1000) return false;
    auto& d = draft.say.warning("L0314", at,
                                "after this drop every read of " + ticked(n.name) + ", now " +
                                    std::to_string(*entries) +
                                    " entries, tests the pattern: a tag would cost one lookup",
                                "a capture beside a star or another capture");
    d.helps.push_back("put a fixed text between the capture and the star, or use a tag");
    return true;
}

void declare_patterns(Draft& draft) {
    Policy& policy = draft.policy;
    std::map<NamespaceIndex, std::vector<std::pair<Pattern, Change*>>> wanted;
    for (std::size_t r = 0; r < policy.rules.size(); ++r) {
        for (std::size_t k = 0; k < policy.rules[r].changes.size(); ++k) {
            Change& c = policy.rules[r].changes[k];
            if (c.kind != TargetKind::matching) continue;
            Pattern pattern(c.text);
            if (pattern.bounded()) {
                wanted[c.ns].emplace_back(std::move(pattern), &c);
                continue;
            }
            if (live_scan(draft, draft.rules[r].changes[k].at, policy.namespaces[c.ns])) continue;
            auto& d = draft.say.warning(
                "L0317", draft.rules[r].changes[k].at,
                "this pattern cannot be prepared, so every read tests it for a while",
                "a capture beside a star or another capture");
            d.notes.push_back(
                "it goes through the ban log: at most 256 such drops live at a time, then the "
                "namespace is dropped");
            d.helps.push_back(
                "put a fixed text between the capture and the star, as in `{month}-*`, or use a "
                "tag");
        }
    }
    std::vector<NamespaceIndex> order(policy.namespaces.size());
    for (NamespaceIndex i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](NamespaceIndex a, NamespaceIndex b) {
        return policy.namespaces[a].chain.size() < policy.namespaces[b].chain.size();
    });
    for (const NamespaceIndex i : order) {
        Namespace& n = policy.namespaces[i];
        if (n.parent != none) n.patterns = policy.namespaces[n.parent].patterns;
        for (auto& [pattern, change] : wanted[i]) {
            std::uint32_t k = 0;
            while (k < n.patterns.size() && n.patterns[k].shape() != pattern.shape()) ++k;
            if (k == n.patterns.size()) n.patterns.push_back(pattern);
            change->pattern = k;
        }
    }
}

namespace {

// A plugin's trigger is the event INSTANCE:TOPIC: `on bus "sold"` is told as bus:sold.
void name_instance(Template& topic, const std::string& instance) {
    if (topic.pieces.empty() || topic.pieces.front().kind != Piece::Kind::literal) {
        topic.pieces.insert(topic.pieces.begin(), Piece{});
    }
    topic.pieces.front().text.insert(0, instance + ":");
    topic.source.insert(0, instance + ":");
}

}  // namespace

std::optional<Template> trigger_of(Draft& draft, const Rule& rule, const ast::Trigger& trigger) {
    const ast::Text* text = nullptr;
    if (const auto* t = as<ast::HttpTrigger>(trigger)) text = &t->route;
    if (const auto* t = as<ast::EventTrigger>(trigger)) text = &t->event;
    if (const auto* t = as<ast::PluginTrigger>(trigger)) text = &t->topic;
    if (!text) return std::nullopt;
    auto out = bind(draft, *text, {rule.variables, "in this rule"});
    if (out && rule.kind == TriggerKind::plugin) name_instance(*out, rule.plugin);
    return out;
}

void compile_triggers(Draft& draft) {
    for (std::size_t r = 0; r < draft.policy.rules.size(); ++r) {
        Rule& rule = draft.policy.rules[r];
        if (auto text = trigger_of(draft, rule, draft.rules[r].node->when))
            rule.trigger = std::move(*text);
    }
}

RuleTables tables_of(const Policy& policy) {
    RuleTables out;
    for (std::uint32_t r = 0; r < policy.rules.size(); ++r) {
        const Rule& rule = policy.rules[r];
        if (rule.kind == TriggerKind::drop_of || rule.trigger.pieces.empty()) continue;
        if (rule.kind == TriggerKind::route) {
            out.routes.add(r, rule.methods, rule.trigger);
        } else {
            out.events.add(r, 0, rule.trigger);
        }
    }
    out.routes.finish();
    out.events.finish();
    return out;
}

}  // namespace larder::dsl
