// dsl/grammar_test.cpp -- tests and guarantees: what the writer of a policy says must hold.
#include "dsl/grammar.hpp"

#include <algorithm>

BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Binding, id, value)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::PutStep, kw, ns, key, with)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::HttpStep, method, path, status, with)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::EventStep, kw, event, with)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::AfterStep, kw, wait)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::StoreStep, what, store)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::ExpectStep, kw, what, targets)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Test, kw, title, profile, steps)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Promise, kw, when, how, what, targets)
BOOST_FUSION_ADAPT_STRUCT(larder::dsl::ast::Guarantee, kw, title, promises)

namespace larder::dsl::grammar {
namespace {

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
                                          {"warmed", Outcome::warmed},
                                          {"served", Outcome::served}});
constexpr auto store_change =
    choice<StoreChange>({{"fail", StoreChange::fail}, {"recover", StoreChange::recover}});
constexpr auto modality =
    choice<Modality>({{"always", Modality::always}, {"never", Modality::never}});
constexpr auto promised =
    choice<Verb>({{"drops", Verb::drop}, {"expires", Verb::expire}, {"refreshes", Verb::refresh}});

}  // namespace

// ---- tests

LARDER_LOCAL(binding, ast::Binding, capture_name > assign > text)
LARDER_LOCAL(bindings, std::vector<ast::Binding>, -(word("with") > (binding % comma)))
LARDER_LOCAL(put_step, ast::PutStep, kw("put") > namespace_name > -text > bindings)
LARDER_LOCAL(http_step, ast::HttpStep,
             step_method > text > -(word("status") > status_code) > bindings)
LARDER_LOCAL(event_step, ast::EventStep, kw("event") > text > bindings)
LARDER_LOCAL(after_step, ast::AfterStep, kw("after") > duration)
LARDER_LOCAL(store_step, ast::StoreStep, store_change > store_name)
LARDER_LOCAL(expect_step, ast::ExpectStep, kw("expect") > outcome > targets)
LARDER_LOCAL(step, ast::Step,
             statement[(put_step | expect_step | http_step | event_step | after_step | store_step |
                        unknown_statement) > end_of_statement])

LARDER_LOCAL(title, ast::Text, head[x3::eps > text])
LARDER_LOCAL(in_profile, ast::Name, head[word("in") > word("profile") > profile_name])
LARDER_DEFINE(test, kw("test") > title > -in_profile > open_block > *step > close_block)

// ---- guarantees

LARDER_LOCAL(promise, ast::Promise, kw("on") > trigger > modality > promised > targets)
LARDER_LOCAL(promise_item, ast::PromiseItem,
             statement[(promise | unknown_statement) > end_of_statement])
LARDER_DEFINE(guarantee, kw("guarantee") > title > open_block > *promise_item > close_block)

}  // namespace larder::dsl::grammar
