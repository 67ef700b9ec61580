// plugins/invalidator_event/redis_channels.hpp -- messages of Redis' channels, as they are published.
//
// Redis keeps no message for who is not there: whatever is published while there is no connection is lost, and
// nobody can say what it was. So each time the subscriptions stand, a resync is owed. Channels with * ? [ are patterns.
#pragma once

#include "redis_session.hpp"

#include <cstddef>

namespace larder::invalidator_event {

class RedisChannels final : public Listener, private RedisSession {
  public:
    RedisChannels(const Surroundings& around, const redis_wire::TlsContext* tls);

    void open() override { RedisSession::open(); }
    void close() noexcept override;
    bool listening() const noexcept override { return listening_; }
    std::string what() const override;

  private:
    void on_ready() override;
    bool on_reply(redis_wire::Reply& reply) override;
    void on_lost() override;
    bool awaiting() const noexcept override { return missing_ > 0; }
    void subscribed();
    void beat();
    void not_listening();
    void message(std::string_view channel, const redis_wire::Reply::Item& payload);

    std::atomic<bool> listening_{false};
    std::size_t missing_ = 0;  // subscriptions not yet confirmed
    bool before_ = false;      // it has listened since open()
    redis_wire::Loop::Timer beat_;
};

}  // namespace larder::invalidator_event
