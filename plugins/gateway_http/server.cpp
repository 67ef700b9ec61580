// plugins/gateway_http/server.cpp -- see server.hpp.
#include "server.hpp"

#include "client.hpp"
#include "exchange.hpp"
#include "thread_metrics.hpp"
#include "upstream.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <unordered_map>

namespace larder::http {

// ---- a thread -----------------------------------------------------------------------------------

class Server::Thread final : public Home {
  public:
    Thread(Gateway& gateway, unsigned number)
        : gateway_(gateway), number_((std::uint64_t{1} << 63) | (std::uint64_t{number} << 48)), loop_(gateway.options.looks), pool_(gateway, *this) {
        loop_.on_tick([this] { tick(); });
        metrics_.open(gateway.host);
    }

    net::EventLoop& loop() noexcept override { return loop_; }
    UpstreamPool& pool() noexcept override { return pool_; }
    Counters& counters() noexcept override { return counters_; }
    std::uint64_t next_number() noexcept override { return ++number_; }

    void start() {
        loop_.tick_every(period_ns);
        thread_ = std::thread([this] { loop_.run(); });
    }
    void join() {
        if (thread_.joinable()) thread_.join();
    }

    // On this thread, as all that follows.
    void adopt(net::Stream stream, std::string peer, bool secure) {
        if (stopping_) return count_out();
        try {
            auto client = std::make_shared<Client>(gateway_, *this, std::move(stream), std::move(peer), secure);
            clients_.emplace(client.get(), client);
            client->start();
        } catch (const std::bad_alloc&) {
            count_out();
        }
    }
    void drain(std::uint64_t deadline_ns) {
        stopping_ = true;
        deadline_ns_ = deadline_ns;
        for (const auto& client : everyone(clients_)) client->drain();
        loop_.tick_every(5'000'000);
    }
    void retry(std::function<void()> listener) { retries_.push_back(std::move(listener)); }

    void closed(Client& client) override {
        const auto found = clients_.find(&client);
        if (found == clients_.end()) return;
        loop_.bury(std::move(found->second));
        clients_.erase(found);
        count_out();
    }
    void began(std::shared_ptr<Exchange> exchange) override { exchanges_.emplace(exchange.get(), exchange); }
    void ended(Exchange& exchange) override {
        const auto found = exchanges_.find(&exchange);
        if (found == exchanges_.end()) return;
        loop_.bury(std::move(found->second));
        exchanges_.erase(found);
    }

  private:
    static constexpr std::uint64_t period_ns = 100'000'000;

    void count_out() { gateway_.connections.fetch_sub(1, std::memory_order_relaxed); }

    template <class T>
    static std::vector<std::shared_ptr<T>> everyone(const std::unordered_map<T*, std::shared_ptr<T>>& from) {
        std::vector<std::shared_ptr<T>> all;
        all.reserve(from.size());
        for (const auto& [key, one] : from) all.push_back(one);
        return all;
    }

    void tick() {
        std::vector<std::function<void()>> retries;
        retries.swap(retries_);
        for (const auto& retry : retries) retry();
        const std::uint64_t now = gateway_.now_ns();
        const bool over = stopping_ && now >= deadline_ns_;
        for (const auto& exchange : everyone(exchanges_)) {
            if (over) exchange->end("the gateway stops");
            else exchange->tick(now);
        }
        for (const auto& client : everyone(clients_)) {
            if (over) client->close();
            else client->tick(now);
        }
        pool_.tick(now);
        metrics_.fold(counters_);
        if (stopping_ && clients_.empty() && (exchanges_.empty() || over)) {
            for (const auto& exchange : everyone(exchanges_)) exchange->end("the gateway stops");
            pool_.close_resting();
            loop_.stop();
        }
    }

    Gateway& gateway_;
    std::uint64_t number_;
    net::EventLoop loop_;
    UpstreamPool pool_;
    Counters counters_;
    ThreadMetrics metrics_;
    std::unordered_map<Client*, std::shared_ptr<Client>> clients_;
    std::unordered_map<Exchange*, std::shared_ptr<Exchange>> exchanges_;
    std::vector<std::function<void()>> retries_;
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
    if (gateway_.connections.load(std::memory_order_relaxed) < gateway_.options.max_connections) return false;
    threads_[0]->counters().connections_refused.add();
    return true;
}

std::string_view Server::sorry() const noexcept {
    return "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
}

void Server::welcome(net::Stream stream, std::string peer, const net::Acceptor& at) {
    gateway_.connections.fetch_add(1, std::memory_order_relaxed);
    Thread& first = *threads_[0];
    first.counters().connections_total.add();
    Thread& thread = next_thread();
    // std::function wants copies; the stream has one owner.
    auto owned = std::make_shared<net::Stream>(std::move(stream));
    const auto adopt = [&thread, peer = std::move(peer), owned, secure = at.secure()] { thread.adopt(std::move(*owned), peer, secure); };
    if (&thread == &first) adopt();
    else thread.loop().post(adopt);
}

void Server::warn(const std::string& what) { gateway_.host.log(LARDER_LOG_WARN, what); }
void Server::retry(std::function<void()> then) { threads_[0]->retry(std::move(then)); }
std::uint64_t Server::now_ns() const noexcept { return gateway_.now_ns(); }

// ---- its life

void Server::start() {
    const auto listen_on = [this](const std::string& text) {
        net::ListenAddress where;
        if (!net::ListenAddress::parse(text, where)) throw std::runtime_error("'" + text + "' is no address to listen on");
        try {
            listeners_.push_back(std::make_unique<net::Acceptor>(*this, threads_[0]->loop(), where, gateway_.tls.get(), gateway_.options.unix_mode));
        } catch (const std::exception& error) {
            throw std::runtime_error("cannot listen on " + text + ": " + error.what());
        }
        addresses_.push_back(listeners_.back()->bound());
    };
    for (const auto& origin : gateway_.origins->all())
        if (!origin->look_up()) gateway_.host.log(LARDER_LOG_WARN, {"the name in ", origin->url(), " is not known; it is looked up again when it is needed"});
    try {
        for (unsigned i = 0; i < gateway_.options.threads; ++i) threads_.push_back(std::make_unique<Thread>(gateway_, i));
        for (const std::string& text : gateway_.options.listen) listen_on(text);
    } catch (...) {
        listeners_.clear();
        threads_.clear();
        addresses_.clear();
        throw;
    }
    for (const auto& thread : threads_) thread->start();
}

void Server::stop(std::uint64_t deadline_ns) {
    if (threads_.empty()) return;
    // The first thread goes on handing out connections until its listeners are closed, so the others
    // drain after that.
    threads_[0]->loop().post([this, deadline_ns] {
        for (const auto& listener : listeners_) listener->close();
        for (const auto& thread : threads_) thread->loop().post([&thread = *thread, deadline_ns] { thread.drain(deadline_ns); });
    });
    for (const auto& thread : threads_) thread->join();
    listeners_.clear();
    threads_.clear();
}

std::string Server::address(std::size_t index) const { return index < addresses_.size() ? addresses_[index] : std::string(); }

void Server::stats(larder_gateway_stats& out) const {
    out.connections = gateway_.connections.load(std::memory_order_relaxed);
    for (const auto& thread : threads_) {
        const Counters& c = thread->counters();
        out.connections_total += c.connections_total.get();
        out.requests += c.requests.get();
        out.errors += c.refused.get() + c.upstream_errors.get();
        out.bytes_in += c.bytes_in.get();
        out.bytes_out += c.bytes_out.get();
    }
}

}  // namespace larder::http
