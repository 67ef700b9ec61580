// kernel/serve/client.cpp -- one question to a running kernel, over blocking calls with a time limit.
#include "kernel/serve/client.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace larder::serve {
namespace {

// An answer holds at most a value and some lines.
constexpr std::uint32_t max_answer_bytes = std::uint32_t{1} << 31;

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool receive_all(int fd, char* to, std::size_t size) {
    while (size != 0) {
        const auto got = ::recv(fd, to, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            if (got == 0) errno = ECONNRESET;
            return false;
        }
        to += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

std::string why(int error) {
    if (error == EAGAIN || error == EWOULDBLOCK) return "no answer in time";
    return std::strerror(error);
}

bool is_friend(int fd) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == ::geteuid() || ::geteuid() == 0);
}

}  // namespace

std::optional<Answer> ask(const std::string& socket, const Message& request,
                          std::chrono::seconds timeout, std::string& problem) {
    const auto fail = [&](const std::string& reason) {
        problem = "no kernel answers at " + socket + ": " + reason +
                  "\nstart one with `larder serve`, or name its socket with `--socket PATH` "
                  "(the ready line of `larder serve` shows it as admin=)";
        return std::nullopt;
    };
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.size() >= sizeof address.sun_path) return fail("the path is too long for a socket");
    std::memcpy(address.sun_path, socket.data(), socket.size());

    const Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) return fail(why(errno));
    const timeval limit{timeout.count(), 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail(why(errno));
    if (!is_friend(fd.get())) return fail("it belongs to another user");

    char header[frame_header];
    if (!send_all(fd.get(), encode(request)) || !receive_all(fd.get(), header, sizeof header))
        return fail(why(errno));
    const std::uint32_t size = frame_size(header);
    if (size > max_answer_bytes) return fail("what answers there is no larder");
    std::string body(size, '\0');
    if (!receive_all(fd.get(), body.data(), body.size())) return fail(why(errno));
    const auto message = decode(body);
    auto answer = message ? to_answer(*message) : std::nullopt;
    if (!answer) return fail("what answers there is no larder");
    return answer;
}

}  // namespace larder::serve
