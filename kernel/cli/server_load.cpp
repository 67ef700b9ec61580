// kernel/cli/server_load.cpp -- see server_load.hpp.
#include "kernel/cli/server_load.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace larder::cli {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::seconds patience{10};  // with a server that says nothing

// ---- connecting ---------------------------------------------------------------------------------

int connect_local(const std::string& path) {
    sockaddr_un name{};
    if (path.size() >= sizeof name.sun_path) return -1;
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
        ::close(fd);
        return -1;
    }
    return fd;
}

int connect_tcp(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos) {
        errno = EINVAL;
        return -1;
    }
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), address.c_str() + colon + 1, &wanted, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> kept(found, &::freeaddrinfo);
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        const int fd = ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, 0);
        if (fd < 0) continue;
        if (::connect(fd, one->ai_addr, one->ai_addrlen) == 0) {
            const int yes = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            return fd;
        }
        ::close(fd);
    }
    return -1;
}

// ---- answers ------------------------------------------------------------------------------------

// Counts whole answers in a stream, whatever the size of its pieces.
class Answers {
  public:
    explicit Answers(LoadPlan::Dialect dialect) : memcached_(dialect == LoadPlan::Dialect::memcached) {}

    // How many ended in these bytes. False in `good`: they are no answers.
    std::uint64_t take(std::string_view bytes, LoadResult& out, bool& good) {
        std::uint64_t ended = 0;
        while (!bytes.empty() && good) {
            if (skip_ != 0) {
                const std::size_t part = std::min(skip_, bytes.size());
                bytes.remove_prefix(part);
                skip_ -= part;
                if (skip_ == 0 && !memcached_) ++ended;
                continue;
            }
            const std::size_t end = bytes.find('\n');
            line_.append(bytes.substr(0, std::min(end, bytes.size())));
            if (end == std::string_view::npos) break;
            bytes.remove_prefix(end + 1);
            if (!line_.empty() && line_.back() == '\r') line_.pop_back();
            good = memcached_ ? memcached_line(ended, out) : resp_line(ended, out);
            line_.clear();
        }
        return ended;
    }

  private:
    bool number(std::string_view text, long long& value) const {
        const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc{};
    }
    void failed(LoadResult& out) {
        if (out.errors++ == 0) out.first_error = line_;
    }
    bool resp_line(std::uint64_t& ended, LoadResult& out) {
        long long size = 0;
        switch (line_.empty() ? '?' : line_[0]) {
            case '-':
                failed(out);
                [[fallthrough]];
            case '+':
            case ':':
                ++ended;
                return true;
            case '$':
                if (!number(std::string_view(line_).substr(1), size)) return false;
                if (size < 0) ++ended;
                else skip_ = static_cast<std::size_t>(size) + 2;
                return true;
            default:
                return false;
        }
    }
    bool memcached_line(std::uint64_t& ended, LoadResult& out) {
        if (line_.starts_with("VALUE ")) {
            long long size = 0;
            if (!number(std::string_view(line_).substr(line_.rfind(' ') + 1), size)) return false;
            skip_ = static_cast<std::size_t>(size) + 2;
            return true;
        }
        ++ended;
        if (line_.find("ERROR") != std::string::npos) failed(out);
        return line_ == "END" || line_ == "STORED" || line_ == "DELETED" || line_ == "NOT_FOUND" ||
               line_.find("ERROR") != std::string::npos;
    }

    const bool memcached_;
    std::string line_;      // begun and not ended
    std::size_t skip_ = 0;  // of a value, its line end included
};

// ---- requests -----------------------------------------------------------------------------------

class Requests {
  public:
    explicit Requests(const LoadPlan& plan) : plan_(plan), value_(plan.value_bytes, 'v') {
        const std::size_t place = plan.keys.find("{n}");
        before_ = plan.keys.substr(0, place);
        if (place != std::string::npos) after_ = plan.keys.substr(place + 3);
    }
    void append(std::string& out) {
        key_ = before_ + std::to_string(plan_.count != 0 ? next_++ : below(plan_.entries)) + after_;
        const bool resp = plan_.dialect == LoadPlan::Dialect::resp;
        switch (plan_.what) {
            case LoadPlan::What::get:
                resp ? words(out, {"GET", key_}) : void(out.append("get ").append(key_).append("\r\n"));
                break;
            case LoadPlan::What::set:
                if (resp) return words(out, {"SET", key_, value_});
                out.append("set ").append(key_).append(" 0 0 ").append(std::to_string(value_.size()));
                out.append("\r\n").append(value_).append("\r\n");
                break;
            case LoadPlan::What::remove:
                resp ? words(out, {"UNLINK", key_})
                     : void(out.append("delete ").append(key_).append("\r\n"));
                break;
        }
    }
    static void words(std::string& out, std::initializer_list<std::string_view> all) {
        out.append("*").append(std::to_string(all.size())).append("\r\n");
        for (const std::string_view word : all)
            out.append("$").append(std::to_string(word.size())).append("\r\n").append(word).append("\r\n");
    }

  private:
    std::uint64_t below(std::uint64_t n) noexcept {  // xorshift64*
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return ((state_ * 0x2545f4914f6cdd1du) >> 16) % n;
    }

    const LoadPlan& plan_;
    const std::string value_;
    std::string before_, after_, key_;
    std::uint64_t next_ = 0, state_ = 88172645463325252u;
};

// ---- a client -----------------------------------------------------------------------------------

struct Client {
    Client(int descriptor, LoadPlan::Dialect dialect) : fd(descriptor), answers(dialect) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { ::close(fd); }

    const int fd;
    Answers answers;
    std::string out;
    std::size_t sent = 0;
    std::uint64_t waiting = 0, asked = 0;
    Steady::time_point began;
    bool half_sent = false;
};

enum class Sent { all, some, failed };

Sent send_some(Client& c) {
    while (c.sent < c.out.size()) {
        const ssize_t n = ::send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) return errno == EAGAIN || errno == EINTR ? Sent::some : Sent::failed;
        c.sent += static_cast<std::size_t>(n);
    }
    return Sent::all;
}

class Load {
  public:
    Load(const LoadPlan& plan, LoadResult& out, std::string& problem)
        : plan_(plan), out_(out), problem_(problem), requests_(plan), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load() { ::close(epoll_); }

    bool run() {
        for (unsigned i = 0; i < plan_.clients; ++i)
            if (!connect()) return false;
        const auto began = Steady::now();
        end_ = began + plan_.time;
        for (const auto& client : clients_)
            if (!ask(*client)) return false;
        std::array<epoll_event, 256> events;
        while (busy_ != 0) {
            const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                           static_cast<int>(std::chrono::milliseconds(patience).count()));
            if (ready < 0 && errno == EINTR) continue;
            if (ready <= 0) return refuse("does not answer");
            for (int i = 0; i < ready; ++i)
                if (!go_on(*static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr))) return false;
        }
        out_.seconds = std::chrono::duration<double>(Steady::now() - began).count();
        return true;
    }

  private:
    bool refuse(const std::string& what) {
        problem_ = plan_.address + " " + what;
        return false;
    }

    bool connect() {
        const int fd = plan_.address.starts_with("unix:") ? connect_local(plan_.address.substr(5))
                                                          : connect_tcp(plan_.address);
        if (fd < 0) return refuse(std::string("cannot be reached: ") + std::strerror(errno));
        clients_.push_back(std::make_unique<Client>(fd, plan_.dialect));
        Client& client = *clients_.back();
        if (!plan_.password.empty()) {
            Requests::words(client.out, {"AUTH", plan_.password});
            std::array<char, 512> said;
            const bool sent = send_some(client) == Sent::all;
            const ssize_t n = sent ? ::recv(fd, said.data(), said.size(), 0) : -1;
            if (n <= 0 || said[0] != '+')
                return refuse("refuses the password: " +
                              std::string(said.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))));
        }
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = &client;
        return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0 || refuse("cannot be watched");
    }

    // The next requests of a client, unless it is over.
    bool ask(Client& c) {
        const auto now = Steady::now();
        std::uint64_t n = plan_.depth;
        if (plan_.count != 0) n = std::min<std::uint64_t>(n, plan_.count - asked_);
        else if (now >= end_) n = 0;
        if (n == 0) return true;
        asked_ += n;
        ++busy_;
        c.out.clear();
        c.sent = 0;
        c.waiting = c.asked = n;
        for (std::uint64_t i = 0; i < n; ++i) requests_.append(c.out);
        c.began = Steady::now();
        return send_rest(c);
    }

    bool send_rest(Client& c) {
        const Sent how = send_some(c);
        if (how == Sent::failed) return refuse("has closed the connection");
        if ((how == Sent::some) == c.half_sent) return true;
        c.half_sent = how == Sent::some;
        epoll_event event{};
        event.events = c.half_sent ? EPOLLIN | EPOLLOUT : EPOLLIN;
        event.data.ptr = &c;
        return ::epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd, &event) == 0 || refuse("cannot be watched");
    }

    bool go_on(Client& c) {
        if (c.sent < c.out.size() && !send_rest(c)) return false;
        const ssize_t n = ::recv(c.fd, room_.data(), room_.size(), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
        if (n <= 0) return refuse("has closed the connection");
        bool good = true;
        const std::uint64_t ended =
            c.answers.take({room_.data(), static_cast<std::size_t>(n)}, out_, good);
        if (!good) return refuse("answers in another language");
        out_.answers += ended;
        c.waiting -= std::min(c.waiting, ended);
        if (c.waiting != 0) return true;
        out_.latencies.add(static_cast<std::uint64_t>((Steady::now() - c.began).count()), c.asked);
        --busy_;
        return ask(c);
    }

    const LoadPlan& plan_;
    LoadResult& out_;
    std::string& problem_;
    Requests requests_;
    const int epoll_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::array<char, 1u << 17> room_;
    Steady::time_point end_;
    std::uint64_t asked_ = 0, busy_ = 0;
};

}  // namespace

bool load_server(const LoadPlan& plan, LoadResult& out, std::string& problem) {
    const auto load = std::make_unique<Load>(plan, out, problem);
    return load->run();
}

}  // namespace larder::cli
