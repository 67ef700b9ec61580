// kernel/serve/client.hpp -- one question to a running kernel.
#pragma once

#include "kernel/serve/protocol.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace larder::serve {

// Connects, asks, reads the answer, closes. Nullopt: nobody answers there; `problem` says why and what
// to do. A socket that belongs to another user than this one or root is not talked to.
std::optional<Answer> ask(const std::string& socket, const Message& request,
                          std::chrono::seconds timeout, std::string& problem);

}  // namespace larder::serve
