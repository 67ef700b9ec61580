// plugins/gateway_http/upstream.hpp -- connections to the applications, and the ones of a thread that rest.
#pragma once
#include "channel.hpp"
#include "gateway.hpp"

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace larder::http {

// Who uses a connection: an exchange, one at a time.
class UpstreamUser {
  public:
    virtual void on_connected(bool well) = 0;
    virtual void on_upstream() = 0;  // something can be read or written, or it is over

  protected:
    ~UpstreamUser() = default;
};

class Upstream final : public net::Watcher, public std::enable_shared_from_this<Upstream> {
  public:
    Upstream(Home& home, Origin& where, net::Stream stream) : home_(home), origin(where), channel(std::move(stream)) {}
    void on_ready(std::uint32_t events) override;
    // Has the loop tell the user once more, after all others.
    void again();
    void close();

  private:
    friend class UpstreamPool;
    Home& home_;

  public:
    Origin& origin;
    Channel channel;
    UpstreamUser* user = nullptr;  // NULL: it rests
    bool connecting = true, used_before = false, closed = false;
    std::uint64_t rests_since_ns = 0;

  private:
    bool queued_ = false;
};

// Of one thread.
class UpstreamPool {
  public:
    UpstreamPool(Gateway& gateway, Home& home) : gateway_(gateway), home_(home) {}
    // One that rests (then user->on_connected has not to be waited for), or a new one. NULL: none can be
    // had now, `why` says why; crowded: the reason is here and not there.
    enum class Want : std::uint8_t {
        any,
        steady,  // for what cannot be sent twice: one that has rested a while, so that an application that closed it
                 // right behind its last answer has been heard, and not so long that it is about to
        fresh
    };
    std::shared_ptr<Upstream> take(Origin& origin, UpstreamUser& user, Want want, const char*& why, bool& crowded);
    // The exchange is over; reusable: it ended where a message ends.
    void give_back(const std::shared_ptr<Upstream>& upstream, bool reusable);
    void tick(std::uint64_t now_ns);
    void close_resting();

  private:
    friend class Upstream;
    void forget(Upstream& upstream);
    struct Resting;
    std::shared_ptr<Upstream> rested(Resting& resting, Want want);
    Gateway& gateway_;
    Home& home_;
    struct Resting {
        std::vector<std::shared_ptr<Upstream>> connections;  // the last used is taken first
        std::size_t open = 0;                                // resting and not
    };
    std::unordered_map<const Origin*, Resting> by_origin_;
};

}  // namespace larder::http
