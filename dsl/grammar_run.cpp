// dsl/grammar_run.cpp -- sessions, warming, alerts and breakers: what runs beside the requests.
#include "dsl/grammar.hpp"

BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::StoreClause, kw, store)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::LimitClause, kw, amount, entries, store)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::PerUserClause, kw, count, refuse)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::CookieClause, kw, id, flags)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Session, kw, id, body)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::StartupClause, kw, what)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::EveryClause, kw, period, jitter)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::BetweenClause, kw, from, to)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::FromClause, kw, plugin, address, options)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::ForClause, kw, var, values)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::AtMostClause, kw, count, per_second)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::PriorityClause, kw, priority)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::LearnClause, kw, window, hits, priority, enabled)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Warm, kw, id, key, enabled, body)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Compare, metric, of, op, limit)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Sink, plugin, target)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Alert, kw, id, when, hold, to)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::BreakerClause, part, amount)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::RampClause, part, loads, every)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Breaker, kw, store, body)

namespace larder::dsl::grammar {

using ast::BreakerPart;
using ast::Relation;

constexpr auto relation = choice<Relation>({{"<", Relation::lt},
                                            {"<=", Relation::le},
                                            {">", Relation::gt},
                                            {">=", Relation::ge},
                                            {"=", Relation::eq},
                                            {"is", Relation::is}});
constexpr auto open_part = choice<BreakerPart>({{"open", BreakerPart::open}});
constexpr auto retry_part = choice<BreakerPart>({{"retry", BreakerPart::retry}});
constexpr auto probe_part = choice<BreakerPart>({{"probe", BreakerPart::probe}});
constexpr auto ramp_part = choice<BreakerPart>({{"ramp", BreakerPart::ramp}});

// ---- sessions

LARDER_LOCAL(store_clause, ast::StoreClause, kw("store") > store_name)
LARDER_LOCAL(per_user_clause, ast::PerUserClause,
             kw("limit") >> count >> word("per") > word("user") >
                 x3::matches[word("then") > word("refuse")])
LARDER_LOCAL(session_size, ast::LimitClause,
             kw("limit") > size > x3::attr(false) > x3::attr(ast::Maybe<ast::Name>{}))
LARDER_LOCAL(cookie_clause, ast::CookieClause, kw("cookie") > text > *plain_name)
LARDER_LOCAL(
    session_clause, ast::SessionClause,
    statement[(ttl_clause | store_clause | encrypt_clause | per_user_clause | session_size |
               cookie_clause | compress_clause | unknown_statement) > end_of_statement])
LARDER_DEFINE(session, kw("session") > name_head > open_block > *session_clause > close_block)

// ---- warming

LARDER_LOCAL(startup_clause, ast::StartupClause, kw("at") >> kw("startup"))
LARDER_LOCAL(at_most_clause, ast::AtMostClause,
             kw("at") > word("most") > count >
                 ((word("at") > word("once") > x3::attr(false)) |
                  (word("per") > word("second") > x3::attr(true))))
LARDER_LOCAL(priority_clause, ast::PriorityClause, kw("priority") > count)
LARDER_LOCAL(every_clause, ast::EveryClause, kw("every") > duration > -(word("jitter") > percent))
LARDER_LOCAL(between_clause, ast::BetweenClause, kw("between") > clock > word("and") > clock)
LARDER_LOCAL(from_clause, ast::FromClause, kw("from") > plugin_name > text > options)
LARDER_LOCAL(for_clause, ast::ForClause, kw("for") > capture_name > word("in") > (text % comma))
LARDER_LOCAL(learn_clause, ast::LearnClause,
             kw("learn") > duration > word("at") > word("least") > count > word("hits") >
                 -(word("priority") > count) > -condition)
LARDER_LOCAL(
    warm_clause, ast::WarmClause,
    statement[(startup_clause | at_most_clause | every_clause | between_clause | from_clause |
               for_clause | priority_clause | learn_clause | unknown_statement) > end_of_statement])
LARDER_DEFINE(warm, kw("warm") > namespace_head > -text > -condition > open_block > *warm_clause >
                        close_block)

// ---- alerts

LARDER_LOCAL(metric_of, std::vector<ast::Name>,
             -(left_paren > (namespace_name % comma) > right_paren))
LARDER_LOCAL(compare, ast::Compare, metric_name > metric_of > relation > any_value)
LARDER_LOCAL(all_of, ast::AllOf, compare % word("and"))
LARDER_DEFINE(comparisons, all_of % word("or"))
LARDER_LOCAL(sink, ast::Sink, plugin_name > -plain_name)
LARDER_DEFINE(alert, kw("alert") > plain_name > word("when") > comparisons >
                         -(word("for") > duration) > arrow > (sink % comma))

// ---- breakers

LARDER_LOCAL(open_clause, ast::BreakerClause,
             open_part > x3::omit[word("after")] > count > x3::omit[word("failures")])
LARDER_LOCAL(retry_clause, ast::BreakerClause, retry_part > x3::omit[word("after")] > duration)
LARDER_LOCAL(probe_clause, ast::BreakerClause, probe_part > count)
LARDER_LOCAL(ramp_clause, ast::RampClause, ramp_part > count > -(word("every") > duration))
LARDER_LOCAL(
    breaker_item, ast::BreakerItem,
    statement[(open_clause | retry_clause | probe_clause | ramp_clause | unknown_statement) > end_of_statement])
LARDER_DEFINE(breaker, kw("breaker") > name_head > open_block > *breaker_item > close_block)

}  // namespace larder::dsl::grammar
