// gateway_@NAME@.cpp -- a line asks for NAMESPACE:KEY, a line answers with the value, or with nothing.
//
// One thread serves all connections. It listens in start, so that a taken port is an error with a reason, and in stop it ends
// the connections and joins the thread. Everything it serves comes from larder.cache/1.
#include <larder/plugin/cpp.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

using namespace larder::plugin;

class @CLASS@ {
  public:
    static constexpr const char* name = "@NAME@";
    static constexpr std::uint64_t caps = 0;

    @CLASS@(Host host, const Config& config) : host_(host), listen_(config.text("listen")) {}
    ~@CLASS@() { stop(0); }

    void start() {
        const auto colon = listen_.rfind(':');
        sockaddr_in at{};
        at.sin_family = AF_INET;
        if (colon == listen_.npos || inet_pton(AF_INET, listen_.substr(0, colon).c_str(), &at.sin_addr) != 1)
            throw Error(LARDER_E_CONFIG, "listen is HOST:PORT of IPv4, found " + listen_);
        at.sin_port = htons(static_cast<std::uint16_t>(std::atoi(listen_.c_str() + colon + 1)));
        socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        const int on = 1;
        setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || ::listen(socket_, 64) != 0) {
            const std::string why = std::strerror(errno);
            close_all();
            throw Error(LARDER_E_IO, "cannot listen on " + listen_ + ": " + why);
        }
        socklen_t size = sizeof at;
        getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size);
        char text[INET_ADDRSTRLEN] = {};
        inet_ntop(AF_INET, &at.sin_addr, text, sizeof text);
        address_ = std::string(text) + ':' + std::to_string(ntohs(at.sin_port));
        if (pipe2(wake_, O_CLOEXEC) != 0) throw Error(LARDER_E_IO, "no pipe can be made");
        thread_ = std::thread([this] { serve(); });
    }

    void stop(std::uint64_t) {
        if (!thread_.joinable()) return;
        static_cast<void>(!write(wake_[1], "x", 1));
        thread_.join();
        close_all();
    }

    std::string address(std::uint32_t index) const { return index == 0 ? address_ : ""; }

  private:
    struct Client {
        int fd;
        std::string in;
    };
    static constexpr std::size_t longest_line = 64 << 10, most_clients = 1000;

    void serve() {
        for (;;) {
            std::vector<pollfd> waits = {{wake_[0], POLLIN, 0}, {socket_, POLLIN, 0}};
            for (const Client& client : clients_) waits.push_back({client.fd, POLLIN, 0});
            if (poll(waits.data(), waits.size(), -1) < 0) continue;
            if (waits[0].revents != 0) return;
            for (std::size_t n = clients_.size(); n-- > 0;)
                if (waits[n + 2].revents != 0 && !read_from(clients_[n])) {
                    close(clients_[n].fd);
                    clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(n));
                }
            if (waits[1].revents == 0) continue;
            const int fd = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (fd >= 0 && clients_.size() < most_clients)
                clients_.push_back({fd, {}});
            else if (fd >= 0)
                close(fd);
        }
    }

    // False: the connection is over.
    bool read_from(Client& client) {
        char bytes[4096];
        const ssize_t got = recv(client.fd, bytes, sizeof bytes, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return false;
        if (got > 0) client.in.append(bytes, static_cast<std::size_t>(got));
        for (std::size_t end; (end = client.in.find('\n')) != client.in.npos; client.in.erase(0, end + 1)) {
            const std::string line = answer(std::string_view(client.in).substr(0, end)) + '\n';
            // Who does not read his answers is let go of.
            if (send(client.fd, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) return false;
        }
        return client.in.size() <= longest_line;
    }

    std::string answer(std::string_view asked) {
        const larder_cache_api& cache = host_.service<larder_cache_api>(LARDER_SVC_CACHE);
        std::uint32_t ns = 0, prefix = 0;
        if (cache.resolve(host_.raw(), bytes_of(asked), LARDER_NS_NONE, &ns, &prefix) != LARDER_OK) return {};
        larder_cache_get item{};
        item.ns = ns;
        item.key = bytes_of(asked.substr(prefix));
        larder_call call{};
        call.struct_size = sizeof call;
        call.role = LARDER_ROLE_READ;
        call.deadline_ns = host_.mono_ns() + 1'000'000'000;
        if (cache.get_many(host_.raw(), &item, 1, &call) != LARDER_OK || item.status != LARDER_OK) return {};
        return std::string(Value(&item.value).text());
    }

    void close_all() {
        for (const Client& client : clients_) close(client.fd);
        clients_.clear();
        for (int* fd : {&socket_, &wake_[0], &wake_[1]}) {
            if (*fd >= 0) close(*fd);
            *fd = -1;
        }
    }

    const Host host_;
    const std::string listen_;
    std::string address_;
    int socket_ = -1, wake_[2] = {-1, -1};
    std::vector<Client> clients_;  // of the thread
    std::thread thread_;
};

LARDER_MODULE(&Gateway<@CLASS@>::value)
