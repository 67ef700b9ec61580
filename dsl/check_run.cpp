// dsl/check_run.cpp -- sessions, alerts, breakers: names once, numbers in range, owners that exist.
#include "dsl/check_run.hpp"

#include "dsl/check_clauses.hpp"
#include "dsl/check_texts.hpp"
#include "dsl/metric_names.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace larder::dsl {

namespace {

// Whether the name is new; an error at the second one otherwise.
bool first_of(Draft& draft, std::map<std::string, Span, std::less<>>& seen, const char* what,
              const ast::Name& id) {
    const auto [it, fresh] = seen.emplace(std::string(id.text), id.at);
    if (!fresh) {
        draft.say
            .error("L0230", id.at, std::string(what) + " " + ticked(id.text) + " is declared twice",
                   "again here")
            .more.push_back({it->second, "first here"});
    }
    return fresh;
}

// A clause that may stand once in its block.
class Once {
  public:
    Once(Draft& draft, std::string whose) : draft_(draft), whose_(std::move(whose)) {}
    void operator()(const char* what, Span at) {
        const auto [it, fresh] = seen_.emplace(what, at);
        if (fresh) return;
        draft_.say
            .error("L0205", at, ticked(draft_.sources.text(at)) + " is given twice in " + whose_,
                   "second time")
            .more.push_back({it->second, "first time"});
    }

  private:
    Draft& draft_;
    std::string whose_;
    std::map<std::string, Span> seen_;
};

Session session_of(Draft& draft, Values& values, const ast::Session& node) {
    Session out;
    out.name = std::string(node.id.text);
    out.doc = documentation(draft.sources, node.kw.doc);
    out.where = draft.where(node.kw.at);
    Once once(draft, "session " + ticked(node.id.text));
    for (const ast::SessionClause& c : node.body) {
        if (const auto* k = as<ast::TtlClause>(c)) {
            once("ttl", k->kw.at);
            if (k->when) {
                draft.say.error("L0233", k->when->kw.at,
                                "a session has no date: its `ttl` cannot have a `when`");
            }
            out.ttl = ttl_of(values, *k, draft);
            continue;
        }
        if (const auto* k = as<ast::StoreClause>(c)) {
            once("store", k->kw.at);
            out.store = std::string(k->store.text);
            check_store(draft, out.store, k->store.at);
            continue;
        }
        if (const auto* k = as<ast::FlagClause>(c)) {
            once(std::string(draft.sources.text(k->what.at)).c_str(), k->what.at);
            if (k->what.value == ast::Flag::encrypt) out.encrypt = true;
            continue;
        }
        if (const auto* k = as<ast::LimitClause>(c)) {
            once("limit", k->kw.at);
            if (!k->entries) out.limit_bytes = values.size(k->amount);
            continue;
        }
        if (const auto* k = as<ast::PerUserClause>(c)) {
            once("limit per user", k->kw.at);
            out.per_user = values.count(k->count, 1);
            out.refuse_more = k->refuse;
            continue;
        }
        if (const auto* k = as<ast::CookieClause>(c)) {
            once("cookie", k->kw.at);
            out.cookie = plain(k->id);
            for (const ast::Name& f : k->flags) out.cookie_flags.emplace_back(f.text);
            continue;
        }
        if (const auto* k = as<ast::CompressClause>(c)) {
            once("compress", k->kw.at);
            out.compress = compression_of(draft, values, *k);
        }
    }
    return out;
}

Condition::Relation relation_of(ast::Relation r) {
    switch (r) {
        case ast::Relation::lt:
            return Condition::Relation::lt;
        case ast::Relation::le:
            return Condition::Relation::le;
        case ast::Relation::gt:
            return Condition::Relation::gt;
        case ast::Relation::ge:
            return Condition::Relation::ge;
        case ast::Relation::eq:
            return Condition::Relation::eq;
        case ast::Relation::is:
            break;
    }
    return Condition::Relation::is;
}

struct Metric {
    enum class Of { namespaces, stores, either };
    std::string_view name;
    Of of;
};
// What an alert may be about. Without a name in brackets: of all namespaces or stores together.
constexpr std::array metrics{
    Metric{"hit_rate", Metric::Of::namespaces},      Metric{"miss_rate", Metric::Of::namespaces},
    Metric{"requests", Metric::Of::namespaces},      Metric{"misses", Metric::Of::namespaces},
    Metric{"compression_ratio", Metric::Of::namespaces}, Metric{"loads", Metric::Of::namespaces},
    Metric{"load_errors", Metric::Of::namespaces},   Metric{"load_latency_p95", Metric::Of::namespaces},
    Metric{"invalidations", Metric::Of::either},     Metric{"entries", Metric::Of::either},
    Metric{"bytes", Metric::Of::either},             Metric{"errors", Metric::Of::either},
    Metric{"error_rate", Metric::Of::either},        Metric{"latency_avg", Metric::Of::either},
    Metric{"latency_p50", Metric::Of::either},       Metric{"latency_p95", Metric::Of::either},
    Metric{"latency_p99", Metric::Of::either},       Metric{"memory_used", Metric::Of::stores},
    Metric{"evictions", Metric::Of::stores},         Metric{"expirations", Metric::Of::stores},
    Metric{"timeouts", Metric::Of::stores},          Metric{"connection_failures", Metric::Of::stores},
    Metric{"breaker", Metric::Of::stores},
};

// These are measured for namespaces; all else is measured for stores or for the whole.
bool of_namespaces(std::string_view metric) {
    const auto* const found = std::find_if(metrics.begin(), metrics.end(), [&](const Metric& one) { return one.name == metric; });
    return found != metrics.end() && found->of == Metric::Of::namespaces;
}

// An alert on a metric that nobody measures would never fire.
void check_metric(Draft& draft, const ast::Name& name) {
    std::vector<std::string_view> known;
    for (const Metric& one : metrics) {
        if (one.name == name.text) return;
        known.push_back(one.name);
    }
    auto& d = draft.say.error("L0202", name.at, "no metric is called " + ticked(name.text), "nobody measures it");
    const auto meant = nearest(name.text, known);
    std::string list;
    for (const auto one : known) (list += list.empty() ? "" : ", ") += one;
    d.helps.push_back(meant.empty() ? "metrics are " + list : "did you mean " + ticked(meant) + "?");
}

Condition condition_of(Draft& draft, Values& values, const ast::Compare& c) {
    Condition out;
    out.metric = std::string(c.metric.text);
    check_metric(draft, c.metric);
    out.relation = relation_of(c.op.value);
    for (const ast::Name& n : c.of) {
        out.of.emplace_back(n.text);
        if (of_namespaces(out.metric))
            draft.known(n);
        else if (!draft.policy.find(n.text))
            check_store(draft, n.text, n.at);
    }
    if (out.relation == Condition::Relation::is) {
        out.word = std::string(c.limit.let_name.empty() ? draft.sources.text(c.limit.at)
                                                        : c.limit.let_name);
    } else {
        out.value = values.measure(c.limit);
    }
    return out;
}

void check_sink(Draft& draft, const ast::Sink& sink) {
    const Catalog* catalog = draft.options.catalog;
    if (!catalog) return;
    const std::string kind(sink.plugin.text),
        name(sink.target ? sink.target->text : std::string_view());
    const bool there = std::any_of(
        catalog->sinks.begin(), catalog->sinks.end(),
        [&](const auto& s) { return s.first == kind && (name.empty() || s.second == name); });
    if (there) return;
    const std::string shown = name.empty() ? kind : kind + " " + name;
    auto& d = draft.say.warning("L0325", sink.plugin.at,
                                "sink " + ticked(shown) + " is not in " + catalog->file,
                                "this alert sleeps until it is");
    d.helps.push_back("add " + ticked("[sink." + (name.empty() ? kind : name) + "]") + " to " +
                      catalog->file);
}

Alert alert_of(Draft& draft, Values& values, const ast::Alert& node) {
    Alert out;
    out.name = std::string(node.id.text);
    out.doc = documentation(draft.sources, node.kw.doc);
    out.where = draft.where(node.kw.at);
    out.when = conditions_of(draft, values, node.when, out.text);
    if (node.hold) out.hold = values.duration(*node.hold).value_or(Ms{});
    for (const ast::Sink& s : node.to) {
        out.to.emplace_back(std::string(s.plugin.text),
                            std::string(s.target ? s.target->text : std::string_view()));
        check_sink(draft, s);
    }
    return out;
}

Breaker breaker_of(Draft& draft, Values& values, const ast::Breaker& node) {
    Breaker out;
    out.store = std::string(node.store.text);
    out.where = draft.where(node.kw.at);
    check_store(draft, out.store, node.store.at);
    Once once(draft, "breaker " + ticked(node.store.text));
    for (const ast::BreakerItem& item : node.body) {
        if (const auto* ramp = as<ast::RampClause>(item)) {
            once("ramp", ramp->part.at);
            out.ramp = values.count(ramp->loads, 0).value_or(out.ramp);
            if (ramp->every) out.ramp_step = values.positive(*ramp->every).value_or(out.ramp_step);
            continue;
        }
        const auto* c = as<ast::BreakerClause>(item);
        if (!c) continue;
        switch (c->part.value) {
            case ast::BreakerPart::open:
                once("open", c->part.at);
                out.failures = values.count(c->amount, 1).value_or(out.failures);
                break;
            case ast::BreakerPart::retry:
                once("retry", c->part.at);
                out.retry_after = values.positive(c->amount).value_or(out.retry_after);
                break;
            case ast::BreakerPart::probe:
                once("probe", c->part.at);
                out.probes = values.count(c->amount, 1).value_or(out.probes);
                break;
            case ast::BreakerPart::ramp: break;
        }
    }
    return out;
}

// Every item of one kind, in the order of the files.
template <class T, class Each>
void for_each(const Draft& draft, Each each) {
    for (const ast::Policy* tree : draft.trees) {
        for (const ast::Item& item : *tree) {
            if (const auto* node = as<T>(item)) each(*node);
        }
    }
}

}  // namespace

std::vector<std::vector<Condition>> conditions_of(Draft& draft, Values& values,
                                                  const std::vector<ast::AllOf>& when,
                                                  std::string& text) {
    std::vector<std::vector<Condition>> out;
    Span whole;
    for (const ast::AllOf& all : when) {
        auto& group = out.emplace_back();
        for (const ast::Compare& c : all) {
            group.push_back(condition_of(draft, values, c));
            whole = whole.empty() ? cover(c.metric.at, c.limit.at) : cover(whole, c.limit.at);
        }
    }
    if (!whole.empty()) text = std::string(draft.sources.text(whole));
    return out;
}

void check_sessions(Draft& draft, Values& values) {
    std::map<std::string, Span, std::less<>> seen;
    for_each<ast::Session>(draft, [&](const ast::Session& node) {
        first_of(draft, seen, "session", node.id);
        draft.policy.sessions.push_back(session_of(draft, values, node));
    });
}

void check_alerts(Draft& draft, Values& values) {
    std::map<std::string, Span, std::less<>> seen;
    for_each<ast::Alert>(draft, [&](const ast::Alert& node) {
        first_of(draft, seen, "alert", node.id);
        draft.policy.alerts.push_back(alert_of(draft, values, node));
    });
}

void check_breakers(Draft& draft, Values& values) {
    std::map<std::string, Span, std::less<>> seen;
    for_each<ast::Breaker>(draft, [&](const ast::Breaker& node) {
        first_of(draft, seen, "breaker", node.store);
        draft.policy.breakers.push_back(breaker_of(draft, values, node));
    });
}

void check_lifetimes(Draft& draft) {
    const Catalog* catalog = draft.options.catalog;
    if (!catalog) return;
    const auto shared = [catalog](const std::string& name) {
        return std::any_of(catalog->stores.begin(), catalog->stores.end(),
                           [&](const Catalog::Store& s) { return s.name == name && s.shared; });
    };
    for (NamespaceIndex i = 0; i < draft.spaces.size(); ++i) {
        const Namespace& n = draft.policy.namespaces[i];
        if (!n.key || n.ttl || draft.spaces[i].broken) continue;
        std::string where;
        if (n.tiers.empty()) {
            for (const Catalog::Store& s : catalog->stores) {
                if (where.empty() && s.shared) where = s.name;
            }
        }
        for (const TierUse& t : n.tiers) {
            if (where.empty() && shared(t.store)) where = t.store;
        }
        if (where.empty()) continue;
        auto& d = draft.say.warning(
            "L0321", draft.spaces[i].node->id.at,
            "entries of " + ticked(n.name) + " never expire in " + ticked(where), "no `ttl`");
        d.notes.push_back(ticked(where) + " is shared: what is never dropped stays there for ever");
        d.helps.push_back("add for example `ttl 1h`");
    }
}

std::vector<std::string_view> metric_names() {
    std::vector<std::string_view> out;
    for (const Metric& one : metrics) out.push_back(one.name);
    return out;
}

}  // namespace larder::dsl
