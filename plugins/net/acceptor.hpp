// plugins/net/acceptor.hpp -- a listening socket that hands out connections.
//
// Lives on one thread of its gateway, the first; who gets a connection is the gateway's to say. When the system
// refuses to accept (no descriptor is left), it listens no more until its loop's next tick, so that a full
// process does not spin.
#pragma once
#include "event_loop.hpp"
#include "listen_address.hpp"
#include "stream.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace larder::net {

class Acceptor;

// What a gateway does for its listeners. All on the acceptors' thread.
class AcceptorHost {
  public:
    // Whether nobody more may come in; counts whom it turns away.
    virtual bool full() = 0;
    // What is said to whoever is turned away, over a connection without TLS.
    [[nodiscard]] virtual std::string_view sorry() const noexcept = 0;
    // peer: "127.0.0.1:52114", empty on a unix socket.
    virtual void welcome(Stream stream, std::string peer, const Acceptor& at) = 0;
    virtual void warn(const std::string& what) = 0;
    // Calls back at the loop's next tick.
    virtual void retry(std::function<void()> then) = 0;
    [[nodiscard]] virtual std::uint64_t now_ns() const noexcept = 0;

  protected:
    ~AcceptorHost() = default;
};

class Acceptor final : public Watcher {
  public:
    // tls: of listeners whose address says so. Throws std::runtime_error with a reason.
    Acceptor(AcceptorHost& host, EventLoop& loop, const ListenAddress& where, const TlsContext* tls, unsigned unix_mode);

    // As ListenAddress is written, with the port that the system chose.
    [[nodiscard]] const std::string& bound() const noexcept { return socket_.bound(); }
    [[nodiscard]] int port() const noexcept { return socket_.port(); }
    [[nodiscard]] bool local() const noexcept { return local_; }  // a unix socket
    [[nodiscard]] bool secure() const noexcept { return tls_ != nullptr; }
    // On its thread.
    void close();
    void on_ready(std::uint32_t) override;

  private:
    void pause(int error);
    void take(int client);

    AcceptorHost& host_;
    EventLoop& loop_;
    const TlsContext* const tls_;
    const bool local_;
    ListeningSocket socket_;
    bool closed_ = false;
    std::uint64_t said_full_ns_ = 0;
};

}  // namespace larder::net
