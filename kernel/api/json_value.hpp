// kernel/api/json_value.hpp -- JSON read without losing a digit of a number.
//
// Boost.JSON 1.81 reads one in ten doubles of full precision wrong by its last bit, so a value that was put
// would not be the value that is got. Here its parser says where numbers stand and std::from_chars reads
// them; texts that Boost writes are exact.
#pragma once

#include <boost/json/value.hpp>

#include <optional>
#include <string_view>

namespace larder {

// Nothing: the text is no JSON, or nests deeper than 64 levels. [any thread]
std::optional<boost::json::value> read_json(std::string_view text);

}  // namespace larder
