// plugins/store_redis/stream.hpp -- hearing of every change on one server: a connection that receives its
// own invalidations.
//
// In RESP2 a connection may redirect broadcast tracking to itself: CLIENT ID, CLIENT TRACKING ON REDIRECT
// <that id> BCAST PREFIX ..., SUBSCRIBE __redis__:invalidate. Registration and reception end together, so
// no half of it can die unnoticed, as with a redirect to another connection.
//
// A connection that answers PING proves nothing about pushes. So the server writes a canary key under a
// tracked prefix at every heartbeat; the stream is trusted from the moment one is told back, and for no
// longer than max_staleness after the last one that came back was written. Then it is made anew.
//
// A push is an array of keys, or nil for a flush. Anybody who may PUBLISH can send a text on that
// channel: it is ignored, and counted.
#pragma once

#include "server.hpp"
#include "wire.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace larder::store_redis {

class Stream final : private Transport::User {
  public:
    class Owner {
      public:
        virtual void on_keys(const larder_bytes* keys, std::size_t n) = 0;
        virtual void on_all() = 0;
        virtual void on_proved(bool yes) = 0;
        // The stream hears: write the canary now.
        virtual void on_listening() = 0;

      protected:
        ~Owner() = default;
    };

    Stream(const Server::Surroundings& around, const Endpoint& endpoint, const TlsContext* tls,
           std::string canary, Owner& owner);
    ~Stream();

    void open();
    void close() noexcept;
    bool listening() const noexcept { return state_ == State::listening; }
    bool proved() const noexcept { return proved_; }
    const std::string& canary() const noexcept { return canary_; }
    // The key to write from now on. Those of the key before prove nothing any more.
    void set_canary(std::string key);
    // The canary is being written.
    void canary_sent();
    std::uint64_t proof_ns() const noexcept { return proof_ns_; }  // 0: none

  private:
    enum class State { closed, connecting, greeting, identified, listening };

    void on_connected() override;
    void on_bytes(const char* data, std::size_t size) override;
    void on_written() override {}
    void on_failed(const std::string& cause) override;
    bool on_reply(Reply& reply);
    bool on_push(Reply& reply);
    void proof();
    void watch();
    void fail(const std::string& cause);
    void send(std::string wire) { transport_->write(wire); }

    const Server::Surroundings around_;
    const Endpoint& endpoint_;
    const TlsContext* tls_;
    std::string canary_;
    Owner& owner_;
    State state_ = State::closed;
    std::shared_ptr<Transport> transport_;
    std::unique_ptr<Reader> reader_;
    Loop::Timer timer_, again_;
    std::uint32_t greeted_ = 0, failures_ = 0;
    bool proved_ = false;
    std::deque<std::uint64_t> canaries_;  // when they were written, those not yet told back
    std::uint64_t proof_ns_ = 0;
    std::vector<larder_bytes> keys_;
};

}  // namespace larder::store_redis
