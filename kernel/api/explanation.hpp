// kernel/api/explanation.hpp -- one question about a policy, answered in words.
//
//   PUT /v1.0/user/update/42 [STATUS] [let=value]...     which rules fire and what they do
//   request PUT /...                                     the same
//   event NAME [parameter=value]...
//   entry NAMESPACE KEY                                  lifetime, tags, who can drop it
//   L0202                                                the page of a code
#pragma once

#include "dsl/policy.hpp"

#include <string>
#include <string_view>

namespace larder {
class Cache;
}

namespace larder::api {

// cache: null: nothing is said about what is cached now. ok false: the question is not understood, and
// the answer says how to ask.
std::string explanation(const dsl::Policy& policy, const Cache* cache, std::string_view what,
                        bool& ok);

// The page of a code, of policies (L01xx to L04xx) or of larder.toml (L05xx); empty: no such code.
std::string code_page(std::string_view code);

}  // namespace larder::api
