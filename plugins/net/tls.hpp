// plugins/net/tls.hpp -- TLS for listeners that want it; the one home of OpenSSL.
//
// TLS 1.2 and 1.3, the library's own choice of ciphers, no renegotiation, no compression. A session
// never blocks, raises no SIGPIPE, and does its handshake in the first reads.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace larder::net {

// How a read or write went.
enum class Io {
    Done,   // something was read or written
    Later,  // nothing now; the socket will become ready
    Ended,  // the peer has said its last
    Failed
};

struct TlsOptions {
    std::string certificate;  // path: PEM, the server's certificate and what is between it and a root
    std::string client_ca;    // path: PEM; not empty: clients need a certificate signed by one of these
};

// Set up once; sessions of all threads share it.
class TlsContext {
  public:
    // key: PEM of the certificate's private key. Throws std::runtime_error with a reason.
    TlsContext(const TlsOptions& options, std::string_view key);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

  private:
    friend class TlsSession;
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// One client's; one thread. Does not own the descriptor.
class TlsSession {
  public:
    // Throws std::bad_alloc.
    TlsSession(const TlsContext& context, int descriptor);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    // As Stream's.
    Io read(char* to, std::size_t room, std::size_t& got, bool& drained) noexcept;
    Io write(const char* from, std::size_t size, std::size_t& written) noexcept;
    void finish() noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace larder::net
