// dsl/check_guards.cpp -- guards: shares that can be exceeded, metrics that exist.
//
// Guards may stand in several files of a policy; all of them hold.
#include "dsl/check_clauses.hpp"
#include "dsl/check_run.hpp"
#include "dsl/check_texts.hpp"

namespace larder::dsl {
namespace {

// Of a watch without `for`.
constexpr Ms usual_hold{30'000};

void take_share(Draft& draft, Values& values, const ast::RefuseShare& node) {
    ShareGuard out;
    out.of = node.what.value == ast::Guarded::drop ? ShareGuard::Of::drop : ShareGuard::Of::change;
    out.where = draft.where(node.kw.at);
    Span text = cover(node.kw.at, node.above.at);
    const auto above = values.fraction(node.above);
    if (above && *above >= 1)
        draft.say
            .error("L0232", node.above.at, "this guard never refuses anything",
                   "nothing drops more than all there is")
            .helps.push_back("write for example `above 50%`");
    out.above = above.value_or(0);
    for (const ast::Name& name : node.of) {
        text = cover(text, name.at);
        if (const auto ns = draft.known(name)) out.namespaces.push_back(*ns);
    }
    out.text = std::string(draft.sources.text(text));
    draft.policy.guards.shares.push_back(std::move(out));
}

void take_watch(Draft& draft, Values& values, const ast::WatchClause& node) {
    for (const ast::WatchPart& part : node.parts) {
        Alert out;
        out.where = draft.where(node.kw.at);
        out.when = conditions_of(draft, values, part.when, out.text);
        out.hold = usual_hold;
        if (part.hold) out.hold = values.positive(*part.hold).value_or(usual_hold);
        draft.policy.guards.watches.push_back(std::move(out));
    }
}

}  // namespace

void check_guards(Draft& draft, Values& values) {
    for (const ast::Policy* tree : draft.trees)
        for (const ast::Item& item : *tree) {
            const auto* node = as<ast::Guards>(item);
            if (node == nullptr) continue;
            for (const ast::GuardClause& clause : node->body) {
                if (const auto* share = as<ast::RefuseShare>(clause)) take_share(draft, values, *share);
                if (const auto* watch = as<ast::WatchClause>(clause)) take_watch(draft, values, *watch);
            }
        }
}

}  // namespace larder::dsl
