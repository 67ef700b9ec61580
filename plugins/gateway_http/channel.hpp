// plugins/gateway_http/channel.hpp -- one connection's bytes, both ways, and how far they have come.
//
// Over an edge-triggered loop: who is told that a socket is ready remembers it here until a read or a
// write says otherwise. Large values of the cache are written from where they lie, behind what was said
// before them; until they are gone nothing else can be said.
#pragma once
#include "plugins/net/buffer.hpp"
#include "plugins/net/stream.hpp"

#include <larder/plugin/abi.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder::http {

class Channel {
  public:
    explicit Channel(net::Stream stream) : stream_(std::move(stream)) {}
    ~Channel() { drop_value(); }
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    void note(std::uint32_t events) noexcept;
    // Reads what one read gives. False: nothing came, and nothing ended.
    bool receive(std::size_t room);
    // Writes what can be written now. False: the connection is broken.
    bool flush() noexcept;
    // `value` becomes ours; `part` lies in it. REQUIRES: free_to_say().
    void say(std::string_view part, larder_value value) noexcept;
    [[nodiscard]] bool free_to_say() const noexcept { return part_.empty(); }
    [[nodiscard]] std::size_t pending() const noexcept { return out.size() + part_.size(); }
    [[nodiscard]] bool readable() const noexcept { return readable_ && !ended_ && !failed_; }
    [[nodiscard]] bool ended() const noexcept { return ended_; }    // the other side has said its last
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    [[nodiscard]] bool hung_up() const noexcept { return hung_up_; }  // neither reads nor writes any more
    [[nodiscard]] int descriptor() const noexcept { return stream_.descriptor(); }
    [[nodiscard]] bool encrypted() const noexcept { return stream_.encrypted(); }
    void finish() noexcept { stream_.finish(); }
    void close() noexcept;

    net::Buffer in, out;
    std::uint64_t bytes_in = 0, bytes_out = 0;

  private:
    void drop_value() noexcept;

    net::Stream stream_;
    bool readable_ = false, writable_ = true, ended_ = false, failed_ = false, hung_up_ = false;
    std::string_view part_;
    larder_value value_{};
};

}  // namespace larder::http
