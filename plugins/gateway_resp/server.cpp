// plugins/gateway_resp/server.cpp -- see server.hpp.
#include "server.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>
#include <unordered_map>
#include <variant>

namespace larder::resp {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Local = asio::local::stream_protocol;

bool ListenAddress::parse(std::string_view text, ListenAddress& out) {
    out = {};
    if (text.starts_with("unix:")) {
        out.path = text.substr(5);
        return !out.path.empty() && out.path[0] == '/';
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return false;
    }
    std::string_view host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    std::uint64_t port = 0;
    out.host = host;
    out.port = text.substr(colon + 1);
    return !host.empty() && parse_unsigned(out.port, port) && port <= 65535;
}

bool ListenAddress::local() const {
    error_code error;
    const auto address = asio::ip::make_address(host, error);
    return !path.empty() || host == "localhost" || (!error && address.is_loopback());
}

namespace {

std::string text_of_endpoint(const tcp::endpoint& endpoint) {
    const std::string host = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

}  // namespace

// ---- a thread
// ---------------------------------------------------------------------------------------

class Server::Thread final : public Loop {
  public:
    explicit Thread(Gateway& gateway)
        : gateway_(gateway),
          period_(
              std::clamp<std::uint64_t>(gateway.options.timeout_ns / 4, 5'000'000, 100'000'000)) {}

    asio::io_context& context() noexcept override { return context_; }

    void start() {
        thread_ = std::thread([this] { context_.run(); });
    }
    void join() {
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    // On this thread.
    void adopt(Socket socket, std::string address, std::string local) {
        if (stopping_) {
            count_out();
            return;
        }
        auto connection = std::make_shared<Connection>(gateway_, *this, std::move(socket),
                                                       std::move(address), std::move(local));
        connections_.emplace(connection.get(), connection);
        connection->start();
        arm();
    }
    void drain(std::uint64_t deadline_ns) {
        stopping_ = true;
        deadline_ns_ = deadline_ns;
        work_.reset();
        for (const auto& connection : everyone()) {
            connection->drain();
        }
        arm();
    }

    void closed(Connection& connection) override {
        connections_.erase(&connection);
        count_out();
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

    // The timer is work, so that run() goes on until the last connection is gone.
    void arm() {
        if (armed_ || connections_.empty()) {
            return;
        }
        armed_ = true;
        timer_.expires_after(std::chrono::nanoseconds(stopping_ ? 5'000'000 : period_));
        timer_.async_wait([this](const error_code&) {
            armed_ = false;
            const std::uint64_t now = gateway_.now_ns();
            for (const auto& connection : everyone()) {
                if (stopping_ && now >= deadline_ns_) {
                    connection->close();
                } else {
                    connection->tick(now);
                }
            }
            arm();
        });
    }

    Gateway& gateway_;
    const std::uint64_t period_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    asio::steady_timer timer_{context_};
    std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
    bool armed_ = false, stopping_ = false;
    std::uint64_t deadline_ns_ = 0;
    std::thread thread_;
};

// ---- a listener
// -------------------------------------------------------------------------------------

class Server::Listener {
  public:
    Listener(Server& server, const ListenAddress& where) : server_(server), path_(where.path) {
        asio::io_context& context = server.threads_[0]->context();
        if (path_.empty()) {
            listen_tcp(context, where);
        } else {
            listen_local(context);
        }
    }
    ~Listener() {
        close();
        if (!path_.empty()) {
            ::unlink(path_.c_str());
        }
    }

    [[nodiscard]] const std::string& bound() const noexcept { return bound_; }
    [[nodiscard]] int port() const noexcept { return port_; }

    void accept() {
        std::visit([this](auto& acceptor) { accept_on(acceptor); }, *acceptor_);
    }
    void close() {
        error_code ignored;
        std::visit([&](auto& acceptor) { acceptor.close(ignored); }, *acceptor_);
        retry_->cancel();
    }

  private:
    using Acceptor = std::variant<tcp::acceptor, Local::acceptor>;

    void listen_tcp(asio::io_context& context, const ListenAddress& where) {
        tcp::resolver resolver(context);
        const auto found = resolver.resolve(
            where.host, where.port, tcp::resolver::numeric_service | tcp::resolver::passive);
        tcp::acceptor acceptor(context);
        const tcp::endpoint endpoint = found.begin()->endpoint();
        acceptor.open(endpoint.protocol());
        acceptor.set_option(tcp::acceptor::reuse_address(true));
        acceptor.bind(endpoint);
        acceptor.listen();
        bound_ = text_of_endpoint(acceptor.local_endpoint());
        port_ = acceptor.local_endpoint().port();
        retry_.emplace(context);
        acceptor_.emplace(std::move(acceptor));
    }

    // A file left by a process that was killed is taken over; one that somebody answers is not. Its
    // mode is set before listen(), so that nobody connects before.
    void listen_local(asio::io_context& context) {
        const Local::endpoint endpoint(path_);
        error_code error;
        Local::socket probe(context);
        probe.connect(endpoint, error);
        struct stat status {};
        const bool is_socket = ::lstat(path_.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
        if (error == asio::error::connection_refused && is_socket) {
            ::unlink(path_.c_str());
        }
        Local::acceptor acceptor(context);
        acceptor.open(endpoint.protocol());
        try {
            acceptor.bind(endpoint);
        } catch (...) {
            path_.clear();  // not ours to remove
            throw;
        }
        if (::chmod(path_.c_str(), server_.gateway_.options.unix_mode) != 0) {
            throw std::runtime_error("its mode cannot be set");
        }
        acceptor.listen();
        bound_ = "unix:" + path_;
        retry_.emplace(context);
        acceptor_.emplace(std::move(acceptor));
    }

    template <class A>
    void accept_on(A& acceptor) {
        Thread& thread = server_.next_thread();
        const asio::any_io_executor there = thread.context().get_executor();
        acceptor.async_accept(
            there, [this, &acceptor, &thread](const error_code& error, auto socket) {
                if (error == asio::error::operation_aborted || !acceptor.is_open()) {
                    return;
                }
                if (error) {  // most often: no descriptor left
                    server_.gateway_.log(LARDER_LOG_WARN,
                                         "cannot accept on " + bound_ + ": " + error.message());
                    retry_->expires_after(std::chrono::milliseconds(100));
                    retry_->async_wait([this](const error_code& cancelled) {
                        if (!cancelled) {
                            accept();
                        }
                    });
                    return;
                }
                take(thread, std::move(socket));
                accept_on(acceptor);
            });
    }

    template <class S>
    void take(Thread& thread, S socket) {
        Gateway& gateway = server_.gateway_;
        error_code error;
        if (gateway.counters.connections.load(std::memory_order_relaxed) >=
            gateway.options.max_connections) {
            count(gateway.counters.refused);
            socket.non_blocking(true, error);
            constexpr std::string_view sorry = "-ERR max number of clients reached\r\n";
            socket.write_some(asio::buffer(sorry), error);
            return;
        }
        std::string address = path_ + ":0", local = address;
        if constexpr (std::is_same_v<S, tcp::socket>) {
            const tcp::endpoint peer = socket.remote_endpoint(error);
            if (error) {
                return;  // gone already
            }
            address = text_of_endpoint(peer);
            local = bound_;
            socket.set_option(tcp::no_delay(true), error);
        }
        count(gateway.counters.connections);
        count(gateway.counters.connections_total);
        asio::post(thread.context(),
                   [&thread, address = std::move(address), local = std::move(local),
                    generic = Socket(std::move(socket))]() mutable {
                       thread.adopt(std::move(generic), std::move(address), std::move(local));
                   });
    }

    Server& server_;
    std::string path_;
    std::string bound_;
    int port_ = 0;
    std::optional<Acceptor> acceptor_;
    std::optional<asio::steady_timer> retry_;
};

// ---- all of it
// --------------------------------------------------------------------------------------

Server::Server(Gateway& gateway) : gateway_(gateway) {}

Server::~Server() { stop(0); }

Server::Thread& Server::next_thread() noexcept { return *threads_[turn_++ % threads_.size()]; }

void Server::start() {
    for (unsigned i = 0; i < gateway_.options.threads; ++i) {
        threads_.push_back(std::make_unique<Thread>(gateway_));
    }
    try {
        for (const std::string& text : gateway_.options.listen) {
            ListenAddress where;
            if (!ListenAddress::parse(text, where)) {
                throw std::runtime_error("'" + text + "' is no address to listen on");
            }
            try {
                listeners_.push_back(std::make_unique<Listener>(*this, where));
            } catch (const std::exception& error) {
                throw std::runtime_error("cannot listen on " + text + ": " + error.what());
            }
            addresses_.push_back(listeners_.back()->bound());
            if (gateway_.port.load(std::memory_order_relaxed) == 0) {
                gateway_.port.store(listeners_.back()->port(), std::memory_order_relaxed);
            }
        }
    } catch (...) {
        listeners_.clear();
        threads_.clear();
        addresses_.clear();
        throw;
    }
    for (const auto& listener : listeners_) {
        listener->accept();
    }
    for (const auto& thread : threads_) {
        thread->start();
    }
}

void Server::stop(std::uint64_t deadline_ns) {
    if (threads_.empty()) {
        return;
    }
    asio::post(threads_[0]->context(), [this] {
        for (const auto& listener : listeners_) {
            listener->close();
        }
    });
    for (const auto& thread : threads_) {
        asio::post(thread->context(),
                   [&thread = *thread, deadline_ns] { thread.drain(deadline_ns); });
    }
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
