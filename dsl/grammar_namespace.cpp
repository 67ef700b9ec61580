// dsl/grammar_namespace.cpp -- namespaces: what their entries are called, how long they live,
// where.
#include "dsl/grammar.hpp"

BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::KeyClause, kw, pattern)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::TagClause, kw, tags)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::WithClause, kw, names)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::DateCondition, kw, capture, relation, today, later,
                          distance)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::TtlClause, kw, ttl, jitter, sliding, at_most, when)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::StalePart, window, when)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::StaleClause, kw, parts)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::AbsentClause, kw, ttl)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Tier, store, ttl, enabled)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::TiersClause, kw, tiers)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Option, id, values)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::CompressClause, kw, codec, above, except, options,
                          enabled)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::LimitClause, kw, amount, entries, store)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::RefuseClause, kw, above)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::EvictClause, kw, order)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::LogClause, kw, slower)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::NeverStoreClause, kw, what, names, strip)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::VersionClause, kw, number, accepts)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::MoveStep, what, from, to)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::DefaultStep, kw, member, value)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::LeaveOutStep, kw, member)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::MigrateClause, kw, from, to, steps)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::DependsClause, kw, on, key)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::RemovePart, kw, address)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::WriteClause, kw, mode, delay, address, remove)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::SourceClause, kw, plugin, address, options)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::FlagClause, what, wait)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Namespace, kw, id, body)

namespace larder::dsl::grammar {

using ast::DateRelation;
using ast::EvictOrder;
using ast::Flag;
using ast::MoveVerb;
using ast::StaleWhen;
using ast::Withheld;
using ast::WriteMode;

constexpr auto date_relation = choice<DateRelation>(
    {{"before", DateRelation::before}, {"on", DateRelation::on}, {"after", DateRelation::after}});
constexpr auto stale_when =
    choice<StaleWhen>({{"revalidating", StaleWhen::revalidating}, {"error", StaleWhen::error}});
constexpr auto write_mode = choice<WriteMode>(
    {{"through", WriteMode::through}, {"behind", WriteMode::behind}, {"aside", WriteMode::aside}});
constexpr auto evict_order = choice<EvictOrder>({{"adaptive", EvictOrder::adaptive},
                                                 {"lru", EvictOrder::lru},
                                                 {"lfu", EvictOrder::lfu},
                                                 {"fifo", EvictOrder::fifo},
                                                 {"s3fifo", EvictOrder::s3fifo},
                                                 {"auto", EvictOrder::found}});
constexpr auto move_verb =
    choice<MoveVerb>({{"rename", MoveVerb::rename}, {"move", MoveVerb::move}});
constexpr auto withheld = choice<Withheld>(
    {{"key", Withheld::key}, {"header", Withheld::header}, {"json", Withheld::json}});
constexpr auto plain_flag = choice<Flag>({{"static", Flag::fixed}, {"encrypt", Flag::encrypt}, {"demote", Flag::demote}});
constexpr auto encrypt_flag = choice<Flag>({{"encrypt", Flag::encrypt}});
constexpr auto coalesce_flag = choice<Flag>({{"coalesce", Flag::coalesce}});

// ---- what several items share

LARDER_DEFINE(namespace_head, head[x3::eps > namespace_name])
LARDER_DEFINE(name_head, head[x3::eps > plain_name])
LARDER_DEFINE(condition, word("if") > truth)

LARDER_LOCAL(option, ast::Option, plain_name > +any_value > x3::omit[end_of_statement])
LARDER_DEFINE(options, -(x3::omit[open_brace] > *option > x3::omit[close_brace]))

// ---- how long

LARDER_LOCAL(distance, ast::Scalar, (behind("+") > duration) | (x3::omit[minus_sign] > duration))
LARDER_LOCAL(date_condition, ast::DateCondition,
             kw("when") > capture > date_relation > flag_word("today") > x3::matches[plus_sign] >
                 -distance)
LARDER_LOCAL(at_most, ast::Scalar, behind("sliding") >> word("at") > word("most") > duration)
LARDER_DEFINE(ttl_clause, kw("ttl") > duration > -(word("jitter") > percent) >
                              x3::matches[word("sliding")] > -at_most > -date_condition)
LARDER_LOCAL(stale_part, ast::StalePart,
             duration > x3::omit[word("while") | word("on")] > stale_when)
LARDER_LOCAL(stale_clause, ast::StaleClause, kw("stale") > (stale_part % comma))
LARDER_LOCAL(absent_clause, ast::AbsentClause, kw("absent") > duration)

// ---- what

LARDER_LOCAL(key_clause, ast::KeyClause, kw("key") > text)
LARDER_LOCAL(tag_clause, ast::TagClause, kw("tag") > (text % comma))
LARDER_LOCAL(with_clause, ast::WithClause, kw("with") > (capture_name % comma))
LARDER_LOCAL(version_clause, ast::VersionClause,
             kw("version") > count > -(word("accepts") > (count % comma)))
LARDER_LOCAL(move_step, ast::MoveStep, move_verb > text > word("to") > text)
LARDER_LOCAL(default_step, ast::DefaultStep, kw("default") > text > any_value)
LARDER_LOCAL(leave_out_step, ast::LeaveOutStep, kw("drop") > text)
LARDER_LOCAL(migrate_step, ast::MigrateStep,
             statement[(move_step | default_step | leave_out_step | unknown_statement) >
                       end_of_statement])
LARDER_LOCAL(migrate_clause, ast::MigrateClause,
             kw("migrate") > count > arrow > count > open_block > *migrate_step > close_block)
LARDER_LOCAL(depends_clause, ast::DependsClause,
             kw("depends") > word("on") > namespace_name > -text)

// ---- where, and how much

LARDER_LOCAL(tier, ast::Tier, store_name > -duration > -condition)
LARDER_LOCAL(tiers_clause, ast::TiersClause, kw("tiers") > (tier % arrow))
LARDER_LOCAL(except_types, std::vector<ast::Text>, -(word("except") > (text % comma)))
LARDER_DEFINE(compress_clause, kw("compress") > codec_name > -(word("above") > size) >
                                   except_types > options > -condition)
// Which of the two a name or `env` stands for, only the word behind it tells.
LARDER_LOCAL(entries_limit, ast::LimitClause,
             kw("limit") >> count >> word("entries") >> x3::attr(true) > -(word("in") > store_name))
LARDER_LOCAL(size_limit, ast::LimitClause,
             kw("limit") > size > x3::attr(false) > -(word("in") > store_name))
LARDER_LOCAL(refuse_clause, ast::RefuseClause, kw("refuse") > word("above") > size)
LARDER_LOCAL(evict_clause, ast::EvictClause, kw("evict") > evict_order)
LARDER_LOCAL(log_clause, ast::LogClause,
             kw("log") > word("misses") > -(word("slower") > word("than") > duration))
LARDER_LOCAL(never_clause, ast::NeverStoreClause,
             kw("never") > word("store") > withheld > (text % comma) >
                 x3::matches[word("then") > word("strip")])
LARDER_LOCAL(keep_clause, ast::KeepClause, evict_clause | never_clause)
LARDER_LOCAL(remove_part, ast::RemovePart, kw("remove") > -text)
LARDER_LOCAL(write_clause, ast::WriteClause,
             kw("write") > write_mode > -(!word("remove") >> duration) > -text > -remove_part)
LARDER_LOCAL(source_clause, ast::SourceClause, kw("source") > plugin_name > -text > options)

LARDER_LOCAL(plain_flag_clause, ast::FlagClause, plain_flag >> x3::attr(ast::Maybe<ast::Scalar>{}))
LARDER_LOCAL(coalesce_clause, ast::FlagClause, coalesce_flag > -(word("wait") > duration))
LARDER_DEFINE(encrypt_clause, encrypt_flag >> x3::attr(ast::Maybe<ast::Scalar>{}))

// ---- the namespace

LARDER_DEFINE(
    clause,
    statement[(key_clause | ttl_clause | tag_clause | tiers_clause | stale_clause | with_clause |
               compress_clause | entries_limit | size_limit | refuse_clause | keep_clause | log_clause | version_clause |
               migrate_clause | depends_clause | write_clause | source_clause | absent_clause | plain_flag_clause |
               coalesce_clause |
               namespace_ | unknown_statement) > end_of_statement])
LARDER_DEFINE(namespace_, kw("namespace") > namespace_head > open_block > *clause > close_block)

}  // namespace larder::dsl::grammar
