// dsl/explain.cpp -- a policy's answer to "what happens when" and "why is this still there".
#include "dsl/explain.hpp"

#include "dsl/analysis/freshness.hpp"
#include "dsl/analysis/reach.hpp"
#include "dsl/check_draft.hpp"
#include "dsl/check_rules.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

using Known = std::vector<std::optional<std::string>>;

bool is_variable(const Piece& p) {
    return p.kind == Piece::Kind::variable || p.kind == Piece::Kind::rest;
}

// With what is known filled in, as a person would write it; the rest stays in braces.
std::string shown(const Template& text, const Known& values) {
    std::string out;
    for (const Piece& p : text.pieces) {
        switch (p.kind) {
            case Piece::Kind::literal:
                out += unescape(p.text);
                break;
            case Piece::Kind::star:
                out += '*';
                break;
            case Piece::Kind::deep:
                out += "**";
                break;
            case Piece::Kind::variable:
            case Piece::Kind::rest:
                out += p.slot < values.size() && values[p.slot] ? *values[p.slot] : braced(p.text);
                break;
        }
    }
    return out;
}

std::string in_quotes(std::string_view text) {
    std::string out(1, '"');
    return out.append(text).append(1, '"');
}

std::string_view origin_name(Origin o) {
    switch (o) {
        case Origin::query:
            return "query";
        case Origin::cookie:
            return "cookie";
        case Origin::json:
            return "json";
        case Origin::form:
            return "form";
        case Origin::header:
            break;
    }
    return "header";
}

// Everything below the namespace that holds entries, the namespace itself included.
bool about(const Policy& policy, const Change& c, NamespaceIndex ns) {
    if (c.kind == TargetKind::everything) return true;
    if (c.ns == none) return false;
    const auto& chain = policy.namespaces[ns].chain;
    return std::find(chain.begin(), chain.end(), c.ns) != chain.end();
}

class Report {
  public:
    explicit Report(const Policy& policy) : policy_(policy) {}

    void line(std::size_t depth, const std::string& text) {
        out_.append(depth * 2, ' ');
        out_ += text;
        out_ += '\n';
    }

    void doc(std::size_t depth, std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            line(depth, "## " + std::string(text.substr(0, end)));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
    }

    void rule(const Rule& r, const Known& values) {
        std::string head = "rule at ";
        head += r.where.text();
        head += "  ";
        head += r.head;
        line(1, head);
        doc(2, r.doc);
        for (std::size_t k = 0; k < r.variables.size(); ++k) binding(r, k, values);
        for (const Change& c : r.changes) change(c, values);
        for (const NamespaceIndex w : r.warm) line(2, "warm " + policy_.namespaces[w].name);
        for (const auto& [session, user] : r.end_sessions) {
            line(2, "end session " + session + " of " + in_quotes(shown(user, values)));
        }
        if (r.serve) serve(*r.serve, values);
    }

    std::string take() { return std::move(out_); }

  private:
    void binding(const Rule& r, std::size_t k, const Known& values) {
        std::string text = braced(r.variables[k]);
        if (values[k]) {
            text += " = ";
            text += in_quotes(*values[k]);
        } else {
            text += " is not given";
        }
        for (const Let& let : r.lets) {
            if (let.slot != k) continue;
            text += "  (";
            text += origin_name(let.origin);
            text += ' ';
            text += in_quotes(let.field);
            text += ')';
        }
        line(2, text);
    }

    void change(const Change& c, const Known& values) {
        std::string text(verb_of(c.action));
        text += ' ';
        switch (c.kind) {
            case TargetKind::everything:
                text += "everything";
                break;
            case TargetKind::tag:
                text += "tag " + in_quotes(shown(c.text, values));
                break;
            case TargetKind::namespace_:
                text += policy_.namespaces[c.ns].name + "  (every entry)";
                break;
            case TargetKind::key:
                text += policy_.namespaces[c.ns].name + " " + in_quotes(shown(c.text, values));
                break;
            case TargetKind::matching:
                text +=
                    policy_.namespaces[c.ns].name + " matching " + in_quotes(shown(c.text, values));
                if (c.pattern == none) text += "  (ban log)";
                break;
        }
        line(2, text);
        if (c.kind == TargetKind::tag) carriers(c);
        if (c.ns != none) dependents(c);
    }

    void carriers(const Change& c) {
        std::vector<std::string> names;
        for (const Namespace& n : policy_.namespaces) {
            const auto carries = [&c](const Template& t) { return both_possible(t, c.text); };
            if (std::any_of(n.tags.begin(), n.tags.end(), carries) ||
                std::any_of(n.late_tags.begin(), n.late_tags.end(), carries)) {
                names.push_back(n.name);
            }
        }
        if (!names.empty()) line(3, "carried by " + joined(names));
    }

    // By the literals both begin with: what a person asks is which namespaces are meant.
    static bool both_possible(const Template& a, const Template& b) {
        const auto head = [](const Template& t) {
            return t.pieces.empty() || is_variable(t.pieces[0]) ? std::string() : t.pieces[0].text;
        };
        const std::string x = head(a), y = head(b);
        const std::size_t n = std::min(x.size(), y.size());
        return x.compare(0, n, y, 0, n) == 0;
    }

    void dependents(const Change& c) {
        std::vector<std::string> seen;
        for (const Namespace& n : policy_.namespaces) {
            const bool depends =
                std::any_of(n.depends.begin(), n.depends.end(),
                            [&](const Dependency& d) { return about(policy_, c, d.on); });
            if (depends) seen.push_back(n.name);
        }
        std::sort(seen.begin(), seen.end());
        for (const std::string& name : seen) line(3, "then " + name + ", which depends on it");
    }

    void serve(const Serve& s, const Known& values) {
        std::string text = "serve " + policy_.namespaces[s.ns].name;
        if (s.key) {
            text += ' ';
            text += in_quotes(shown(*s.key, values));
        }
        bool first = true;
        for (const auto& [origin, field] : s.unless) {
            text += first ? " unless " : ", ";
            text += origin_name(origin);
            text += ' ';
            text += in_quotes(field);
            first = false;
        }
        line(2, text);
    }

    const Policy& policy_;
    std::string out_;
};

Known values_of(const Rule& rule, const std::vector<std::pair<std::string, std::string>>& given) {
    Known out(rule.variables.size());
    for (std::size_t k = 0; k < out.size(); ++k) {
        for (const auto& [name, value] : given) {
            if (name == rule.variables[k]) out[k] = value;
        }
    }
    return out;
}

void fill_captures(const RouteMatch& match, bool path, Known& values) {
    std::string buffer;
    for (std::size_t k = 0; k < match.count && k < values.size(); ++k) {
        values[k] =
            std::string(path ? capture_value(match.captures[k], buffer) : match.captures[k]);
    }
}

// Why an entry goes or stays.
class Entry {
  public:
    Entry(const Policy& policy, NamespaceIndex ns, std::string canonical)
        : policy_(policy),
          n_(policy.namespaces[ns]),
          ns_(ns),
          key_(std::move(canonical)),
          report_(policy) {}

    std::string run(std::string_view raw) {
        report_.line(0, n_.name + " " + in_quotes(raw));
        report_.doc(1, n_.doc);
        report_.line(1, "declared at " + n_.where.text());
        lifetime();
        tiers();
        tags();
        droppers();
        age();
        return report_.take();
    }

  private:
    void lifetime() {
        if (!n_.ttl) {
            report_.line(1, "lives until something drops it");
        } else {
            std::string text = "lives " + spoken(n_.ttl->ttl);
            if (n_.ttl->jitter > 0)
                text += ", up to " + std::to_string(static_cast<int>(n_.ttl->jitter * 100 + 0.5)) +
                        "% less";
            if (n_.ttl->sliding) text += ", anew with each use";
            report_.line(1, text);
            report_.doc(2, n_.ttl->doc);
            for (const DatedTtl& d : n_.ttl->dated) dated(d);
        }
        if (n_.stale_while_revalidating)
            report_.line(1, "served stale for " + spoken(*n_.stale_while_revalidating) +
                                " while it is made anew");
        if (n_.stale_on_error)
            report_.line(
                1, "served stale for " + spoken(*n_.stale_on_error) + " when making it anew fails");
        if (n_.absent) report_.line(1, "not being there is remembered for " + spoken(*n_.absent));
    }

    void age() {
        const Freshness f = freshness_of(policy_, ns_);
        if (f.told) {
            report_.line(1, "after a write that a rule is told of, a reader may see older data for " +
                                (f.bound->count() == 0 ? std::string("no time") : "up to " + spoken(*f.bound)));
            report_.line(2, sum_of(f));
        }
        report_.line(1, "a write that no rule is told of is seen " +
                            (f.life ? "after " + spoken(*f.life) + " at the latest" : std::string("when something drops the entry")));
    }

    void dated(const DatedTtl& d) {
        std::string text = spoken(d.ttl) + " when " + braced(n_.parameters[d.slot]);
        text += d.when == DatedTtl::When::before  ? " is before today"
                : d.when == DatedTtl::When::after ? " is after today"
                                                  : " is today";
        if (d.days != 0)
            text += (d.days > 0 ? " + " : " - ") + std::to_string(std::abs(d.days)) + "d";
        report_.line(2, text);
    }

    void tiers() {
        std::string text;
        for (const TierUse& t : n_.tiers) {
            if (!t.enabled) continue;
            if (!text.empty()) text += " -> ";
            text += t.store;
            if (t.ttl) text += " (" + spoken(*t.ttl) + ")";
        }
        report_.line(1, text.empty() ? "kept in all stores of larder.toml, in their order"
                                     : "kept in " + text);
    }

    void tags() {
        Known values;
        const auto fields = n_.key->parse_canonical(key_);
        for (std::size_t k = 0; k < n_.parameters.size(); ++k) {
            values.push_back(fields && k < fields->size() ? std::optional((*fields)[k])
                                                          : std::nullopt);
        }
        for (const Template& t : n_.tags) report_.line(1, "tag " + in_quotes(shown(t, values)));
        for (const Template& t : n_.late_tags)
            report_.line(
                1, "tag " + in_quotes(shown(t, values)) + "  (with what the application supplies)");
        for (const Dependency& d : n_.depends) {
            std::string text = "depends on " + policy_.namespaces[d.on].name;
            if (d.key) text += " " + in_quotes(shown(*d.key, values));
            report_.line(1, text);
        }
    }

    void droppers() {
        bool any = false;
        for (const Rule& r : policy_.rules) {
            const auto hit = std::find_if(r.changes.begin(), r.changes.end(),
                                          [this](const Change& c) { return reaches(policy_, c, ns_, key_); });
            if (hit == r.changes.end()) continue;
            if (!any) report_.line(1, "goes by");
            any = true;
            report_.line(2, r.where.text() + "  " + r.head + "  (" +
                                std::string(verb_of(hit->action)) + ")");
        }
        if (!any)
            report_.line(1, n_.is_static ? "no rule drops it: it is static" : "no rule drops it");
    }

    const Policy& policy_;
    const Namespace& n_;
    NamespaceIndex ns_;
    std::string key_;
    Report report_;
};

}  // namespace

std::string explain_request(const Policy& policy, const ExplainRequest& request) {
    Report out(policy);
    out.line(0, request.method + " " + request.path);
    const MethodSet method = method_of(request.method);
    if (method == 0) {
        out.line(1, "no such method");
        return out.take();
    }
    std::string buffer;
    RouteMatches matches;
    policy.routes.match(method, normalise_path(request.path, buffer), matches);
    bool any = false;
    for (const RouteMatch& m : matches) {
        const Rule& rule = policy.rules[m.rule];
        if (!rule.fires_on(request.status)) {
            out.line(1, "rule at " + rule.where.text() + "  " + rule.head);
            out.line(2, "does not fire on status " + std::to_string(request.status));
            any = true;
            continue;
        }
        Known values = values_of(rule, request.values);
        fill_captures(m, true, values);
        out.rule(rule, values);
        any = true;
    }
    if (!any) out.line(1, "no rule fires");
    return out.take();
}

std::string explain_event(const Policy& policy, std::string_view name,
                          const std::vector<std::pair<std::string, std::string>>& given) {
    Report out(policy);
    out.line(0, "event " + in_quotes(name));
    RouteMatches matches;
    policy.events.match(0, name, matches);
    for (const RouteMatch& m : matches) {
        const Rule& rule = policy.rules[m.rule];
        Known values = values_of(rule, given);
        fill_captures(m, false, values);
        out.rule(rule, values);
    }
    if (matches.empty()) {
        std::vector<std::string> known;
        for (const Rule& r : policy.rules) {
            if (r.kind == TriggerKind::event) known.push_back(r.route);
            if (r.kind == TriggerKind::plugin) known.push_back(r.plugin + ":" + r.route);
        }
        out.line(1, "no rule fires");
        if (const std::string near = meant(name, known); !near.empty())
            out.line(1, "did you mean " + ticked(near) + "?");
    }
    return out.take();
}

std::string explain_entry(const Policy& policy, std::string_view ns, std::string_view key) {
    const auto index = policy.find(ns);
    if (!index) {
        std::vector<std::string> known;
        for (const Namespace& n : policy.namespaces) known.push_back(n.name);
        const std::string near = meant(ns, known);
        return "namespace " + ticked(ns) + " is not declared in this policy" +
               (near.empty() ? "" : ": did you mean " + ticked(near) + "?") + "\n";
    }
    const Namespace& n = policy.namespaces[*index];
    if (!n.key) return ticked(n.name) + " has no key of its own, so it has no entries\n";
    Fields fields;
    if (!n.key->read(key, fields)) {
        return "no key of " + ticked(n.name) + " looks like " + ticked(key) + ": they look like " +
               ticked(n.key->pattern().source) + "\n";
    }
    std::string canonical;
    n.key->canonical(fields, canonical);
    return Entry(policy, *index, std::move(canonical)).run(key);
}

}  // namespace larder::dsl
