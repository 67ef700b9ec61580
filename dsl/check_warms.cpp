// dsl/check_warms.cpp -- warm items: what is fetched, when, and whether it lasts until the next
// time.
#include "dsl/automaton.hpp"
#include "dsl/check_clauses.hpp"
#include "dsl/check_run.hpp"
#include "dsl/check_sources.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

constexpr std::size_t max_items = 10'000;
constexpr std::uint32_t most_priority = 10;

bool is_variable(const Piece& p) {
    return p.kind == Piece::Kind::variable || p.kind == Piece::Kind::rest;
}

class WarmItems {
  public:
    WarmItems(Draft& draft, Values& values, const ast::Warm& node)
        : draft_(draft), values_(values), node_(node) {
        out_.where = draft.where(node.kw.at);
        out_.doc = documentation(draft.sources, node.kw.doc);
        out_.enabled = values.truth(node.enabled);
        if (node.key) out_.key = plain(*node.key);
    }

    Warm run() {
        if (const auto ns = draft_.known(node_.id)) out_.ns = *ns;
        for (const ast::WarmClause& c : node_.body) clause(c);
        if (out_.ns == none) return out_;
        names();
        expand();
        last_until_next();
        return out_;
    }

  private:
    void once(std::size_t kind, const char* word, Span at) {
        if (seen_.size() <= kind) seen_.resize(kind + 1);
        if (!seen_[kind].empty()) {
            draft_.say
                .error("L0205", at, ticked(word) + " is given twice in this `warm`", "second time")
                .more.push_back({seen_[kind], "first time"});
        }
        seen_[kind] = at;
    }

    void clause(const ast::WarmClause& c) {
        if (const auto* k = as<ast::StartupClause>(c)) {
            once(0, "at startup", k->kw.at);
            out_.at_startup = true;
            return;
        }
        if (const auto* k = as<ast::EveryClause>(c)) {
            once(1, "every", k->kw.at);
            out_.every = values_.positive(k->period);
            if (k->jitter) out_.jitter = values_.fraction(*k->jitter).value_or(0);
            every_ = k;
            return;
        }
        if (const auto* k = as<ast::BetweenClause>(c)) {
            once(2, "between", k->kw.at);
            out_.between.emplace(static_cast<std::uint16_t>(k->from.value),
                                 static_cast<std::uint16_t>(k->to.value));
            return;
        }
        if (const auto* k = as<ast::FromClause>(c)) {
            once(3, "from", k->kw.at);
            from(*k);
            return;
        }
        if (const auto* k = as<ast::ForClause>(c)) {
            loops_.push_back(k);
            return;
        }
        if (const auto* k = as<ast::AtMostClause>(c)) {
            once(k->per_second ? 6 : 4, k->per_second ? "at most per second" : "at most at once", k->kw.at);
            (k->per_second ? out_.per_second : out_.at_once) = values_.count(k->count, 1).value_or(1);
            return;
        }
        if (const auto* k = as<ast::PriorityClause>(c)) {
            once(7, "priority", k->kw.at);
            out_.priority = ranked(k->priority);
            return;
        }
        if (const auto* k = as<ast::LearnClause>(c)) {
            once(5, "learn", k->kw.at);
            if (!values_.truth(k->enabled)) return;
            out_.learn_window = values_.positive(k->window);
            out_.learn_hits = values_.count(k->hits, 1).value_or(1);
            if (k->priority) out_.learn_priority = ranked(*k->priority);
            return;
        }
        broken_ = true;
    }

    // From 0 to 10.
    std::uint32_t ranked(const ast::Scalar& given) {
        const auto value = values_.count(given).value_or(0);
        if (value > most_priority)
            draft_.say.error("L0232", given.at, "a priority is from 0 to 10", "more than 10");
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, most_priority));
    }

    void from(const ast::FromClause& k) {
        from_ = &k;
        out_.source = std::string(k.plugin.text);
        out_.options = options_of(draft_, values_, k.options);
        const Catalog* catalog = draft_.options.catalog;
        if (!catalog) return;
        if (std::find(catalog->sources.begin(), catalog->sources.end(), out_.source) !=
            catalog->sources.end())
            return;
        auto& d = draft_.say.warning(
            "L0325", k.plugin.at, "source " + ticked(out_.source) + " is not in " + catalog->file,
            "this item sleeps until it is");
        if (!catalog->sources.empty())
            d.notes.push_back("sources there: " + joined(catalog->sources));
    }

    // What texts may mention: the variables of `for`, then what the key itself names.
    void names() {
        for (const ast::ForClause* k : loops_) {
            const std::string name(k->var.text);
            if (std::find(names_.begin(), names_.end(), name) != names_.end()) {
                draft_.say.error("L0227", k->var.at, ticked(name) + " is given twice",
                                 "give it another name");
            }
            names_.push_back(name);
            for (const ast::Text& value : k->values) {
                if (value.pieces.size() > 1 ||
                    (!value.pieces.empty() && value.pieces[0].kind != ast::Piece::Kind::literal)) {
                    bind(draft_, value, {{}, "in this list"});
                }
            }
        }
        loop_names_ = names_.size();
        for (const std::string& p : draft_.policy.namespaces[out_.ns].parameters) {
            if (std::find(names_.begin(), names_.end(), p) == names_.end()) names_.push_back(p);
        }
    }

    void expand() {
        std::optional<Template> key, address;
        const Namespace& n = draft_.policy.namespaces[out_.ns];
        if (node_.key) {
            key = bind(draft_, *node_.key, {names_, "in this `warm`"});
            if (key && n.key && !has_star(*key) && !align(*key, *n.key)) misfit(*key, n);
        } else if (n.key && n.fields == 0) {
            key = n.key->pattern();
        }
        if (from_) address = bind(draft_, from_->address, {names_, "in this `warm`"});
        if (from_) out_.address = address_of(from_->address);
        out_.names.assign(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(loop_names_));
        std::size_t total = 1;
        for (const ast::ForClause* k : loops_) total *= std::max<std::size_t>(k->values.size(), 1);
        if (total > max_items) {
            draft_.say.error("L0232", loops_.back()->kw.at,
                             "these lists make " + std::to_string(total) + " items, at most " +
                                 std::to_string(max_items) + " are allowed");
            return;
        }
        for (std::size_t at = 0; at < total; ++at) {
            std::vector<std::string> values;
            std::size_t left = at;
            for (const ast::ForClause* k : loops_) {
                const std::size_t size = std::max<std::size_t>(k->values.size(), 1);
                values.push_back(k->values.empty() ? std::string() : plain(k->values[left % size]));
                left /= size;
            }
            WarmItem item;
            if (key && complete(*key)) item.key = filled(*key, values);
            if (address) item.address = filled(*address, values);
            item.values = std::move(values);
            out_.items.push_back(std::move(item));
        }
    }

    bool complete(const Template& t) const {
        return std::all_of(t.pieces.begin(), t.pieces.end(), [this](const Piece& p) {
            return !is_variable(p) || p.slot < loop_names_;
        });
    }

    // Raw, as a client writes it; what only the warmer can know stays in braces.
    std::string filled(const Template& t, const std::vector<std::string>& values) const {
        std::string out;
        for (const Piece& p : t.pieces) {
            if (!is_variable(p))
                out += p.kind == Piece::Kind::literal ? p.text
                       : p.kind == Piece::Kind::star  ? "*"
                                                      : "**";
            else if (p.slot < values.size())
                out += values[p.slot];
            else
                out += braced(p.text);
        }
        return out;
    }

    void misfit(const Template& key, const Namespace& n) {
        if (both_match(Automaton::of_text(as_pattern(key)), Automaton::of_text(n.key->pattern())))
            return;
        auto& d = draft_.say.warning("L0302", node_.key->at,
                                     "no key of " + ticked(n.name) + " can ever look like this",
                                     "nothing can be kept under it");
        d.more.push_back({draft_.spaces[out_.ns].key->at, "its keys look like this"});
    }

    void last_until_next() {
        const Namespace& n = draft_.policy.namespaces[out_.ns];
        const Space& space = draft_.spaces[out_.ns];
        if (!every_ || !out_.every || !n.ttl || *out_.every <= n.ttl->ttl || broken_) return;
        if (!space.ttl_fixed || !values_.fixed(every_->period)) return;
        auto& d = draft_.say.warning("L0306", every_->period.at,
                                     ticked(n.name) + " is cold between two warm-ups",
                                     "warmed every " + spoken(*out_.every));
        d.more.push_back({space.ttl_at, "but gone after " + spoken(n.ttl->ttl)});
        d.notes.push_back("cold for " + spoken(*out_.every - n.ttl->ttl) + " out of every " +
                          spoken(*out_.every));
    }

    Draft& draft_;
    Values& values_;
    const ast::Warm& node_;
    Warm out_;
    std::vector<Span> seen_;
    std::vector<const ast::ForClause*> loops_;
    std::vector<std::string> names_;
    std::size_t loop_names_ = 0;
    const ast::EveryClause* every_ = nullptr;
    const ast::FromClause* from_ = nullptr;
    bool broken_ = false;
};

}  // namespace

void check_warms(Draft& draft, Values& values) {
    for (const ast::Policy* tree : draft.trees) {
        for (const ast::Item& item : *tree) {
            if (const auto* node = as<ast::Warm>(item))
                draft.policy.warms.push_back(WarmItems(draft, values, *node).run());
        }
    }
}

}  // namespace larder::dsl
