// dsl/rule_meaning.hpp -- what the texts of rules mean, whatever their variables are called.
//
// `drop user "{id}"` below `/users/{id}` and `drop user "{who}"` below `/users/{who}/**` drop the same
// entry. So a variable is named after where its value comes from: the segment of the path, the
// parameter of the event, the field of the request. Two texts with equal meanings are equal for every
// request that fires both rules. The converse does not hold: where a value's place depends on the
// path (behind a `**`), its name holds for that route only.
#pragma once

#include "dsl/policy.hpp"
#include "dsl/route_glob.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl {

// A route without the names of its captures.
std::string nameless(std::string_view route);

class RuleMeaning {
  public:
    // `route`: of the rule, with slots as in Rule::variables.
    RuleMeaning(const Rule& rule, const RouteGlob& route);

    std::string of(const Template& text) const;
    // A change without its place; two rules with equal ones do the same.
    std::string of(const Change& change) const;

  private:
    std::vector<std::string> sources_;  // by slot
};

}  // namespace larder::dsl
