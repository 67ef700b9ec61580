// plugins/invalidator_route/event_socket.hpp -- a unix datagram socket that hosts tell requests to.
//
// The file belongs to us alone: mode 0600 from the moment it exists, a socket left behind by a
// process that is gone is replaced, one that somebody listens on, or anything that is no socket, is
// refused. close() removes the file if it is still ours.
#pragma once

#include "file_descriptor.hpp"

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace larder::invalidator_route {

class EventSocket {
  public:
    using Line = std::function<void(std::string_view)>;

    explicit EventSocket(std::string path) : path_(std::move(path)) {}
    ~EventSocket() { close(); }
    EventSocket(const EventSocket&) = delete;
    EventSocket& operator=(const EventSocket&) = delete;

    // Throws plugin::Error with what is in the way.
    void open();
    void close() noexcept;

    // Hands over the lines of the datagrams that wait, some dozens at most. True: there may be
    // more.
    bool receive(const Line& line);

    int descriptor() const noexcept { return fd_.get(); }
    // Datagrams over 64 KiB, which were skipped.
    std::uint64_t too_long() const noexcept { return too_long_; }

  private:
    void remove_stale() const;

    const std::string path_;
    FileDescriptor fd_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    std::uint64_t too_long_ = 0;
    std::array<char, std::size_t{64} << 10> datagram_;
};

}  // namespace larder::invalidator_route
