// plugins/gateway_resp/server.cpp -- see server.hpp.
#include "server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <unordered_map>

namespace larder::resp {

// ---- a thread -----------------------------------------------------------------------------------

class Server::Thread final : public Home {
  public:
    Thread(Gateway& gateway, unsigned number)
        : gateway_(gateway),
          number_(number),
          period_ns_(
              std::clamp<std::uint64_t>(gateway.options.timeout_ns / 4, 5'000'000, 100'000'000)),
          loop_(gateway.options.looks) {
        loop_.on_tick([this] { tick(); });
    }

    EventLoop& loop() noexcept override { return loop_; }

    void start() {
        thread_ = std::thread([this] {
            Counter::use_cell(number_);
            loop_.run();
        });
    }
    void join() {
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    // On this thread, as all that follows.
    void adopt(Stream stream, std::string address, std::string local) {
        if (stopping_) {
            return count_out();
        }
        std::shared_ptr<Connection> connection;
        try {
            connection = std::make_shared<Connection>(gateway_, *this, std::move(stream),
                                                      std::move(address), std::move(local));
            connections_.emplace(connection.get(), connection);
        } catch (const std::bad_alloc&) {
            return count_out();
        }
        arm();
        connection->start();
    }
    void drain(std::uint64_t deadline_ns) {
        stopping_ = true;
        deadline_ns_ = deadline_ns;
        for (const auto& connection : everyone()) {
            connection->drain();
        }
        arm();
    }
    // The listener could not accept: it is asked to try again at the next tick.
    void retry(std::function<void()> listener) {
        retries_.push_back(std::move(listener));
        arm();
    }

    void closed(Connection& connection) override {
        const auto found = connections_.find(&connection);
        loop_.bury(std::move(found->second));
        connections_.erase(found);
        count_out();
        arm();
    }

  private:
    void count_out() { gateway_.counters.connections.fetch_sub(1, std::memory_order_relaxed); }

    std::vector<std::shared_ptr<Connection>> everyone() const {
        std::vector<std::shared_ptr<Connection>> all;
        all.reserve(connections_.size());
        for (const auto& [key, connection] : connections_) {
            all.push_back(connection);
        }
        return all;
    }

    void arm() {
        if (stopping_ && connections_.empty()) {
            return loop_.stop();
        }
        const bool idle = connections_.empty() && retries_.empty();
        const std::uint64_t wanted = idle ? 0 : stopping_ ? 5'000'000 : period_ns_;
        if (wanted != armed_ns_) {
            armed_ns_ = wanted;
            loop_.tick_every(wanted);
        }
    }

    void tick() {
        std::vector<std::function<void()>> retries;
        retries.swap(retries_);
        for (const auto& retry : retries) {
            retry();
        }
        const std::uint64_t now = gateway_.now_ns();
        for (const auto& connection : everyone()) {
            if (stopping_ && now >= deadline_ns_) {
                connection->close();
            } else {
                connection->tick(now);
            }
        }
        arm();
    }

    Gateway& gateway_;
    const unsigned number_;
    const std::uint64_t period_ns_;
    EventLoop loop_;
    std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
    std::vector<std::function<void()>> retries_;
    std::uint64_t armed_ns_ = 0;
    bool stopping_ = false;
    std::uint64_t deadline_ns_ = 0;
    std::thread thread_;
};

namespace {

bool is_this_machine(std::string_view peer) noexcept {
    return peer.starts_with("127.") || peer.starts_with("[::1]");
}

}  // namespace

// ---- a listener ---------------------------------------------------------------------------------

class Server::Listener final : public Watcher {
  public:
    Listener(Server& server, const ListenAddress& where)
        : server_(server),
          gateway_(server.gateway_),
          first_(*server.threads_[0]),
          tls_(where.tls ? server.gateway_.tls.get() : nullptr),
          local_(!where.path.empty()),
          socket_(where, server.gateway_.options.unix_mode) {}

    [[nodiscard]] const std::string& bound() const noexcept { return socket_.bound(); }
    [[nodiscard]] int port() const noexcept { return socket_.port(); }

    void open() {
        if (!first_.loop().watch_listener(socket_.descriptor(), *this)) {
            throw std::system_error(errno, std::generic_category());
        }
    }
    // On the first thread.
    void close() {
        closed_ = true;
        socket_.close();
    }

    void on_ready(std::uint32_t) override {
        constexpr int at_once = 64;  // then it is somebody else's turn
        for (int i = 0; i < at_once && !closed_; ++i) {
            const int client =
                ::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (client >= 0) {
                take(client);
            } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
                return;
            } else if (errno != EINTR && errno != ECONNABORTED) {
                return pause(errno);
            }
        }
    }

  private:
    // Most often no descriptor is left.
    void pause(int error) {
        gateway_.log(LARDER_LOG_WARN, "cannot accept on " + bound() + ": " +
                                          std::generic_category().message(error));
        first_.loop().unwatch(socket_.descriptor());
        first_.retry([this] {
            if (!closed_ && !first_.loop().watch_listener(socket_.descriptor(), *this)) {
                pause(errno);
            }
        });
    }

    void take(int client) {
        if (gateway_.counters.connections.load(std::memory_order_relaxed) >=
            gateway_.options.max_connections) {
            count(gateway_.counters.refused);
            constexpr std::string_view sorry = "-ERR max number of clients reached\r\n";
            if (tls_ == nullptr) {
                ::send(client, sorry.data(), sorry.size(), MSG_NOSIGNAL);
            }
            ::close(client);
            return;
        }
        std::string address = socket_.bound().substr(local_ ? 5 : 0) + ":0", local = address;
        if (!local_) {
            address = peer_address(client);
            local = socket_.bound();
            const int yes = 1;
            ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            if (is_this_machine(address)) {
                // Nothing between two processes of one machine can be congested; what paces what it
                // sends (BBR) only costs time.
                constexpr std::string_view plainest = "reno";
                ::setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, plainest.data(), plainest.size());
            }
        }
        gateway_.counters.connections.fetch_add(1, std::memory_order_relaxed);
        count(gateway_.counters.connections_total);
        Thread& thread = server_.next_thread();
        // std::function wants copies; the stream has one owner.
        auto stream = std::make_shared<Stream>(client, tls_);
        const auto adopt = [&thread, address, local, stream] {
            thread.adopt(std::move(*stream), address, local);
        };
        if (&thread == &first_) {
            adopt();
        } else {
            thread.loop().post(adopt);
        }
    }

    Server& server_;
    Gateway& gateway_;
    Thread& first_;
    const TlsContext* const tls_;
    const bool local_;
    ListeningSocket socket_;
    bool closed_ = false;
};

// ---- all of it ----------------------------------------------------------------------------------

Server::Server(Gateway& gateway) : gateway_(gateway) {}

Server::~Server() { stop(0); }

Server::Thread& Server::next_thread() noexcept { return *threads_[turn_++ % threads_.size()]; }

void Server::start() {
    const auto listen_on = [this](const std::string& text) {
        ListenAddress where;
        if (!ListenAddress::parse(text, where)) {
            throw std::runtime_error("'" + text + "' is no address to listen on");
        }
        try {
            listeners_.push_back(std::make_unique<Listener>(*this, where));
            listeners_.back()->open();
        } catch (const std::exception& error) {
            throw std::runtime_error("cannot listen on " + text + ": " + error.what());
        }
        addresses_.push_back(listeners_.back()->bound());
        if (gateway_.port.load(std::memory_order_relaxed) == 0) {
            gateway_.port.store(listeners_.back()->port(), std::memory_order_relaxed);
        }
    };
    try {
        for (unsigned i = 0; i < gateway_.options.threads; ++i) {
            threads_.push_back(std::make_unique<Thread>(gateway_, i));
        }
        for (const std::string& text : gateway_.options.listen) {
            listen_on(text);
        }
    } catch (...) {
        listeners_.clear();
        threads_.clear();
        addresses_.clear();
        throw;
    }
    for (const auto& thread : threads_) {
        thread->start();
    }
}

void Server::stop(std::uint64_t deadline_ns) {
    if (threads_.empty()) {
        return;
    }
    // The first thread goes on handing out connections until its listeners are closed, so the others
    // drain after that.
    threads_[0]->loop().post([this, deadline_ns] {
        for (const auto& listener : listeners_) {
            listener->close();
        }
        for (const auto& thread : threads_) {
            thread->loop().post([&thread = *thread, deadline_ns] { thread.drain(deadline_ns); });
        }
    });
    for (const auto& thread : threads_) {
        thread->join();
    }
    listeners_.clear();
    threads_.clear();
}

std::string Server::address(std::size_t index) const {
    return index < addresses_.size() ? addresses_[index] : std::string();
}

}  // namespace larder::resp
