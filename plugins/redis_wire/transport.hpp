// plugins/redis_wire/transport.hpp -- bytes to a server and back: TCP, TLS or a unix socket; the home of
// Boost.Asio's sockets.
//
// Everything on the loop, but send_now. A transport is used for one connection: connect, then bytes until
// it fails or is closed; closing tells nobody. The object lives on in what is under way until that ends.
//
// TLS is verified (chain and name) unless the options say otherwise; 1.2 and 1.3.
#pragma once

#include "loop.hpp"
#include "connection_options.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace larder::redis_wire {

// What TLS needs, read once; shared by all connections of a store.
class TlsContext {
  public:
    // Throws plugin::Error (LARDER_E_CONFIG) with the option that is wrong.
    explicit TlsContext(const ConnectionOptions& options);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    struct Impl;
    Impl& impl() const noexcept { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

class Transport {
  public:
    class User {
      public:
        virtual void on_connected() = 0;
        virtual void on_bytes(const char* data, std::size_t size) = 0;
        virtual void on_written() = 0;  // what write() was given is with the system
        virtual void on_failed(const std::string& cause) = 0;  // once, and nothing after it

      protected:
        ~User() = default;
    };

    virtual ~Transport() = default;
    // user is told until close() or on_failed. tls: nullptr when the endpoint has none.
    static std::shared_ptr<Transport> make(Loop& loop, const Endpoint& endpoint,
                                           const TlsContext* tls, const std::string& tls_name,
                                           User& user);

    virtual void connect() = 0;
    // Takes data, and leaves an empty string with room in its place. One at a time: the next after
    // on_written.
    virtual void write(std::string& data) = 0;
    virtual void close() noexcept = 0;
    // Hands the socket over: it is the caller's from now on, and nothing is told any more. -1: it cannot be
    // had. REQUIRES: direct(), connected, no write() under way.
    virtual int release() noexcept = 0;

    // Whether send_now may be used: not with TLS.
    virtual bool direct() const noexcept = 0;
    // Writes what the system takes at once, 0 when it takes nothing; a broken connection is found by the
    // reading side. REQUIRES: connected, not closed, no write() under way, and nobody else in here. [any]
    virtual std::size_t send_now(const char* data, std::size_t size) noexcept = 0;
};

}  // namespace larder::redis_wire
