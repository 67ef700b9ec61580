// plugins/invalidator_event/redis_session.hpp -- a listener's connection to Redis (redis_wire/session.hpp): one that is
// lost is counted.
#pragma once

#include "listener.hpp"

#include "plugins/redis_wire/session.hpp"

#include <atomic>
#include <cstdint>
#include <string>

namespace larder::invalidator_event {

class RedisSession : public redis_wire::Session {
  public:
    // tls: nullptr when the endpoint has none.
    RedisSession(const Listener::Surroundings& around, const redis_wire::TlsContext* tls,
                 const char* purpose)
        : Session({around.loop, around.options.endpoint, around.options.connection, tls,
                   around.journal},
                  purpose),
          around_(around) {}

  protected:
    virtual void on_lost() = 0;
    const Listener::Surroundings around_;

  private:
    void on_failure(Loss loss, const std::string&) final {
        if (loss != Loss::never_was) {
            around_.teller.count_lost_connection();
            on_lost();
        }
    }
};

}  // namespace larder::invalidator_event
