// plugins/store_redis/redirect.hpp -- what the error replies of a cluster mean.
//
// A node that is asked for what it does not have says who has it: MOVED for good, ASK for this once. The
// other errors say that nobody has it now. What a server says is checked before it is believed: a slot
// that exists, a port, a host that is a name or an address and not too long.
#pragma once

#include "options.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace larder::store_redis {

struct Redirect {
    enum class Kind : std::uint8_t {
        none,       // an error of the command itself
        moved,      // `to` owns the slot
        ask,        // `to` has the key, if anybody has, behind ASKING; the slot is being moved
        try_again,  // the keys of one command are on both sides of a move
        down,       // CLUSTERDOWN, MASTERDOWN: nobody serves the slot
        loading,    // the server reads its data from disk
        read_only,  // it is no master any more
    };
    Kind kind = Kind::none;
    std::uint32_t slot = 0;  // of moved and ask
    Endpoint to;             // of moved and ask

    // error: the text of an error reply. asked: who said it, and whose host an empty host means.
    // A redirect that makes no sense is none.
    static Redirect read(std::string_view error, const Endpoint& asked);
};

// A host and a port as a server named them; nothing if they are not possible. An empty host is asked's.
std::optional<Endpoint> endpoint_told(std::string_view host, std::int64_t port, const Endpoint& asked);

}  // namespace larder::store_redis
