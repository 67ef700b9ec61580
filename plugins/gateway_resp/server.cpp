// plugins/gateway_resp/server.cpp -- see server.hpp.
#include "server.hpp"

#include <algorithm>
#include <stdexcept>
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

// ---- all of it ----------------------------------------------------------------------------------

Server::Server(Gateway& gateway) : gateway_(gateway) {}

Server::~Server() { stop(0); }

Server::Thread& Server::next_thread() noexcept { return *threads_[turn_++ % threads_.size()]; }

// ---- for the acceptors, on the first thread

bool Server::full() {
    if (gateway_.counters.connections.load(std::memory_order_relaxed) < gateway_.options.max_connections) return false;
    count(gateway_.counters.refused);
    return true;
}

std::string_view Server::sorry() const noexcept { return "-ERR max number of clients reached\r\n"; }

void Server::welcome(Stream stream, std::string peer, const net::Acceptor& at) {
    gateway_.counters.connections.fetch_add(1, std::memory_order_relaxed);
    count(gateway_.counters.connections_total);
    // As CLIENT LIST says it.
    std::string address = std::move(peer), local = at.bound();
    if (at.local()) address = local = local.substr(5) + ":0";
    Thread& first = *threads_[0];
    Thread& thread = next_thread();
    // std::function wants copies; the stream has one owner.
    auto owned = std::make_shared<Stream>(std::move(stream));
    const auto adopt = [&thread, address, local, owned] { thread.adopt(std::move(*owned), address, local); };
    if (&thread == &first) adopt();
    else thread.loop().post(adopt);
}

void Server::warn(const std::string& what) { gateway_.log(LARDER_LOG_WARN, what); }
void Server::retry(std::function<void()> then) { threads_[0]->retry(std::move(then)); }
std::uint64_t Server::now_ns() const noexcept { return gateway_.now_ns(); }

// ---- its life

void Server::start() {
    const auto listen_on = [this](const std::string& text) {
        ListenAddress where;
        if (!ListenAddress::parse(text, where)) {
            throw std::runtime_error("'" + text + "' is no address to listen on");
        }
        try {
            listeners_.push_back(std::make_unique<net::Acceptor>(*this, threads_[0]->loop(), where,
                                                                 gateway_.tls.get(), gateway_.options.unix_mode));
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
