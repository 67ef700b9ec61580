// kernel/replay/comparison.hpp -- what came of a replay, for people and for programs.
#pragma once

#include "kernel/replay/replay.hpp"

#include <string>

namespace larder::replay {

// A table: one policy, or two side by side with what differs.
std::string render_text(const Replayed& replayed);
// One JSON object with every number.
std::string render_json(const Replayed& replayed);

}  // namespace larder::replay
