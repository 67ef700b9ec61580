// dsl/grammar_test.cpp -- tests and guarantees: what the writer of a policy says must hold.
#include "dsl/grammar.hpp"

#include <algorithm>

BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Binding, id, value)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::FieldBinding, from, field, value)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::MemberValue, member, value)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::PutStep, kw, ns, key, version, holding, with)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::ExpectValue, kw, value, ns, key, holding, without)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::HttpStep, method, path, status, with)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::LoadStep, kw, ns, key, end, with)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::EventStep, kw, event, with)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::AfterStep, kw, wait)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::TodayStep, kw, date)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::StoreStep, what, store)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::ExpectStep, kw, what, targets, store)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::ExpectBreaker, kw, breaker, store, state)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::ExpectRule, kw, rule, heads)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::ExpectNoRule, kw, no)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::ExpectEnded, kw, ended, session, user)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Test, kw, title, profile, steps)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Promise, kw, when, how, what, targets)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::AgePromise, ns, kw, limit)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Guarantee, kw, title, promises)

namespace larder::dsl::grammar {
namespace {

using ast::BreakerWord;
using ast::LoadEnd;
using ast::Modality;
using ast::Outcome;
using ast::StoreChange;
using ast::Verb;

struct InCapitals {
    bool operator()(std::string_view name) const {
        return std::all_of(name.begin(), name.end(), is_upper);
    }
};
constexpr NameIf step_method{"an HTTP method", InCapitals{}};

constexpr auto outcome = choice<Outcome>({{"dropped", Outcome::dropped},
                                          {"kept", Outcome::kept},
                                          {"expired", Outcome::expired},
                                          {"hit", Outcome::hit},
                                          {"miss", Outcome::miss},
                                          {"stale", Outcome::stale},
                                          {"absent", Outcome::absent},
                                          {"warmed", Outcome::warmed},
                                          {"served", Outcome::served}});
constexpr auto store_change =
    choice<StoreChange>({{"fail", StoreChange::fail}, {"recover", StoreChange::recover}});
constexpr auto load_end =
    choice<LoadEnd>({{"fails", LoadEnd::fails}, {"absent", LoadEnd::absent}});
constexpr auto breaker_word = choice<BreakerWord>({{"open", BreakerWord::open},
                                                   {"closed", BreakerWord::closed},
                                                   {"half-open", BreakerWord::half_open}});
constexpr auto modality =
    choice<Modality>({{"always", Modality::always}, {"never", Modality::never}});
constexpr auto promised =
    choice<Verb>({{"drops", Verb::drop}, {"expires", Verb::expire}, {"refreshes", Verb::refresh}});

}  // namespace

// ---- tests

LARDER_LOCAL(binding, ast::Binding, capture_name > assign > text)
LARDER_LOCAL(bindings, std::vector<ast::Binding>, -(word("with") > (binding % comma)))
// `header = "1"` is a name that happens to be called so.
LARDER_LOCAL(field_binding, ast::FieldBinding, origin >> text > assign > text)
LARDER_LOCAL(request_binding, ast::RequestBinding, field_binding | binding)
LARDER_LOCAL(request_bindings, std::vector<ast::RequestBinding>,
             -(word("with") > (request_binding % comma)))
LARDER_LOCAL(member_value, ast::MemberValue, text > assign > any_value)
LARDER_LOCAL(holding, std::vector<ast::MemberValue>, -(word("holding") > (member_value % comma)))
LARDER_LOCAL(of_version, ast::Maybe<ast::Scalar>, -(word("version") > count))
LARDER_LOCAL(put_step, ast::PutStep,
             kw("put") > namespace_name > -text > of_version > holding > bindings)
LARDER_LOCAL(load_step, ast::LoadStep, kw("load") > namespace_name > -text > -load_end > bindings)
LARDER_LOCAL(http_step, ast::HttpStep,
             step_method > text > -(word("status") > status_code) > request_bindings)
LARDER_LOCAL(event_step, ast::EventStep, kw("event") > text > bindings)
LARDER_LOCAL(after_step, ast::AfterStep, kw("after") > duration)
LARDER_LOCAL(today_step, ast::TodayStep, kw("today") > text)
LARDER_LOCAL(store_step, ast::StoreStep, store_change > store_name)

LARDER_LOCAL(expect_breaker, ast::ExpectBreaker,
             kw("expect") >> kw("breaker") > store_name > breaker_word)
LARDER_LOCAL(without, std::vector<ast::Text>, -(word("without") > (text % comma)))
LARDER_LOCAL(expect_value, ast::ExpectValue,
             kw("expect") >> kw("value") > namespace_name > text > holding > without)
LARDER_LOCAL(expect_rule, ast::ExpectRule, kw("expect") >> kw("rule") > (text % comma))
LARDER_LOCAL(expect_no_rule, ast::ExpectNoRule, (kw("expect") >> kw("no")) > word("rule"))
LARDER_LOCAL(expect_ended, ast::ExpectEnded,
             kw("expect") >> kw("ended") > word("session") > plain_name > word("of") > text)
LARDER_LOCAL(in_store, ast::Maybe<ast::Name>, -(word("in") > store_name))
LARDER_LOCAL(expect_step, ast::ExpectStep, kw("expect") > outcome > targets > in_store)

LARDER_LOCAL(step, ast::Step,
             statement[(put_step | load_step | expect_breaker | expect_value | expect_rule | expect_no_rule |
                        expect_ended | expect_step | http_step | event_step | after_step |
                        today_step | store_step | unknown_statement) > end_of_statement])

LARDER_LOCAL(title, ast::Text, head[x3::eps > text])
LARDER_LOCAL(in_profile, ast::Name, head[word("in") > word("profile") > profile_name])
LARDER_DEFINE(test, kw("test") > title > -in_profile > open_block > *step > close_block)

// ---- guarantees

LARDER_LOCAL(promise, ast::Promise, kw("on") > trigger > modality > promised > targets)
LARDER_LOCAL(age_promise, ast::AgePromise,
             namespace_name >> kw("is") > word("never") > word("older") > word("than") > duration)
LARDER_LOCAL(promise_item, ast::PromiseItem,
             statement[(promise | age_promise | unknown_statement) > end_of_statement])
LARDER_DEFINE(guarantee, kw("guarantee") > title > open_block > *promise_item > close_block)

}  // namespace larder::dsl::grammar
