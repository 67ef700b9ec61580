// dsl/analysis/item_differences.cpp -- what is declared, clause by clause, and what follows from a
// change.
//
// Each item is described as clauses: a name, the text that is shown, and the text that is compared,
// in which the names of fields and the order of tags are left out.
#include "dsl/analysis/policy_difference.hpp"
#include "dsl/analysis/reach.hpp"
#include "dsl/check_draft.hpp"
#include "dsl/schema.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace larder::dsl {
namespace {

struct Clause {
    std::string name, shown, meaning;
};
using Clauses = std::vector<Clause>;

struct Item {
    std::string kind, name;
    Clauses clauses;
    Where where;
    std::string shape{};  // the name without those of variables, where it has some
};

std::string quoted(std::string_view text) {
    std::string out(1, '"');
    return out.append(text).append(1, '"');
}

template <class Items, class Text>
std::string list(const Items& items, Text text, const char* between = ", ") {
    std::string out;
    for (const auto& item : items) {
        if (!out.empty()) out += between;
        out += text(item);
    }
    return out;
}

std::string percent(double share) {
    return std::to_string(static_cast<int>(share * 100 + 0.5)) + "%";
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::pair<const char*, std::uint64_t> units[] = {
        {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}};
    for (const auto& [unit, size] : units)
        if (bytes >= size && bytes % size == 0) return std::to_string(bytes / size) + unit;
    return std::to_string(bytes) + "B";
}

void plain(Clauses& out, std::string name, std::string text) {
    out.push_back({std::move(name), text, text});
}

void plain(Clauses& out, std::string name, const std::optional<Ms>& time) {
    plain(out, std::move(name), time ? spoken(*time) : std::string());
}

std::string ttl_text(const std::optional<Ttl>& ttl, const std::vector<std::string>& parameters) {
    if (!ttl) return {};
    std::string out = spoken(ttl->ttl);
    if (ttl->jitter > 0) out += " jitter " + percent(ttl->jitter);
    if (ttl->sliding) out += " sliding";
    if (ttl->at_most.count() != 0) out += " at most " + spoken(ttl->at_most);
    for (const DatedTtl& d : ttl->dated) {
        out += ", " + spoken(d.ttl) + " when " +
               (d.slot < parameters.size() ? braced(parameters[d.slot]) : std::string("{?}"));
        out += d.when == DatedTtl::When::before  ? " before today"
               : d.when == DatedTtl::When::after ? " after today"
                                                 : " on today";
        if (d.days != 0)
            out += (d.days > 0 ? " + " : " - ") + std::to_string(std::abs(d.days)) + "d";
    }
    return out;
}

std::string ttl_meaning(const std::optional<Ttl>& ttl) {
    std::vector<std::string> fields;
    for (std::size_t k = 0; ttl && k < 64; ++k) fields.push_back(std::to_string(k));
    return ttl_text(ttl, fields);
}

std::string compress_text(const std::optional<Compression>& c) {
    if (!c) return {};
    std::string out = c->codec.empty() ? "none" : c->codec;
    if (c->above_bytes != 0) out += " above " + size_text(c->above_bytes);
    if (!c->except.empty()) out += " except " + list(c->except, quoted);
    for (const Option& o : c->options)
        out += " { " + o.name + " " +
               list(
                   o.values, [](const auto& v) { return v; }, " ") +
               " }";
    return out;
}

std::string tiers_text(const std::vector<TierUse>& tiers) {
    std::vector<TierUse> used;
    std::copy_if(tiers.begin(), tiers.end(), std::back_inserter(used),
                 [](const TierUse& t) { return t.enabled; });
    if (!tiers.empty() && used.empty()) return "none";
    return list(
        used, [](const TierUse& t) { return t.ttl ? t.store + " " + spoken(*t.ttl) : t.store; },
        " -> ");
}

std::string limits_text(const std::vector<Limit>& limits) {
    std::vector<std::string> texts;
    for (const Limit& l : limits)
        texts.push_back(
            (l.entries != 0 ? std::to_string(l.entries) + " entries" : size_text(l.bytes)) +
            (l.store.empty() ? "" : " in " + l.store));
    std::sort(texts.begin(), texts.end());
    return list(texts, [](const auto& t) { return t; });
}

std::string write_text(const Namespace& n) {
    if (n.write == WriteMode::aside) return {};
    std::string out = n.write == WriteMode::through ? "through" : "behind";
    if (n.write_delay.count() != 0) out += " " + spoken(n.write_delay);
    if (!n.write_to.address.empty()) out += " " + quoted(n.write_to.address);
    if (n.write_to.removes) out += " remove";
    if (!n.write_to.remove_address.empty()) out += " " + quoted(n.write_to.remove_address);
    return out;
}

std::string source_text(const std::optional<ValueSource>& source) {
    if (!source) return {};
    std::string out = source->name;
    if (!source->address.empty()) out += " " + quoted(source->address);
    for (const Option& o : source->options)
        out += " { " + o.name + " " + list(o.values, [](const auto& v) { return v; }, " ") + " }";
    return out;
}

Clause tags_clause(const Namespace& n) {
    std::vector<std::pair<std::string, std::string>> tags;  // meaning, shown
    for (const auto* some : {&n.tags, &n.late_tags})
        for (const Template& t : *some) tags.emplace_back(meaning_of(t, n), quoted(t.source));
    std::sort(tags.begin(), tags.end());
    return {"tag", list(tags, [](const auto& t) { return t.second; }),
            list(
                tags, [](const auto& t) { return t.first; }, "\x06")};
}

Clause depends_clause(const Policy& policy, const Namespace& n) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const Dependency& d : n.depends) {
        const std::string& on = policy.namespaces[d.on].name;
        all.emplace_back(on + '\x06' + (d.key ? meaning_of(*d.key, n) : ""),
                         d.key ? on + " " + quoted(d.key->source) : on);
    }
    std::sort(all.begin(), all.end());
    return {"depends on", list(all, [](const auto& d) { return d.second; }),
            list(
                all, [](const auto& d) { return d.first; }, "\x07")};
}

Clause patterns_clause(const Namespace& n) {
    std::vector<std::string> shapes;
    for (const Pattern& p : n.patterns) shapes.push_back(p.shape());
    std::sort(shapes.begin(), shapes.end());
    const std::string text = list(shapes, quoted);
    return {"patterns that rules drop", text, text};
}

Item item_of(const Policy& policy, const Namespace& n) {
    Item out{"namespace", n.name, {}, n.where};
    Clauses& c = out.clauses;
    c.push_back({"key", n.key ? quoted(n.key->pattern().source) : "",
                 n.key ? meaning_of(n.key->pattern(), n) : ""});
    std::vector<std::string> with(n.parameters.begin() + n.fields, n.parameters.end());
    std::sort(with.begin(), with.end());
    plain(c, "with", list(with, [](const auto& w) { return w; }));
    c.push_back(tags_clause(n));
    c.push_back(patterns_clause(n));
    c.push_back(depends_clause(policy, n));
    c.push_back({"ttl", ttl_text(n.ttl, n.parameters), ttl_meaning(n.ttl)});
    plain(c, "absent", n.absent);
    plain(c, "stale while revalidating", n.stale_while_revalidating);
    plain(c, "stale on error", n.stale_on_error);
    plain(c, "tiers", tiers_text(n.tiers));
    plain(c, "compress", compress_text(n.compress));
    plain(c, "limit", limits_text(n.limits));
    plain(c, "evict", n.evict == EvictOrder::adaptive ? std::string() : std::string(word_of(n.evict)));
    plain(c, "refuse above", n.refuse_above ? size_text(*n.refuse_above) : "");
    plain(c, "log misses slower than", n.log_misses);
    plain(c, "never store", list(n.never_store, [](const NeverStore& rule) {
              static constexpr const char* words[] = {"key ", "header ", "json "};
              return words[static_cast<std::size_t>(rule.what)] + list(rule.names, [](const auto& name) { return quoted(name); }) +
                     (rule.strip ? " then strip" : "");
          }, "; "));
    std::vector<std::uint32_t> accepts = n.accepts;
    std::sort(accepts.begin(), accepts.end());
    plain(c, "version",
          std::to_string(n.version) + (accepts.empty() ? "" : " accepts ") +
              list(accepts, [](std::uint32_t v) { return std::to_string(v); }));
    plain(c, "source", source_text(n.source));
    std::string migrations;
    for (const Migration& m : n.migrations) {
        if (!migrations.empty()) migrations += ' ';
        migrations += std::to_string(m.from) + " -> " + std::to_string(m.to) + " { ";
        for (const MigrationStep& step : m.steps) migrations += step.text + "; ";
        migrations += '}';
    }
    plain(c, "migrate", migrations);
    plain(c, "write", write_text(n));
    plain(c, "coalesce",
          !n.coalesce       ? ""
          : n.coalesce_wait ? "wait " + spoken(*n.coalesce_wait)
                            : "yes");
    plain(c, "encrypt", n.encrypt ? "yes" : "");
    plain(c, "demote", n.demote ? "yes" : "");
    return out;
}

Item item_of(const Session& s) {
    Item out{"session", s.name, {}, s.where};
    plain(out.clauses, "store", s.store);
    plain(out.clauses, "ttl", ttl_text(s.ttl, {}));
    plain(out.clauses, "encrypt", s.encrypt ? "yes" : "");
    plain(out.clauses, "limit per user",
          !s.per_user ? "" : std::to_string(*s.per_user) + (s.refuse_more ? " then refuse" : ""));
    plain(out.clauses, "limit", s.limit_bytes ? size_text(*s.limit_bytes) : "");
    plain(out.clauses, "compress", compress_text(s.compress));
    std::vector<std::string> flags = s.cookie_flags;
    std::sort(flags.begin(), flags.end());
    plain(out.clauses, "cookie",
          s.cookie.empty() ? ""
                           : quoted(s.cookie) + (flags.empty() ? "" : " ") +
                                 list(
                                     flags, [](const auto& f) { return f; }, " "));
    return out;
}

std::string clock_text(std::uint16_t minutes) {
    const auto two = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    return two(minutes / 60) + ":" + two(minutes % 60);
}

std::string nameless(std::string_view text) {
    std::string out;
    bool inside = false;
    for (const char c : text) {
        if (c == '}') inside = false;
        if (!inside) out += c;
        if (c == '{') inside = true;
    }
    return out;
}

Item item_of(const Policy& policy, const Warm& w) {
    Item out{"warm",
             policy.namespaces[w.ns].name + (w.key.empty() ? "" : " " + quoted(w.key)),
             {},
             w.where};
    Clauses& c = out.clauses;
    plain(c, "enabled", w.enabled ? "" : "no");
    plain(c, "at startup", w.at_startup ? "yes" : "");
    plain(c, "every",
          !w.every ? "" : spoken(*w.every) + (w.jitter > 0 ? " jitter " + percent(w.jitter) : ""));
    plain(c, "between",
          !w.between ? "" : clock_text(w.between->first) + " and " + clock_text(w.between->second));
    std::vector<std::string> items;
    for (const WarmItem& i : w.items)
        items.push_back(quoted(i.key) + " from " + w.source + " " + quoted(i.address));
    std::sort(items.begin(), items.end());
    plain(c, "items", list(items, [](const auto& t) { return t; }));
    plain(c, "options", list(w.options, [](const Option& o) {
              return o.name + " " +
                     list(
                         o.values, [](const auto& v) { return v; }, " ");
          }));
    plain(c, "at most", w.at_once == 1 ? "" : std::to_string(w.at_once) + " at once");
    plain(c, "at most per second", w.per_second == 0 ? "" : std::to_string(w.per_second));
    plain(c, "priority", w.priority == 5 ? "" : std::to_string(w.priority));
    out.shape = policy.namespaces[w.ns].name + " " + nameless(w.key);
    plain(c, "learn",
          !w.learn_window ? ""
                          : spoken(*w.learn_window) + " at least " + std::to_string(w.learn_hits) +
                                " hits priority " + std::to_string(w.learn_priority));
    return out;
}

Item item_of(const Alert& a) {
    Item out{"alert", a.name, {}, a.where};
    std::vector<std::string> to;
    for (const auto& [kind, name] : a.to) to.push_back(name.empty() ? kind : kind + " " + name);
    std::sort(to.begin(), to.end());
    std::string when;
    for (const auto& all : a.when) {
        when += when.empty() ? "" : " or ";
        when += list(
            all,
            [](const Condition& c) {
                return c.metric + "(" + list(c.of, [](const auto& n) { return n; }) + ") " +
                       std::to_string(static_cast<int>(c.relation)) + " " +
                       std::to_string(c.value) + c.word;
            },
            " and ");
    }
    out.clauses.push_back({"when", a.text, when});
    plain(out.clauses, "for", a.hold.count() == 0 ? "" : spoken(a.hold));
    plain(out.clauses, "to", list(to, [](const auto& t) { return t; }));
    return out;
}

Item item_of(const Breaker& b) {
    Item out{"breaker", b.store, {}, b.where};
    plain(out.clauses, "open after", std::to_string(b.failures) + " failures");
    plain(out.clauses, "retry after", spoken(b.retry_after));
    plain(out.clauses, "probe", std::to_string(b.probes));
    plain(out.clauses, "ramp",
          b.ramp == 0 ? "none" : std::to_string(b.ramp) + " every " + spoken(b.ramp_step));
    return out;
}

// One for each thing that is guarded: where it stands in which block says nothing.
std::vector<Item> items_of(const Policy& policy, const Guards& guards) {
    std::vector<Item> out;
    for (const ShareGuard& g : guards.shares) {
        std::vector<std::string> names;
        for (const NamespaceIndex ns : g.namespaces) names.push_back(policy.namespaces[ns].name);
        std::sort(names.begin(), names.end());
        Item item{"guard",
                  std::string("refuse ") + (g.of == ShareGuard::Of::drop ? "drop" : "change") +
                      (names.empty() ? "" : " of " + list(names, [](const auto& n) { return n; })),
                  {},
                  g.where};
        item.clauses.push_back({"above", percent(g.above), std::to_string(g.above)});
        out.push_back(std::move(item));
    }
    for (const Alert& watch : guards.watches) {
        Item item{"guard", "watch " + watch.text, {}, watch.where};
        plain(item.clauses, "for", spoken(watch.hold));
        out.push_back(std::move(item));
    }
    return out;
}

// Several of one name (warm items may be) are told apart by their order.
using Items = std::map<std::pair<std::string, std::string>, std::vector<Item>>;

Items items_of(const Policy& policy) {
    Items out;
    const auto add = [&out](Item item) {
        auto& mine = out[{item.kind, item.shape.empty() ? item.name : item.shape}];
        mine.push_back(std::move(item));
    };
    for (const Namespace& n : policy.namespaces) add(item_of(policy, n));
    for (const Session& s : policy.sessions) add(item_of(s));
    for (const Warm& w : policy.warms)
        if (w.ns != none) add(item_of(policy, w));
    for (const Alert& a : policy.alerts) add(item_of(a));
    for (const Breaker& b : policy.breakers) add(item_of(b));
    for (Item& guard : items_of(policy, policy.guards)) add(std::move(guard));
    return out;
}

// What the change of a namespace leads to, in sentences.
class Consequences {
  public:
    Consequences(const Policy& before, const Policy& after, const Namespace& old,
                 const Namespace& now, ItemDifference& out)
        : before_(before), after_(after), old_(old), now_(now), out_(out) {}

    void work_out() {
        kept();
        if (changed("ttl") || changed("stale while revalidating") || changed("stale on error"))
            if (!out_.cold) say("entries that are kept already end when they were going to");
        tiers();
    }

  private:
    bool changed(std::string_view clause) const {
        return std::any_of(out_.clauses.begin(), out_.clauses.end(),
                           [&](const ClauseDifference& c) { return c.clause == clause; });
    }
    void say(std::string text) { out_.consequences.push_back(std::move(text)); }

    void kept() {
        if (!old_.key || !now_.key) return;
        const bool schema = old_.schema != now_.schema;
        const bool migrated =
            std::find(now_.accepts.begin(), now_.accepts.end(), old_.version) != now_.accepts.end();
        out_.cold = schema || (old_.version != now_.version && !migrated);
        if (schema) {
            say(changed("key") ? "entries of the old key are misses"
                : changed("tag") || changed("with")
                    ? "entries that are kept already carry other tags, so they are misses"
                : changed("patterns that rules drop")
                    ? "entries that are kept already are not known to the new patterns, so they "
                      "are misses"
                    : "entries that are kept already depend on something else, so they are misses");
        } else if (old_.version != now_.version) {
            say("entries of version " + std::to_string(old_.version) +
                (migrated ? " are migrated when they are read" : " are misses"));
        }
        lost_tags();
    }

    // Rules that go on dropping a tag which these entries no longer carry.
    void lost_tags() {
        if (!changed("tag")) return;
        const auto old = before_.find(old_.name), now = after_.find(now_.name);
        for (const Rule& rule : after_.rules)
            for (const Change& c : rule.changes) {
                if (c.kind != TargetKind::tag || reaches(after_, c, *now) ||
                    !reaches(before_, c, *old))
                    continue;
                say("`tag " + quoted(c.text.source) + "` of " + c.where.text() +
                    " finds none of its entries any more");
            }
    }

    void tiers() {
        if (!changed("tiers") || out_.cold || old_.tiers.empty() || now_.tiers.empty()) return;
        const auto has = [](const Namespace& n, const std::string& store) {
            return std::any_of(n.tiers.begin(), n.tiers.end(),
                               [&](const TierUse& t) { return t.enabled && t.store == store; });
        };
        for (const TierUse& t : old_.tiers)
            if (t.enabled && !has(now_, t.store))
                say("copies in `" + t.store + "` are not read any more");
        for (const TierUse& t : now_.tiers)
            if (t.enabled && !has(old_, t.store)) say("`" + t.store + "` begins empty for it");
    }

    const Policy &before_, &after_;
    const Namespace &old_, &now_;
    ItemDifference& out_;
};

bool dropped_by_some_rule(const Policy& policy, NamespaceIndex ns) {
    return std::any_of(policy.rules.begin(), policy.rules.end(), [&](const Rule& rule) {
        return std::any_of(rule.changes.begin(), rule.changes.end(),
                           [&](const Change& c) { return reaches(policy, c, ns); });
    });
}

class Differences {
  public:
    Differences(const Policy& before, const Policy& after) : before_(before), after_(after) {}

    std::vector<ItemDifference> run() {
        if (before_.profile != after_.profile)
            out_.push_back({"profile",
                            "",
                            Fate::changed,
                            {{"profile", before_.profile, after_.profile}},
                            {},
                            false,
                            {}});
        const Items old = items_of(before_), now = items_of(after_);
        std::map<std::pair<std::string, std::string>,
                 std::pair<const std::vector<Item>*, const std::vector<Item>*>>
            all;
        for (const auto& [name, items] : old) all[name].first = &items;
        for (const auto& [name, items] : now) all[name].second = &items;
        for (const auto& [name, both] : all) {
            const std::size_t before = both.first ? both.first->size() : 0;
            const std::size_t after = both.second ? both.second->size() : 0;
            for (std::size_t k = 0; k < std::max(before, after); ++k) {
                if (k >= after)
                    end((*both.first)[k]);
                else if (k >= before)
                    begin((*both.second)[k]);
                else
                    compare((*both.first)[k], (*both.second)[k]);
            }
        }
        undropped();
        return std::move(out_);
    }

  private:
    void begin(const Item& item) {
        out_.push_back({item.kind, item.name, Fate::added, {}, {}, false, item.where});
        if (item.kind == "namespace") out_.back().consequences.push_back("begins empty");
    }

    void end(const Item& item) {
        out_.push_back({item.kind, item.name, Fate::removed, {}, {}, false, item.where});
        if (item.kind != "namespace") return;
        out_.back().cold = true;
        out_.back().consequences.push_back("its entries cannot be read or put any more");
    }

    void compare(const Item& old, const Item& now) {
        ItemDifference d{now.kind, now.name, Fate::changed, {}, {}, false, now.where};
        for (std::size_t k = 0; k < now.clauses.size(); ++k) {
            if (old.clauses[k].meaning == now.clauses[k].meaning) continue;
            d.clauses.push_back({now.clauses[k].name, old.clauses[k].shown, now.clauses[k].shown});
        }
        if (now.kind == "namespace") {
            const Namespace& was = before_.namespaces[*before_.find(now.name)];
            const Namespace& is = after_.namespaces[*after_.find(now.name)];
            Consequences(before_, after_, was, is, d).work_out();
        }
        if (!d.clauses.empty() || d.cold) out_.push_back(std::move(d));
    }

    // Namespaces that rules dropped before, and none does now.
    void undropped() {
        for (NamespaceIndex i = 0; i < after_.namespaces.size(); ++i) {
            const Namespace& n = after_.namespaces[i];
            const auto old = before_.find(n.name);
            if (!old || !n.key || dropped_by_some_rule(after_, i) ||
                !dropped_by_some_rule(before_, *old))
                continue;
            const std::string what =
                "no rule drops its entries any more: they live " +
                (n.ttl ? "for " + spoken(n.ttl->ttl) : std::string("for ever"));
            const auto it = std::find_if(out_.begin(), out_.end(), [&n](const ItemDifference& d) {
                return d.kind == "namespace" && d.name == n.name;
            });
            if (it != out_.end())
                it->consequences.push_back(what);
            else
                out_.push_back({"namespace", n.name, Fate::changed, {}, {what}, false, n.where});
        }
    }

    const Policy &before_, &after_;
    std::vector<ItemDifference> out_;
};

}  // namespace

std::vector<ItemDifference> item_differences(const Policy& before, const Policy& after) {
    return Differences(before, after).run();
}

}  // namespace larder::dsl
