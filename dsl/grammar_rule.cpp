// dsl/grammar_rule.cpp -- rules: what happens, and what is dropped, served or warmed when it does.
#include "dsl/grammar.hpp"

#include <algorithm>
#include <array>
#include <string>

BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::HttpTrigger, methods, route, status)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::EventTrigger, kw, event, params)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::DropTrigger, kw, of, key)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::PluginTrigger, plugin, topic, params)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::NsTarget, ns, matching, key)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::TagTarget, kw, tag)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::DropAction, what, targets)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::TakeAction, kw, id, from, field)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Guard, from, field)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::ServeAction, kw, ns, key, unless)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::WarmAction, kw, ids)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::EndAction, kw, session, user)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Rule, kw, when, body)

namespace larder::dsl::grammar {
namespace {

using ast::Verb;

constexpr std::array<std::string_view, 9> http_methods{
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"};

// POST, write, and what was surely meant as a method: any word in capitals, `post`.
struct LooksLikeMethod {
    bool operator()(std::string_view name) const {
        if (name == "write" || std::all_of(name.begin(), name.end(), is_upper)) {
            return true;
        }
        std::string upper(name);
        for (char& c : upper) {
            c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        }
        return std::find(http_methods.begin(), http_methods.end(), upper) != http_methods.end();
    }
};

// The name of a plugin, unless it is a slip of the pen: `evnt "x"` would silently wait for a
// plugin.
struct LooksLikePlugin {
    bool operator()(std::string_view name) const {
        constexpr std::array<std::string_view, 3> own{"event", "write", "drop"};
        return !LooksLikeMethod{}(name) && nearest(name, own, 1).empty();
    }
};

constexpr NameIf method_name{"an HTTP method", LooksLikeMethod{}, "write"};
constexpr NameIf trigger_plugin{"a trigger plugin", LooksLikePlugin{}};

constexpr auto verb =
    choice<Verb>({{"drop", Verb::drop}, {"expire", Verb::expire}, {"refresh", Verb::refresh}});

}  // namespace

// ---- when

LARDER_LOCAL(params, std::vector<ast::Name>, -(left_paren > (capture_name % comma) > right_paren))
LARDER_LOCAL(event_trigger, ast::EventTrigger, kw("event") > text > params)
LARDER_LOCAL(drop_trigger, ast::DropTrigger, kw("drop") > word("of") > namespace_name > -text)
LARDER_LOCAL(statuses, std::vector<ast::Status>, -(word("status") > (status_class % comma)))
LARDER_LOCAL(http_trigger, ast::HttpTrigger, (method_name % comma) > text > statuses)
LARDER_LOCAL(plugin_trigger, ast::PluginTrigger, trigger_plugin > text > params)
LARDER_DEFINE(trigger,
              head[x3::eps > (event_trigger | drop_trigger | http_trigger | plugin_trigger)])

// ---- what

LARDER_LOCAL(tag_target, ast::TagTarget, kw("tag") > text)
LARDER_LOCAL(ns_target, ast::NsTarget, namespace_name > x3::matches[word("matching")] > -text)
LARDER_LOCAL(target, ast::Target, tag_target | everything | ns_target)
LARDER_DEFINE(targets, target % comma)

LARDER_LOCAL(drop_action, ast::DropAction, verb > targets)
LARDER_LOCAL(take_action, ast::TakeAction, kw("let") > capture_name > assign > origin > text)
LARDER_LOCAL(guard, ast::Guard, origin > text)
LARDER_LOCAL(guards, std::vector<ast::Guard>, -(word("unless") > (guard % comma)))
LARDER_LOCAL(serve_action, ast::ServeAction, kw("serve") > namespace_name > -text > guards)
LARDER_LOCAL(warm_action, ast::WarmAction, kw("warm") > (namespace_name % comma))
LARDER_LOCAL(end_action, ast::EndAction,
             kw("end") > word("session") > plain_name > word("of") > text)

LARDER_LOCAL(action, ast::Action,
             statement[(drop_action | take_action | serve_action | warm_action | end_action |
                        unknown_statement) > end_of_statement])
LARDER_DEFINE(rule, kw("on") > trigger > open_block > *action > close_block)

}  // namespace larder::dsl::grammar
