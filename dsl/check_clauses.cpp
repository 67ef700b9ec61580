// dsl/check_clauses.cpp -- laying statements over a namespace, one layer after the other.
#include "dsl/check_clauses.hpp"

#include "dsl/check_migrations.hpp"
#include "dsl/check_sources.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

// No namespace needs more, and each is copied to all namespaces below.
constexpr std::size_t max_of_each = 32;
// An envelope has 16 bits for it.
constexpr std::uint32_t most_versions = 65535;

// RFC 9110: of a field's name, in lower case.
bool is_token_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

bool Clauses::fits(std::size_t size, Span at, const char* code, const char* what) {
    if (size < max_of_each) return true;
    draft_.say.error(code, at,
                     "a namespace has at most " + std::to_string(max_of_each) + " " + what);
    return false;
}

void Clauses::once(Seen& seen, const std::string& what, Span at, const std::string& whose) {
    const auto [it, fresh] = seen.emplace(what, at);
    if (fresh) return;
    draft_.say
        .error("L0205", at, ticked(draft_.sources.text(at)) + " is given twice in " + whose,
               "second time")
        .more.push_back({it->second, "first time"});
}

void Clauses::apply(Namespace& n, Space& space, const std::vector<ast::Clause>& body, Layer layer) {
    const std::string whose = layer == Layer::defaults ? "`defaults`" : ticked(n.name);
    Seen seen;
    bool ttl_begun = false, limits_begun = false, depends_begun = false;
    if (layer != Layer::profile) forget_migrations(n, space, body);
    for (const ast::Clause& c : body) {
        if (as<ast::Broken>(c)) {
            space.broken = true;
            continue;
        }
        if (const auto* k = as<ast::KeyClause>(c)) {
            once(seen, "key", k->kw, whose);
            if (layer != Layer::profile) space.key = &k->pattern;
            continue;
        }
        if (const auto* k = as<ast::TagClause>(c)) {
            if (layer == Layer::profile) continue;
            for (const ast::Text& t : k->tags) {
                if (!fits(space.tags.size(), t.at, "L0229", "tags")) break;
                space.tags.push_back({&t, layer == Layer::defaults});
            }
            continue;
        }
        if (const auto* k = as<ast::WithClause>(c)) {
            if (layer == Layer::profile) continue;
            for (const ast::Name& w : k->names) {
                if (!fits(space.with.size(), w.at, "L0228", "`with` values")) break;
                space.with.push_back(&w);
            }
            continue;
        }
        if (const auto* k = as<ast::TtlClause>(c)) {
            if (!k->when) once(seen, "ttl", k->kw, whose);
            apply_ttl(n, space, *k, ttl_begun);
            continue;
        }
        if (const auto* k = as<ast::LimitClause>(c)) {
            apply_limit(n, *k, limits_begun, seen, whose);
            continue;
        }
        if (const auto* k = as<ast::DependsClause>(c)) {
            if (layer == Layer::profile) continue;
            if (!depends_begun) space.depends.clear();
            depends_begun = true;
            if (fits(space.depends.size(), k->kw, "L0229", "dependencies")) {
                space.depends.push_back({k, none, {}});
            }
            continue;
        }
        if (const auto* k = as<ast::TiersClause>(c)) {
            once(seen, "tiers", k->kw, whose);
            apply_tiers(n, *k);
            if (layer == Layer::own) own_tiers_ = k;
            continue;
        }
        if (const auto* k = as<ast::StaleClause>(c)) {
            once(seen, "stale", k->kw, whose);
            apply_stale(n, *k);
            continue;
        }
        if (const auto* k = as<ast::MigrateClause>(c)) {
            const auto is_broken = [](const ast::MigrateStep& step) {
                return as<ast::Broken>(step) != nullptr;
            };
            if (std::any_of(k->steps.begin(), k->steps.end(), is_broken)) space.broken = true;
            if (layer == Layer::profile || !fits(n.migrations.size(), k->kw, "L0229", "migrations"))
                continue;
            n.migrations.push_back(migration_of(draft_, values_, *k));
            space.migrate_at.push_back(k->kw);
            continue;
        }
        if (const auto* k = as<ast::VersionClause>(c)) space.version_at = k->kw;
        apply_rest(n, space, c, seen, whose, layer);
    }
}

void Clauses::apply_ttl(Namespace& n, Space& space, const ast::TtlClause& k, bool& begun) {
    if (k.when) {
        if (!begun) space.dated.clear();
        begun = true;
        if (const auto ttl = values_.positive(k.ttl)) space.dated.emplace_back(&k, *ttl);
        return;
    }
    if (!begun) space.dated.clear();
    begun = true;
    n.ttl = ttl_of(values_, k, draft_);
    space.ttl_at = k.ttl.at;
    space.ttl_fixed = values_.fixed(k.ttl);
    if (n.ttl->ttl.count() == 0) n.ttl.reset();  // said already
}

void Clauses::apply_limit(Namespace& n, const ast::LimitClause& k, bool& begun, Seen& seen,
                          const std::string& whose) {
    const std::string store = k.store ? std::string(k.store->text) : std::string();
    once(seen, std::string("limit ") + (k.entries ? "entries " : "bytes ") + store, k.kw, whose);
    if (!begun) n.limits.clear();
    begun = true;
    if (k.store) check_store(draft_, k.store->text, k.store->at);
    auto it = std::find_if(n.limits.begin(), n.limits.end(),
                           [&](const Limit& l) { return l.store == store; });
    if (it == n.limits.end()) it = n.limits.insert(it, Limit{store, 0, 0});
    if (k.entries) {
        it->entries = values_.count(k.amount, 1).value_or(0);
    } else {
        it->bytes = values_.size(k.amount).value_or(0);
    }
}

void Clauses::apply_tiers(Namespace& n, const ast::TiersClause& k) {
    n.tiers.clear();
    for (const ast::Tier& t : k.tiers) {
        TierUse use;
        use.store = std::string(t.store.text);
        check_store(draft_, use.store, t.store.at);
        for (const TierUse& other : n.tiers) {
            if (other.store != use.store) continue;
            draft_.say.error("L0230", t.store.at,
                             "store " + ticked(use.store) + " stands twice in these tiers");
        }
        if (t.ttl) use.ttl = values_.positive(*t.ttl);
        use.enabled = values_.truth(t.enabled);
        n.tiers.push_back(std::move(use));
    }
}

void Clauses::apply_stale(Namespace& n, const ast::StaleClause& k) {
    n.stale_while_revalidating.reset();
    n.stale_on_error.reset();
    for (const ast::StalePart& part : k.parts) {
        auto& window = part.when.value == ast::StaleWhen::error ? n.stale_on_error
                                                                : n.stale_while_revalidating;
        if (window) {
            draft_.say.error(
                "L0205", part.when.at,
                ticked(draft_.sources.text(part.when.at)) + " is given twice in this `stale`",
                "second time");
        }
        window = values_.duration(part.window);
    }
}

void Clauses::apply_rest(Namespace& n, Space& space, const ast::Clause& c, Seen& seen,
                         const std::string& whose, Layer layer) {
    if (layer == Layer::profile) return;  // said by check_profile_body
    if (const auto* k = as<ast::AbsentClause>(c)) {
        once(seen, "absent", k->kw, whose);
        n.absent = values_.positive(k->ttl);
        return;
    }
    if (const auto* k = as<ast::CompressClause>(c)) {
        once(seen, "compress", k->kw, whose);
        n.compress = compression_of(draft_, values_, *k);
        return;
    }
    if (const auto* k = as<ast::LogClause>(c)) {
        once(seen, "log", k->kw, whose);
        n.log_misses = k->slower ? values_.duration(*k->slower).value_or(Ms{}) : Ms{};
        return;
    }
    const auto* const kept = as<ast::KeepClause>(c);
    if (const auto* k = kept == nullptr ? nullptr : as<ast::EvictClause>(*kept)) {
        once(seen, "evict", k->kw, whose);
        n.evict = static_cast<EvictOrder>(k->order.value);
        return;
    }
    if (const auto* k = kept == nullptr ? nullptr : as<ast::NeverStoreClause>(*kept)) {
        n.never_store.push_back(withheld_by(draft_, *k));
        return;
    }
    if (const auto* k = as<ast::RefuseClause>(c)) {
        once(seen, "refuse", k->kw, whose);
        n.refuse_above = values_.size(k->above);
        return;
    }
    if (const auto* k = as<ast::VersionClause>(c)) {
        once(seen, "version", k->kw, whose);
        apply_version(n, *k);
        return;
    }
    if (const auto* k = as<ast::SourceClause>(c)) {
        once(seen, "source", k->kw, whose);
        space.source = k;
        return;
    }
    if (const auto* k = as<ast::WriteClause>(c)) {
        once(seen, "write", k->kw, whose);
        space.write = k;
        n.write = k->mode.value == ast::WriteMode::through  ? WriteMode::through
                  : k->mode.value == ast::WriteMode::behind ? WriteMode::behind
                                                            : WriteMode::aside;
        n.write_delay = k->delay ? values_.duration(*k->delay).value_or(Ms{}) : Ms{};
        return;
    }
    if (const auto* k = as<ast::FlagClause>(c)) {
        once(seen, std::string(draft_.sources.text(k->what.at)), k->what.at, whose);
        if (k->what.value == ast::Flag::fixed) n.is_static = true;
        if (k->what.value == ast::Flag::encrypt) n.encrypt = true;
        if (k->what.value == ast::Flag::demote) n.demote = true;
        if (k->what.value == ast::Flag::coalesce) {
            n.coalesce = true;
            n.coalesce_wait.reset();
            if (k->wait) n.coalesce_wait = values_.positive(*k->wait);
        }
    }
}

void Clauses::forget_migrations(Namespace& n, Space& space, const std::vector<ast::Clause>& body) {
    const auto speaks = [](const ast::Clause& c) {
        return as<ast::VersionClause>(c) != nullptr || as<ast::MigrateClause>(c) != nullptr;
    };
    if (std::none_of(body.begin(), body.end(), speaks)) return;
    n.migrations.clear();
    space.migrate_at.clear();
}

void Clauses::apply_version(Namespace& n, const ast::VersionClause& k) {
    const auto number = values_.count(k.number, 1);
    n.version = number.value_or(1);
    if (n.version > most_versions) {
        draft_.say.error("L0232", k.number.at,
                         "a version is at most " + std::to_string(most_versions));
    }
    n.accepts.clear();
    for (const ast::Scalar& a : k.accepts) {
        const auto version = values_.count(a, 1);
        if (!version) continue;
        if (number && *version >= *number) {
            draft_.say.error("L0232", a.at,
                             "an accepted version must be older than " + std::to_string(n.version));
        }
        n.accepts.push_back(*version);
    }
}

void Clauses::check_tiers(const Namespace& n, const Space& space) {
    const ast::TiersClause* own = own_tiers_;
    own_tiers_ = nullptr;
    if (!own || !n.ttl || !space.ttl_fixed || own->tiers.size() != n.tiers.size()) return;
    for (std::size_t k = 0; k < own->tiers.size(); ++k) {
        const TierUse& use = n.tiers[k];
        if (use.store != own->tiers[k].store.text || !use.ttl || !own->tiers[k].ttl) continue;
        if (*use.ttl <= n.ttl->ttl || !values_.fixed(*own->tiers[k].ttl)) continue;
        draft_.say
            .error("L0212", own->tiers[k].ttl->at,
                   "a copy in " + ticked(use.store) + " may not outlive the entry",
                   spoken(*use.ttl) + " in " + use.store)
            .more.push_back({space.ttl_at, "but the entry lives " + spoken(n.ttl->ttl)});
    }
}

void check_store(Draft& draft, std::string_view name, Span at) {
    const Catalog* catalog = draft.options.catalog;
    if (!catalog) return;
    std::vector<std::string> names;
    std::string shown;
    for (const Catalog::Store& s : catalog->stores) {
        if (s.name == name) return;
        names.push_back(s.name);
        shown += (shown.empty() ? "" : ", ") + s.name + " (" + s.plugin + ")";
    }
    const std::string message = "store " + ticked(name) + " is not in " + catalog->file;
    auto& d = draft.options.allow_missing ? draft.say.warning("L0207", at, message)
                                          : draft.say.error("L0207", at, message);
    d.notes.push_back(shown.empty() ? "no store is configured there" : "stores there: " + shown);
    if (const std::string near = meant(name, names); !near.empty()) {
        d.primary.text = "did you mean " + ticked(near) + "?";
        d.fix = Fix{at, near};
    }
}

void check_codec(Draft& draft, const Compression& c, Span at,
                 const std::vector<ast::Option>& options) {
    const Catalog* catalog = draft.options.catalog;
    if (!catalog || c.codec.empty()) return;
    std::vector<std::string> names;
    for (const Catalog::Codec& codec : catalog->codecs) names.push_back(codec.name);
    if (c.codec == "auto" && !names.empty()) {  // any of them, at any level
        if (!options.empty())
            draft.say.error("L0208", options.front().id.at, "`auto` takes no options: codec and level are what it chooses");
        return;
    }
    const auto it = std::find(names.begin(), names.end(), c.codec);
    if (it == names.end()) {
        const std::string message = "codec " + ticked(c.codec) + " is not loaded";
        auto& d = draft.options.allow_missing ? draft.say.warning("L0208", at, message)
                                              : draft.say.error("L0208", at, message);
        d.notes.push_back(names.empty() ? "no codec is loaded" : "codecs here: " + joined(names));
        if (const std::string near = meant(c.codec, names); !near.empty()) {
            d.primary.text = "did you mean " + ticked(near) + "?";
        }
        return;
    }
    const Catalog::Codec& codec = catalog->codecs[static_cast<std::size_t>(it - names.begin())];
    for (std::size_t k = 0; k < c.options.size() && k < options.size(); ++k) {
        const Option& o = c.options[k];
        std::string complaint;
        if (std::find(codec.options.begin(), codec.options.end(), o.name) == codec.options.end()) {
            const std::string near = meant(o.name, codec.options);
            complaint =
                near.empty() ? "there is no such option" : "did you mean " + ticked(near) + "?";
        } else if (codec.check_option) {
            complaint = codec.check_option(o.name, o.values);
        }
        if (complaint.empty()) continue;
        auto& d = draft.say.error(
            "L0208", options[k].id.at,
            "option " + ticked(o.name) + " of " + ticked(c.codec) + ": " + complaint);
        if (!codec.options.empty()) d.notes.push_back("options: " + joined(codec.options));
    }
}

Ttl ttl_of(Values& values, const ast::TtlClause& clause, const Draft& draft) {
    Ttl out;
    out.ttl = values.positive(clause.ttl).value_or(Ms{});
    if (clause.jitter) out.jitter = values.fraction(*clause.jitter).value_or(0);
    out.sliding = clause.sliding;
    if (clause.at_most) out.at_most = values.positive(*clause.at_most).value_or(Ms{});
    out.doc = documentation(draft.sources, clause.kw.doc);
    return out;
}

std::vector<Option> options_of(Draft& draft, Values& values,
                               const std::vector<ast::Option>& options) {
    std::vector<Option> out;
    for (const ast::Option& o : options) {
        Option option{std::string(o.id.text), {}, draft.where(o.id.at)};
        for (const ast::Scalar& v : o.values) option.values.push_back(values.option(v));
        out.push_back(std::move(option));
    }
    return out;
}

NeverStore withheld_by(Draft& draft, const ast::NeverStoreClause& clause) {
    NeverStore out;
    out.where = draft.where(clause.kw.at);
    out.strip = clause.strip;
    out.what = clause.what.value == ast::Withheld::key      ? NeverStore::What::key
               : clause.what.value == ast::Withheld::header ? NeverStore::What::header
                                                            : NeverStore::What::json;
    const auto wrong = [&](Span at, std::string message, const char* help) {
        draft.say.error("L0241", at, std::move(message), "this cannot be kept out").helps.push_back(help);
    };
    if (out.strip && out.what == NeverStore::What::key)
        wrong(clause.kw.at, "nothing is left of an entry without its key", "take `then strip` away: such entries are refused");
    for (const ast::Text& text : clause.names) {
        std::string name = address_of(text);
        const bool is_plain = std::all_of(text.pieces.begin(), text.pieces.end(), [&](const ast::Piece& p) {
            const bool is_star = p.kind == ast::Piece::Kind::star || p.kind == ast::Piece::Kind::deep;
            return p.kind == ast::Piece::Kind::literal || (is_star && out.what == NeverStore::What::key);
        });
        if (name.empty() || !is_plain) {
            wrong(text.at, "a name is a plain text", "write it as it stands; in a key `*` is any text");
        } else if (out.what == NeverStore::What::header) {
            for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            if (!std::all_of(name.begin(), name.end(), is_token_byte))
                wrong(text.at, "no header has a field of this name", "letters, digits and `-`");
        } else if (out.what == NeverStore::What::json) {
            if (name.front() == '.' || name.back() == '.' || name.find("..") != std::string::npos)
                wrong(text.at, "a member without a name", "write `card.cvv` for the member `cvv` of `card`");
        }
        out.names.push_back(std::move(name));
    }
    return out;
}

Compression compression_of(Draft& draft, Values& values, const ast::CompressClause& clause) {
    Compression out;
    out.where = draft.where(clause.kw.at);
    out.codec = values.name(clause.codec);
    if (out.codec == "none" || !values.truth(clause.enabled)) out.codec.clear();
    if (clause.above) out.above_bytes = values.size(*clause.above).value_or(0);
    for (const ast::Text& t : clause.except) out.except.push_back(plain(t));
    out.options = options_of(draft, values, clause.options);
    check_codec(draft, out, clause.codec.at, clause.options);
    return out;
}

}  // namespace larder::dsl
