// dsl/key_list.hpp -- keys that are there already, judged: `redis-cli --scan`, a log, a trace.
//
// One key a line. Keys come by the million and mistakes by the prefix, so what is alike is told once,
// with its number and at its first line. With a policy the keys that none of its namespaces has are
// found too. Memory is bounded by the number of different prefixes that are told apart.
#pragma once

#include "dsl/diagnostic.hpp"
#include "dsl/policy.hpp"
#include "dsl/source.hpp"

#include <vector>

namespace larder::dsl {

// Different beginnings that are told apart; what comes after is counted as "others".
inline constexpr std::size_t max_key_prefixes = 10'000;

// Findings about the keys in `list`, in the order of its lines. `policy` may be null. `cut`: the list
// was longer than `list` is.
std::vector<Diagnostic> check_key_list(const Source& list, const Policy* policy, bool cut);

// The key that a line is about: quotes, numbering (`12) "menu:item:7"`) and what larder writes around
// a key in Redis (`larder:v:{menu:item:7}`) taken away. Empty: none.
std::string_view key_of_line(std::string_view line);

}  // namespace larder::dsl
