// dsl/policy_test.hpp -- the `test` items of a policy, checked and ready to be played.
//
// Plain values, as Policy has them: names are resolved, texts have their escapes taken away. Made by
// compile() beside the Policy, never part of it: a running kernel has no use for tests. Who plays them
// is above (kernel/policy_test).
#pragma once

#include "dsl/policy.hpp"
#include "dsl/source.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace larder::dsl {

// `tenant_id = "1"`, or with an origin `header "X-Tenant-Id" = "1"`: then name is the field.
struct GivenValue {
    std::optional<Origin> origin;
    std::string name, value;
    Span at;
};

// What an expectation is about: entries that the test has put, or one key.
struct TestTarget {
    TargetKind kind = TargetKind::namespace_;
    NamespaceIndex ns = none;
    std::string text;  // key: as a client writes it; matching: with its stars; tag
    Span at;
};

// A member of a JSON value: the names that lead to it, and what it holds, as JSON.
struct TestMember {
    std::vector<std::string> path;
    std::string json;
    Span at;
};

enum class StepKind : std::uint8_t {
    put,             // ns, text, given, version, holding
    load,            // ns, text, given, load_end
    request,         // method, text, status, given
    event,           // text, given
    after,           // wait
    today,           // days
    fail,            // store
    recover,         // store
    expect,          // expected, targets, store
    expect_breaker,  // store, breaker
    expect_value,    // ns, text, holding, without
    expect_rule,     // texts
    expect_no_rule,
    expect_ended  // text: session; texts: the one user
};

enum class Expected : std::uint8_t {
    dropped,  // a rule removed it
    kept,     // it is as fresh as when it was put
    expired,  // a rule made it stale
    hit,      // a read finds it
    miss,     // a read finds nothing
    stale,    // who loads it and fails is given the old value
    absent,   // a read finds that it is known not to be there
    warmed,   // a rule asked for it to be warmed
    served    // it answered the last request
};
std::string_view word_of(Expected expected);

enum class LoadOutcome : std::uint8_t { value, fails, absent };
enum class BreakerIs : std::uint8_t { open, closed, half_open };

struct TestStep {
    StepKind kind = StepKind::put;
    Span at;  // the statement's head, or what its message is best said at
    NamespaceIndex ns = none;
    std::string text, method, store;
    std::vector<std::string> texts;
    std::vector<GivenValue> given;
    std::vector<TestTarget> targets;
    std::uint32_t version = 0;        // 0: the namespace's
    std::vector<TestMember> holding;  // without any a put has a value of no form
    std::vector<TestMember> without;  // json is empty
    std::uint16_t status = 200;
    Ms wait{};
    std::int64_t days = 0;  // since 1970
    Expected expected = Expected::hit;
    LoadOutcome load_end = LoadOutcome::value;
    BreakerIs breaker = BreakerIs::open;
};

struct PolicyTest {
    std::string title;
    std::string profile;  // empty: the one the policy is compiled with
    Where where;
    Span at;  // of its title
    std::vector<TestStep> steps;
};

}  // namespace larder::dsl
