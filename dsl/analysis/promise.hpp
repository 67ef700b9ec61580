// dsl/analysis/promise.hpp -- whether what a `guarantee` says holds for every request, or one for
// which it does not.
//
// The promise's own trigger is read together with the rules that can meet it, as one more pattern,
// so that each class of requests it speaks of is looked at: `always` holds when in each of them the
// rules together do what was promised (or more: all of a namespace is each of its entries, a
// refresh drops), `never` when no rule of them can touch it, not even through a dependency or a
// rule `on drop of`.
#pragma once

#include "dsl/analysis/effect.hpp"
#include "dsl/analysis/joint_walk.hpp"
#include "dsl/policy.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace larder::dsl {

struct Promise {
    Rule when;  // its trigger, and one change: what is promised
    bool always = true;
};

struct Verdict {
    enum class Is : std::uint8_t { kept, broken, undecided } is = Is::kept;
    std::string counterexample;        // broken: `DELETE /v1/users`, `event sold`
    std::vector<std::uint32_t> rules;  // broken: those that fire then
    std::uint32_t culprit = none;      // `never`: the rule that does it
};

// `effects` are the policy's.
Verdict judge(const Effects& effects, const Promise& promise, const JointBounds& bounds = {});

}  // namespace larder::dsl
