// plugins/invalidator_event/listener.hpp -- one connection's worth of listening: channels or streams of one server.
//
// open() and close() on the loop; after close() nothing is heard until the next open(). A listener that loses its
// server connects again by itself, without end, after pauses of at most 0.64 s.
#pragma once

#include "mapping.hpp"
#include "options.hpp"
#include "teller.hpp"

#include "plugins/redis_wire/journal.hpp"
#include "plugins/redis_wire/loop.hpp"

#include <string>

namespace larder::invalidator_event {

class Listener {
  public:
    // What all listeners of an instance share.
    struct Surroundings {
        redis_wire::Loop& loop;
        const Options& options;
        const Mapping& mapping;
        Teller& teller;
        redis_wire::Journal& journal;
    };

    virtual ~Listener() = default;
    virtual void open() = 0;
    virtual void close() noexcept = 0;
    virtual bool listening() const noexcept = 0;  // [any]
    virtual std::string what() const = 0;         // "channels at 127.0.0.1:6379" [any]
};

}  // namespace larder::invalidator_event
