// dsl/grammar_guard.cpp -- guards: what a person may not drop unasked, what a change may not lead to.
#include "dsl/grammar.hpp"

BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::RefuseShare, kw, what, above, of)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::WatchPart, when, hold)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::WatchClause, kw, parts)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Guards, kw, body)

namespace larder::dsl::grammar {

using ast::Guarded;

constexpr auto guarded = choice<Guarded>({{"drop", Guarded::drop}, {"change", Guarded::change}});

LARDER_LOCAL(share_of, std::vector<ast::Name>, -(word("of") > (namespace_name % comma)))
LARDER_LOCAL(refuse_share, ast::RefuseShare,
             kw("refuse") > guarded > word("above") > percent > share_of)
LARDER_LOCAL(watch_part, ast::WatchPart, comparisons > -(word("for") > duration))
LARDER_LOCAL(watch_clause, ast::WatchClause, kw("watch") > (watch_part % comma))
LARDER_LOCAL(guard_clause, ast::GuardClause,
             statement[(refuse_share | watch_clause | unknown_statement) > end_of_statement])
LARDER_DEFINE(guard_item, kw("guard") > open_block > *guard_clause > close_block)

}  // namespace larder::dsl::grammar
