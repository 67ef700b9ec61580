// kernel/core/compression_report.hpp -- what compression saves, what it costs, and what to change, in JSON and words.
#pragma once

#include "kernel/core/figures.hpp"

#include <string>
#include <vector>

namespace larder {

// What a person should change about the compression of this namespace, a sentence each, with its name.
std::vector<std::string> compression_advice(const SpaceFigures& space);

// {"totals", "by_namespace", "recommendations"}: the answer of compression/stats and `larder stats compression`.
std::string compression_json(const Figures& figures);

}  // namespace larder
