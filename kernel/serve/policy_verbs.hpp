// kernel/serve/policy_verbs.hpp -- what the admin socket answers about the policy and its changes.
//
//   policy [text [ID]]
//   plan SOURCE
//   apply RUNNING CONFIRM WATCH_MS BY SOURCE     RUNNING: an id or empty; CONFIRM: 1 or 0
//   SOURCE: files | kept ID | texts NAME TEXT [NAME TEXT]...     ID may be empty
#pragma once

#include "kernel/api/kernel.hpp"
#include "kernel/serve/protocol.hpp"

#include <span>
#include <string>

namespace larder::serve {

Answer policy_verb(Kernel& kernel, std::span<const std::string> words, bool as_json);
Answer plan_verb(Kernel& kernel, std::span<const std::string> words, bool as_json);
Answer apply_verb(Kernel& kernel, std::span<const std::string> words, bool as_json);

}  // namespace larder::serve
