// plugins/net/stream.hpp -- the bytes of one client, over a socket as it is or over TLS.
//
// Never blocks.
#pragma once
#include "tls.hpp"

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <utility>

namespace larder::net {

// Owns the descriptor. One thread.
class Stream {
  public:
    // tls: NULL, or the context of the listener; the handshake happens in the first reads.
    Stream(int descriptor, const TlsContext* tls);
    Stream(Stream&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)), tls_(std::move(other.tls_)) {}
    Stream& operator=(Stream&&) = delete;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() { close(); }

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] bool encrypted() const noexcept { return tls_ != nullptr; }

    // Done with got > 0; drained: there is no more until the socket becomes ready again.
    Io read(char* to, std::size_t room, std::size_t& got, bool& drained) noexcept;
    // Done with sent > 0, which may be less than all.
    Io write(const iovec* parts, std::size_t count, std::size_t& sent) noexcept;
    // Says that no more comes.
    void finish() noexcept;
    void close() noexcept;

  private:
    int descriptor_;
    std::unique_ptr<TlsSession> tls_;
};

}  // namespace larder::net
