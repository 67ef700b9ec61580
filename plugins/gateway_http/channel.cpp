// plugins/gateway_http/channel.cpp -- see channel.hpp.
#include "channel.hpp"

#include <sys/epoll.h>

namespace larder::http {

void Channel::note(std::uint32_t events) noexcept {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
}

bool Channel::receive(std::size_t room) {
    if (!readable()) return false;
    char* const to = in.grow(room);
    std::size_t got = 0;
    bool drained = false;
    switch (stream_.read(to, room, got, drained)) {
        case net::Io::Done: break;
        case net::Io::Later: readable_ = false; return false;
        case net::Io::Ended: ended_ = true; return true;
        case net::Io::Failed: failed_ = true; return true;
    }
    in.commit(got);
    bytes_in += got;
    // Hung up: there is no further event, so reads go on until they say that it is over.
    readable_ = !drained || hung_up_;
    return true;
}

bool Channel::flush() noexcept {
    while (writable_ && pending() != 0) {
        iovec parts[2];
        std::size_t count = 0;
        if (!out.empty()) parts[count++] = {out.data(), out.size()};
        if (!part_.empty()) parts[count++] = {const_cast<char*>(part_.data()), part_.size()};
        std::size_t sent = 0;
        switch (stream_.write(parts, count, sent)) {
            case net::Io::Done: break;
            case net::Io::Later: writable_ = false; return true;
            case net::Io::Ended:
            case net::Io::Failed: failed_ = true; return false;
        }
        bytes_out += sent;
        const std::size_t first = sent < out.size() ? sent : out.size();
        out.consume(first);
        part_.remove_prefix(sent - first);
        if (part_.empty()) drop_value();
    }
    return !failed_;
}

void Channel::say(std::string_view part, larder_value value) noexcept {
    part_ = part;
    value_ = value;
    if (part_.empty()) drop_value();
}

void Channel::drop_value() noexcept {
    part_ = {};
    if (value_.release != nullptr) value_.release(&value_);
    value_ = {};
}

void Channel::close() noexcept {
    stream_.close();
    drop_value();
    readable_ = writable_ = false;
    failed_ = true;
}

}  // namespace larder::http
