// plugins/net/stream.cpp -- see stream.hpp.
#include "stream.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace larder::net {

Stream::Stream(int descriptor, const TlsContext* tls) : descriptor_(descriptor) {
    if (tls != nullptr) {
        tls_ = std::make_unique<TlsSession>(*tls, descriptor);
    }
}

Io Stream::read(char* to, std::size_t room, std::size_t& got, bool& drained) noexcept {
    if (tls_) {
        return tls_->read(to, room, got, drained);
    }
    ssize_t n = 0;
    do {
        n = ::recv(descriptor_, to, room, 0);
    } while (n < 0 && errno == EINTR);
    got = n > 0 ? static_cast<std::size_t>(n) : 0;
    drained = got < room;
    if (n > 0) {
        return Io::Done;
    }
    return n == 0 ? Io::Ended : errno == EAGAIN || errno == EWOULDBLOCK ? Io::Later : Io::Failed;
}

Io Stream::write(const iovec* parts, std::size_t count, std::size_t& sent) noexcept {
    sent = 0;
    if (tls_) {
        Io last = Io::Done;
        for (std::size_t i = 0; i < count && last == Io::Done; ++i) {
            std::size_t n = 0;
            last = tls_->write(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len, n);
            sent += n;
        }
        return last == Io::Later && sent != 0 ? Io::Done : last;
    }
    ssize_t n = 0;
    do {
        if (count == 1) {
            n = ::send(descriptor_, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
        } else {
            msghdr message{};
            message.msg_iov = const_cast<iovec*>(parts);  // which sendmsg does not write to
            message.msg_iovlen = count;
            n = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
        }
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK ? Io::Later : Io::Failed;
    }
    sent = static_cast<std::size_t>(n);
    return Io::Done;
}

void Stream::finish() noexcept {
    if (tls_) {
        tls_->finish();
    }
    ::shutdown(descriptor_, SHUT_WR);
}

void Stream::close() noexcept {
    tls_.reset();
    if (descriptor_ >= 0) {
        ::close(std::exchange(descriptor_, -1));
    }
}

}  // namespace larder::net
