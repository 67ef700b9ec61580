// dsl/mutations.cpp -- where a policy can be changed by one decision.
#include "dsl/mutations.hpp"

#include "dsl/check_values.hpp"
#include "dsl/parser.hpp"

#include <algorithm>
#include <utility>

namespace larder::dsl {

namespace {

Span span_of(const ast::Target& target) {
    if (const auto* tag = as<ast::TagTarget>(target)) return cover(tag->kw, tag->tag.at);
    if (const auto* all = as<ast::EverythingTarget>(target)) return all->at;
    const auto* ns = as<ast::NsTarget>(target);
    return ns->key ? cover(ns->ns.at, ns->key->at) : ns->ns.at;
}

class Finder {
  public:
    Finder(const Compiled& compiled, const CompileOptions& options)
        : sources_(*compiled.sources), draft_{sources_, options, Findings(ignored_), {}},
          values_(draft_) {
        for (std::size_t i = 0; i < sources_.files(); ++i)
            parsed_.push_back(parse(sources_, FileId{static_cast<std::uint32_t>(i)}));
        for (const Parsed& one : parsed_) draft_.trees.push_back(&one.tree);
        values_.declare_all();
    }

    std::vector<Mutation> find() {
        for (const ast::Item& item : parsed_.front().tree) {
            if (const auto* rule = as<ast::Rule>(item)) in_rule(*rule);
            if (const auto* ns = as<ast::Namespace>(item)) in_clauses(ns->body);
            if (const auto* defaults = as<ast::Defaults>(item)) in_clauses(defaults->body);
            if (const auto* breaker = as<ast::Breaker>(item)) in_breaker(*breaker);
            const auto* profile = as_forward<ast::Profile>(item);
            if (profile == nullptr) continue;
            for (const ast::Item& inner : profile->body) {
                if (const auto* ns = as<ast::Namespace>(inner)) in_clauses(ns->body);
                if (const auto* defaults = as<ast::Defaults>(inner)) in_clauses(defaults->body);
            }
        }
        return std::move(out_);
    }

  private:
    std::string text(Span at) const {
        std::string out(sources_.text(at));
        std::replace(out.begin(), out.end(), '\n', ' ');
        return out;
    }

    void add(Span at, std::string replacement, std::string says, Span shown) {
        out_.push_back({at, std::move(replacement), std::move(says), draft_.where(shown), shown});
    }
    // Takes `at` away. A newline in it goes, too: a list is in it that goes on behind it.
    void without(Span at, const std::string& says, Span shown) {
        add(at, " ", "without `" + says + "`", shown);
    }
    // One of a list; `whole` goes when it is the only one.
    void without_one(const std::vector<Span>& list, std::size_t i, Span whole,
                     const std::string& says) {
        if (list.size() == 1) without(whole, says, list[i]);
        else if (i == 0)
            without({list[0].begin, list[1].begin}, says, list[0]);
        else
            without({list[i - 1].end, list[i].end}, says, list[i]);
    }

    // ---- rules

    void in_rule(const ast::Rule& rule) {
        if (const auto* http = as<ast::HttpTrigger>(rule.when)) in_trigger(*http);
        for (const ast::Action& action : rule.body) {
            if (const auto* drop = as<ast::DropAction>(action)) in_drop(*drop);
            if (const auto* serve = as<ast::ServeAction>(action)) in_serve(*serve);
            if (const auto* warm = as<ast::WarmAction>(action)) {
                std::vector<Span> names;
                for (const ast::Name& name : warm->ids) names.push_back(name.at);
                each(names, warm->kw, "warm ");
            }
            if (const auto* end = as<ast::EndAction>(action)) {
                const Span whole = cover(end->kw, end->user.at);
                without(whole, text(whole), whole);
            }
        }
    }

    void each(const std::vector<Span>& list, Span head, const std::string& word) {
        for (std::size_t i = 0; i < list.size(); ++i)
            without_one(list, i, cover(head, list.back()), word + text(list[i]));
    }

    void in_trigger(const ast::HttpTrigger& http) {
        std::vector<Span> methods, statuses;
        for (const ast::Name& method : http.methods) methods.push_back(method.at);
        for (const ast::Status& status : http.status) statuses.push_back(status.at);
        if (methods.size() > 1)
            for (std::size_t i = 0; i < methods.size(); ++i)
                without_one(methods, i, {}, text(methods[i]));
        if (statuses.empty()) return;
        if (statuses.size() > 1)
            for (std::size_t i = 0; i < statuses.size(); ++i)
                without_one(statuses, i, {}, "status " + text(statuses[i]));
        // Back to what a rule fires on that names no status: 2xx and 3xx.
        without({http.route.at.end, statuses.back().end}, "status " + text(cover(statuses.front(), statuses.back())),
                cover(statuses.front(), statuses.back()));
    }

    void in_drop(const ast::DropAction& drop) {
        std::vector<Span> targets;
        for (const ast::Target& target : drop.targets) targets.push_back(span_of(target));
        each(targets, drop.what.at, text(drop.what.at) + " ");
        if (drop.what.value != ast::Verb::drop)
            add(drop.what.at, "drop", "`drop` instead of `" + text(drop.what.at) + "`",
                drop.what.at);
    }

    void in_serve(const ast::ServeAction& serve) {
        const Span served = serve.key ? cover(serve.ns.at, serve.key->at) : serve.ns.at;
        std::vector<Span> guards;
        for (const ast::Guard& guard : serve.unless)
            guards.push_back(cover(guard.from.at, guard.field.at));
        const Span whole = cover(serve.kw, guards.empty() ? served : guards.back());
        without(whole, text(cover(serve.kw, served)), whole);
        for (std::size_t i = 0; i < guards.size(); ++i)
            without_one(guards, i, {served.end, guards.back().end}, "unless " + text(guards[i]));
    }

    // ---- namespaces

    void in_clauses(const std::vector<ast::Clause>& body) {
        for (const ast::Clause& clause : body) {
            if (const auto* tag = as<ast::TagClause>(clause)) {
                std::vector<Span> tags;
                for (const ast::Text& one : tag->tags) tags.push_back(one.at);
                each(tags, tag->kw, "tag ");
            }
            if (const auto* depends = as<ast::DependsClause>(clause)) {
                const Span whole =
                    cover(depends->kw, depends->key ? depends->key->at : depends->on.at);
                without(whole, text(whole), whole);
            }
            if (const auto* absent = as<ast::AbsentClause>(clause)) {
                const Span whole = cover(absent->kw, absent->ttl.at);
                without(whole, text(whole), whole);
            }
            if (const auto* stale = as<ast::StaleClause>(clause)) in_stale(*stale);
            if (const auto* ttl = as<ast::TtlClause>(clause)) in_ttl(*ttl);
            if (const auto* tiers = as<ast::TiersClause>(clause)) {
                for (const ast::Tier& tier : tiers->tiers)
                    if (tier.ttl) other_duration(*tier.ttl, "`" + std::string(tier.store.text) + "`");
            }
            if (const auto* inner = as_forward<ast::Namespace>(clause)) in_clauses(inner->body);
        }
    }

    void in_stale(const ast::StaleClause& stale) {
        std::vector<Span> parts;
        for (const ast::StalePart& part : stale.parts) {
            // `on error` and `while revalidating` are two words, of which the second is known.
            parts.push_back(cover(part.window.at, part.when.at));
        }
        each(parts, stale.kw, "stale ");
    }

    void in_ttl(const ast::TtlClause& ttl) {
        if (ttl.when) {
            const Span end = ttl.when->distance ? ttl.when->distance->at : ttl.when->today.at;
            const Span whole = cover(ttl.kw, end);
            without(whole, text(whole), whole);
        }
        other_duration(ttl.ttl, "`ttl`");
    }

    // Twice and half as long.
    void other_duration(const ast::Scalar& scalar, const std::string& what) {
        const auto is = values_.positive(scalar);
        if (!is) return;
        for (const Ms other : {*is * 2, *is / 2}) {
            if (other.count() == 0) continue;
            add(scalar.at, std::to_string(other.count()) + "ms",
                what + " " + spoken(other) + " instead of " + spoken(*is), scalar.at);
        }
    }

    // ---- breakers

    void in_breaker(const ast::Breaker& breaker) {
        for (const ast::BreakerItem& item : breaker.body) {
            const auto* clause = as<ast::BreakerClause>(item);
            if (clause == nullptr) continue;
            if (clause->part.value == ast::BreakerPart::retry) other_duration(clause->amount, "`retry after`");
            if (clause->part.value != ast::BreakerPart::open) continue;
            const auto is = values_.count(clause->amount, 1);
            if (!is) continue;
            for (const std::uint32_t other : {*is + 1, *is - 1}) {
                if (other == 0) continue;
                add(clause->amount.at, std::to_string(other),
                    "open after " + std::to_string(other) + " failures instead of " +
                        std::to_string(*is),
                    clause->amount.at);
            }
        }
    }

    const SourceMap& sources_;
    std::vector<Diagnostic> ignored_;
    std::vector<Parsed> parsed_;
    Draft draft_;
    Values values_;
    std::vector<Mutation> out_;
};

}  // namespace

std::vector<Mutation> mutations_of(const Compiled& compiled, const CompileOptions& options) {
    if (compiled.sources == nullptr || compiled.sources->files() == 0) return {};
    return Finder(compiled, options).find();
}

std::string mutated(const SourceMap& sources, const Mutation& mutation) {
    const Source& file = sources.file(FileId{0});
    std::string out(file.text());
    out.replace(mutation.at.begin - file.base(), mutation.at.size(), mutation.replacement);
    return out;
}

}  // namespace larder::dsl
