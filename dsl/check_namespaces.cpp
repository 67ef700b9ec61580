// dsl/check_namespaces.cpp -- what every namespace is, with all that it inherits.
//
// From the outside in: a namespace begins as a copy of its parent (of `defaults`, when it has
// none), then come its own clauses, then those of the chosen profile. `tag` and `with` add, all
// else replaces.
#include "dsl/check_namespaces.hpp"

#include "dsl/check_clauses.hpp"
#include "dsl/check_sources.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>
#include <map>

namespace larder::dsl {

namespace {

class Namespaces {
  public:
    Namespaces(Draft& draft, Values& values)
        : draft_(draft), values_(values), clauses_(draft, values) {}

    void run() {
        for (const ast::Policy* tree : draft_.trees) collect(*tree);
        declare();
        check_profiles();
        std::vector<NamespaceIndex> order(draft_.spaces.size());
        for (NamespaceIndex i = 0; i < order.size(); ++i) order[i] = i;
        std::stable_sort(order.begin(), order.end(), [this](NamespaceIndex a, NamespaceIndex b) {
            return draft_.policy.namespaces[a].chain.size() <
                   draft_.policy.namespaces[b].chain.size();
        });
        for (const NamespaceIndex i : order) build(i);
        draft_.policy.index();
    }

  private:
    static constexpr std::size_t max_name = 256;

    struct Found {
        const ast::Namespace* node;
        std::string name;
    };

    void collect(const ast::Policy& tree) {
        for (const ast::Item& item : tree) {
            if (const auto* n = as<ast::Namespace>(item)) gather(*n, "", found_);
            if (const auto* d = as<ast::Defaults>(item)) defaults_.push_back(d);
            if (const auto* p = as_forward<ast::Profile>(item)) profiles_.push_back(p);
        }
    }

    static void gather(const ast::Namespace& n, const std::string& prefix,
                       std::vector<Found>& out) {
        const std::string name = prefix + std::string(n.id.text);
        out.push_back({&n, name});
        for (const ast::Clause& c : n.body) {
            if (const auto* child = as_forward<ast::Namespace>(c)) gather(*child, name + ".", out);
        }
    }

    // Indices, names, parents and chains.
    void declare() {
        Policy& policy = draft_.policy;
        std::map<std::string, NamespaceIndex, std::less<>> seen;
        for (const Found& f : found_) {
            if (f.name.size() > max_name) {
                draft_.say.error("L0236", f.node->id.at,
                                 "this name is longer than " + std::to_string(max_name) + " bytes");
                continue;
            }
            const auto index = static_cast<NamespaceIndex>(policy.namespaces.size());
            const auto [it, fresh] = seen.emplace(f.name, index);
            if (!fresh) {
                draft_.say
                    .error("L0201", f.node->id.at,
                           "namespace " + ticked(f.name) + " is declared twice", "again here")
                    .more.push_back({draft_.spaces[it->second].node->id.at, "first here"});
                continue;
            }
            Namespace n;
            n.name = f.name;
            n.doc = documentation(draft_.sources, f.node->kw.doc);
            n.where = draft_.where(f.node->kw.at);
            policy.namespaces.push_back(std::move(n));
            Space space;
            space.node = f.node;
            draft_.spaces.push_back(std::move(space));
        }
        for (NamespaceIndex i = 0; i < policy.namespaces.size(); ++i) {
            const std::string& name = policy.namespaces[i].name;
            for (std::size_t dot = name.rfind('.'); dot != std::string::npos && dot > 0;
                 dot = name.rfind('.', dot - 1)) {
                const auto it = seen.find(std::string_view(name).substr(0, dot));
                if (it == seen.end()) continue;
                policy.namespaces[i].parent = it->second;
                policy.namespaces[it->second].children.push_back(i);
                draft_.spaces[it->second].leaf = false;
                break;
            }
        }
        for (NamespaceIndex i = 0; i < policy.namespaces.size(); ++i) {
            for (NamespaceIndex at = i; at != none; at = policy.namespaces[at].parent) {
                policy.namespaces[i].chain.push_back(at);
            }
        }
        policy.index();
    }

    // Every profile is checked for what it may change; the chosen one is kept.
    void check_profiles() {
        std::vector<std::string> names;
        bool chosen = draft_.options.profile.empty();
        for (const ast::Profile* p : profiles_) {
            names.emplace_back(p->id.text);
            const bool mine = p->id.text == draft_.options.profile;
            chosen = chosen || mine;
            for (const ast::Item& item : p->body) {
                if (const auto* d = as<ast::Defaults>(item)) {
                    check_profile_body(*p, "the defaults", d->body);
                    if (mine) profile_defaults_.push_back(d);
                }
                const auto* n = as<ast::Namespace>(item);
                if (!n) continue;
                std::vector<Found> all;
                gather(*n, "", all);
                for (const Found& f : all) {
                    ast::Name whole{f.node->id.at, f.name};
                    const auto index = draft_.known(whole);
                    check_profile_body(*p, ticked(f.name), f.node->body);
                    if (index && mine) profile_layers_[*index].push_back(f.node);
                }
            }
        }
        if (chosen || draft_.incomplete) return;
        const Span begin{draft_.sources.file(FileId{0}).base(),
                         draft_.sources.file(FileId{0}).base()};
        auto& d = draft_.say.error(
            "L0219", begin,
            "profile " + ticked(draft_.options.profile) + " is not declared in this policy");
        if (!names.empty()) d.notes.push_back("declared: " + joined(names));
    }

    void check_profile_body(const ast::Profile& p, const std::string& whose,
                            const std::vector<ast::Clause>& body) {
        for (const ast::Clause& c : body) {
            boost::apply_visitor(
                [&](const auto& k) {
                    using T = std::decay_t<decltype(k)>;
                    constexpr bool allowed =
                        std::is_same_v<T, ast::TtlClause> || std::is_same_v<T, ast::StaleClause> ||
                        std::is_same_v<T, ast::TiersClause> ||
                        std::is_same_v<T, ast::LimitClause> || std::is_same_v<T, ast::Broken> ||
                        std::is_same_v<T, boost::spirit::x3::forward_ast<ast::Namespace>>;
                    if constexpr (!allowed) {
                        const Span at = keyword(k);
                        const std::string_view word = draft_.sources.text(at);
                        auto& d =
                            draft_.say.error("L0223", at,
                                             "profile " + ticked(p.id.text) + " changes the " +
                                                 ticked(word) + " of " + whose,
                                             "not in a profile");
                        if (word == "key" || word == "tag" || word == "with") {
                            d.notes.push_back(
                                "entries of the two profiles could not be told apart");
                        }
                        d.helps.push_back(
                            "a profile may change `ttl`, `stale`, `tiers` and `limit`");
                    }
                },
                c.get());
        }
    }

    template <class T>
    static Span keyword(const T& clause) {
        if constexpr (std::is_same_v<T, ast::FlagClause>) {
            return clause.what.at;
        } else if constexpr (std::is_same_v<T, ast::KeepClause>) {
            return boost::apply_visitor([](const auto& held) { return held.kw.at; }, clause.get());
        } else {
            return clause.kw.at;
        }
    }

    // ---- one namespace --------------------------------------------------------------------------

    void build(NamespaceIndex i) {
        Namespace& n = draft_.policy.namespaces[i];
        Space& space = draft_.spaces[i];
        if (n.parent != none) {
            inherit(draft_.policy.namespaces[n.parent], draft_.spaces[n.parent], n, space);
        } else {
            for (const ast::Defaults* d : defaults_)
                clauses_.apply(n, space, d->body, Layer::defaults);
            for (const ast::Defaults* d : profile_defaults_)
                clauses_.apply(n, space, d->body, Layer::defaults);
        }
        clauses_.apply(n, space, space.node->body, Layer::own);
        for (const ast::Namespace* p : profile_layers_[i]) {
            clauses_.apply(n, space, p->body, Layer::profile);
        }
        clauses_.check_tiers(n, space);
        shape(n, space);
    }

    static void inherit(const Namespace& from, const Space& from_space, Namespace& n,
                        Space& space) {
        n.ttl = from.ttl;
        n.absent = from.absent;
        n.stale_while_revalidating = from.stale_while_revalidating;
        n.stale_on_error = from.stale_on_error;
        n.tiers = from.tiers;
        n.compress = from.compress;
        n.limits = from.limits;
        n.evict = from.evict;
        n.refuse_above = from.refuse_above;
        n.never_store = from.never_store;
        n.log_misses = from.log_misses;
        n.version = from.version;
        n.accepts = from.accepts;
        n.migrations = from.migrations;
        n.write = from.write;
        n.write_delay = from.write_delay;
        n.coalesce = from.coalesce;
        n.coalesce_wait = from.coalesce_wait;
        n.is_static = from.is_static;
        n.encrypt = from.encrypt;
        n.demote = from.demote;
        space.key = from_space.key;
        space.with = from_space.with;
        space.depends = from_space.depends;
        space.source = from_space.source;
        space.write = from_space.write;
        space.ttl_at = from_space.ttl_at;
        space.ttl_fixed = from_space.ttl_fixed;
        space.version_at = from_space.version_at;
        space.migrate_at = from_space.migrate_at;
        space.dated = from_space.dated;
        space.broken = from_space.broken;
        for (const TagPlace& t : from_space.tags) space.tags.push_back({t.text, true});
    }

    // Key, parameters, tags, dated ttls.
    void shape(Namespace& n, Space& space) {
        const Span at = space.node->id.at;
        if (!space.key && space.leaf && !space.broken) {
            draft_.say
                .error("L0206", at, "namespace " + ticked(n.name) + " has no key",
                       "its entries cannot be told apart")
                .helps.push_back("add for example `key \"{id}\"`");
        }
        if (!space.key && space.leaf) return;
        if (space.key) shape_key(n, *space.key);
        for (const ast::Name* w : space.with) {
            const std::string name(w->text);
            if (std::find(n.parameters.begin(), n.parameters.end(), name) == n.parameters.end()) {
                n.parameters.push_back(name);
            }
        }
        if (!n.key) return;  // holds no entries itself; its children look at the tags
        shape_tags(n, space);
        shape_dates(n, space);
        shape_source(draft_, values_, n, space);
        check_separators(*space.key);
    }

    void shape_key(Namespace& n, const ast::Text& text) {
        if (!sound_key(draft_, text)) return;
        n.parameters = captures_of(draft_, text, false);
        n.fields = static_cast<std::uint16_t>(n.parameters.size());
        if (auto key = bind(draft_, text, {n.parameters, "in this key"}))
            n.key.emplace(std::move(*key));
    }

    void shape_tags(Namespace& n, const Space& space) {
        std::vector<std::string> seen;
        for (const TagPlace& t : space.tags) {
            const std::string place =
                t.inherited ? "in namespace " + ticked(n.name) + ", which inherits this tag"
                            : "in this namespace";
            auto tag = bind(draft_, *t.text, {n.parameters, place});
            if (!tag) continue;
            if (has_star(*tag)) {
                draft_.say.error("L0226", t.text->at, "a `*` cannot stand in a tag");
                continue;
            }
            if (std::find(seen.begin(), seen.end(), tag->source) != seen.end()) continue;
            seen.push_back(tag->source);
            const bool late =
                std::any_of(tag->pieces.begin(), tag->pieces.end(), [&n](const Piece& p) {
                    return p.kind != Piece::Kind::literal && p.slot >= n.fields;
                });
            (late ? n.late_tags : n.tags).push_back(std::move(*tag));
        }
    }

    void shape_dates(Namespace& n, const Space& space) {
        if (space.dated.empty()) return;
        if (!n.ttl) {
            draft_.say
                .error("L0233", space.dated[0].first->kw,
                       "every `ttl` of " + ticked(n.name) + " has a `when`",
                       "and if none of them holds?")
                .helps.push_back("add a `ttl` without `when`");
            return;
        }
        for (const auto& [clause, ttl] : space.dated) {
            const ast::DateCondition& when = *clause->when;
            const auto it = std::find(n.parameters.begin(), n.parameters.end(), when.capture.text);
            if (it == n.parameters.end()) {
                auto& d = draft_.say.error("L0203", when.capture.at,
                                           "nothing gives " + ticked(braced(when.capture.text)) +
                                               " a value in this namespace",
                                           "unbound capture");
                d.notes.push_back("bound here: " + joined(n.parameters));
                continue;
            }
            DatedTtl dated;
            dated.slot = static_cast<std::uint16_t>(it - n.parameters.begin());
            dated.when = when.relation.value == ast::DateRelation::before ? DatedTtl::When::before
                         : when.relation.value == ast::DateRelation::on   ? DatedTtl::When::on
                                                                          : DatedTtl::When::after;
            dated.ttl = ttl;
            if (when.distance) dated.days = days_of(*when.distance, when.later);
            n.ttl->dated.push_back(dated);
        }
    }

    std::int32_t days_of(const ast::Scalar& distance, bool later) {
        const auto value = values_.duration(distance);
        if (!value) return 0;
        constexpr std::int64_t day = 86'400'000;
        if (value->count() % day != 0) {
            draft_.say
                .error("L0233", distance.at, "a date is days away, not hours", "whole days only")
                .helps.push_back("write for example `7d`");
        }
        const auto days = static_cast<std::int32_t>(value->count() / day);
        return later ? days : -days;
    }

    // `{a}-{b}`: "x-y" and "z" make the key that "x" and "y-z" make.
    void check_separators(const ast::Text& key) {
        for (std::size_t k = 1; k + 1 < key.pieces.size(); ++k) {
            const ast::Piece& p = key.pieces[k];
            if (p.kind != ast::Piece::Kind::literal || p.text.find(':') != p.text.npos) continue;
            if (key.pieces[k - 1].kind == ast::Piece::Kind::literal) continue;
            if (key.pieces[k + 1].kind == ast::Piece::Kind::literal) continue;
            auto& d = draft_.say.warning(
                "L0318", draft_.span_of(p.text, key.at),
                "a value may contain " + ticked(p.text) + ", so two entries could meet in one key",
                "parts two fields");
            d.helps.push_back("part fields with `:`, which is escaped in values");
        }
    }

    Draft& draft_;
    Values& values_;
    std::vector<Found> found_;
    std::vector<const ast::Defaults*> defaults_, profile_defaults_;
    std::vector<const ast::Profile*> profiles_;
    std::map<NamespaceIndex, std::vector<const ast::Namespace*>> profile_layers_;
    Clauses clauses_;
};

}  // namespace

void check_namespaces(Draft& draft, Values& values) { Namespaces(draft, values).run(); }

}  // namespace larder::dsl
