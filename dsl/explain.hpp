// dsl/explain.hpp -- what a policy does, in words: for a request, an event, an entry, a code.
#pragma once

#include "dsl/policy.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::dsl {

struct ExplainRequest {
    std::string method, path;
    std::uint32_t status = 200;
    std::vector<std::pair<std::string, std::string>> values;  // `tenant_id=7`: for `let`s the path does not give
};

// One paragraph per rule that fires: file:line, head, its doc, bindings, drops, dependents.
std::string explain_request(const Policy&, const ExplainRequest&);
std::string explain_event(const Policy&, std::string_view name, const std::vector<std::pair<std::string, std::string>>& values);
// Lifetime with its reason, tiers, tags, who can drop it. `key` is raw; does not need to be cached.
std::string explain_entry(const Policy&, std::string_view ns, std::string_view key);
// The page of a diagnostic's code ("L0202"), nullopt when there is no such code.
std::optional<std::string> explain_code(std::string_view code);
// All codes, ascending.
std::vector<std::string> all_codes();

}  // namespace larder::dsl
