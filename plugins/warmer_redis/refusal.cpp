// plugins/warmer_redis/refusal.cpp -- see refusal.hpp.
#include "refusal.hpp"

#include <algorithm>
#include <array>

namespace larder::warmer_redis {
namespace {

struct Known {
    std::string_view code;
    larder_status status;
    std::string_view meaning;
};

constexpr std::array known{
    Known{"WRONGTYPE", LARDER_E_INVALID, "what stands there is no string"},
    Known{"NOAUTH", LARDER_E_DENIED, "it asks for a password"},
    Known{"WRONGPASS", LARDER_E_DENIED, "user or password is wrong"},
    Known{"NOPERM", LARDER_E_DENIED, "the user may not do that, or not with such keys"},
    Known{"LOADING", LARDER_E_BUSY, "it still reads its data"},
    Known{"BUSY", LARDER_E_BUSY, "a script runs there"},
    Known{"TRYAGAIN", LARDER_E_BUSY, "slots are on their way"},
    Known{"MASTERDOWN", LARDER_E_BUSY, "its master is away"},
    Known{"CLUSTERDOWN", LARDER_E_BUSY, "its cluster is down"},
    Known{"NOREPLICAS", LARDER_E_BUSY, "it has too few replicas to write"},
    Known{"OOM", LARDER_E_BUSY, "its memory is full"},
    Known{"READONLY", LARDER_E_IO, "it is a replica"},
    Known{"MISCONF", LARDER_E_IO, "it does not write, because it cannot save"},
    Known{"MOVED", LARDER_E_CONFIG, "it is one node of a cluster, and another has the key"},
    Known{"ASK", LARDER_E_CONFIG, "it is one node of a cluster, and another has the key"},
};

constexpr std::size_t longest_told = 120;

}  // namespace

Refusal refusal_of(std::string_view error) {
    const std::string_view code = error.substr(0, error.find(' '));
    const auto* const it =
        std::find_if(known.begin(), known.end(), [&](const Known& one) { return one.code == code; });
    if (it != known.end()) {
        return {it->status, std::string(code) + ": " + std::string(it->meaning)};
    }
    std::string words(error.substr(0, std::min(error.find_first_of("'\"`"), longest_told)));
    for (char& c : words) {
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) {
            c = '.';
        }
    }
    return {LARDER_E_IO, std::move(words)};
}

}  // namespace larder::warmer_redis
