// dsl/grammar.hpp -- the rules that cross the grammar files, one line each.
//
// The files are split by kind of item, so that touching one costs seconds and each stays under a
// gigabyte of compiler memory. A rule declared here is defined and instantiated in exactly one of
// them, for the one iterator and context there is. Rules have the names and the order of the
// manual.
//
// Rule of writing: after the head word of a statement everything is an expectation (`>`), so that
// an error is found where it is and not at the end of all alternatives.
#pragma once

#include "dsl/recover.hpp"

#include <boost/fusion/include/adapt_struct.hpp>

#include <vector>

// A rule that other files use, and its definition.
#define LARDER_RULE(name, attribute)                    \
    struct name##_id {};                                \
    using name##_rule = x3::rule<name##_id, attribute>; \
    constexpr name##_rule name{#name};                  \
    BOOST_SPIRIT_DECLARE(name##_rule)

#define LARDER_DEFINE(name, ...)         \
    const auto name##_def = __VA_ARGS__; \
    BOOST_SPIRIT_DEFINE(name)            \
    BOOST_SPIRIT_INSTANTIATE(name##_rule, Iterator, Context)

// A rule of one file.
#define LARDER_LOCAL(name, attribute, ...)                \
    struct name##_id {};                                  \
    constexpr x3::rule<name##_id, attribute> name{#name}; \
    const auto name##_def = __VA_ARGS__;                  \
    BOOST_SPIRIT_DEFINE(name)

namespace larder::dsl::grammar {

// Where in a request a value stands.
inline constexpr auto origin = choice<ast::Origin>({{"header", ast::Origin::header},
                                                    {"query", ast::Origin::query},
                                                    {"cookie", ast::Origin::cookie},
                                                    {"json", ast::Origin::json},
                                                    {"form", ast::Origin::form}});

// grammar_namespace.cpp
LARDER_RULE(namespace_head, ast::Name)
LARDER_RULE(name_head, ast::Name)
LARDER_RULE(condition, ast::Scalar)
LARDER_RULE(ttl_clause, ast::TtlClause)
LARDER_RULE(compress_clause, ast::CompressClause)
LARDER_RULE(encrypt_clause, ast::FlagClause)
LARDER_RULE(options, std::vector<ast::Option>)
LARDER_RULE(clause, ast::Clause)
LARDER_RULE(namespace_, ast::Namespace)

// grammar_rule.cpp
LARDER_RULE(trigger, ast::Trigger)
LARDER_RULE(targets, std::vector<ast::Target>)
LARDER_RULE(rule, ast::Rule)

// grammar_run.cpp
LARDER_RULE(session, ast::Session)
LARDER_RULE(warm, ast::Warm)
LARDER_RULE(comparisons, std::vector<ast::AllOf>)
LARDER_RULE(alert, ast::Alert)
LARDER_RULE(breaker, ast::Breaker)

// grammar_guard.cpp
LARDER_RULE(guard_item, ast::Guards)

// grammar_test.cpp
LARDER_RULE(test, ast::Test)
LARDER_RULE(guarantee, ast::Guarantee)

}  // namespace larder::dsl::grammar
