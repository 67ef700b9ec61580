// kernel/serve/http_listener.cpp -- the listener over Boost.Beast.
#include <utility>  // before Asio, whose awaitable.hpp misses it with g++ 12

#include "kernel/serve/http_listener.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <optional>
#include <set>
#include <thread>

namespace larder::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using Error = boost::system::error_code;

// "HOST:PORT" with a numeric host.
std::optional<tcp::endpoint> endpoint_of(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    std::string host = text.substr(0, colon);
    const std::string port = text.substr(colon + 1);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1";
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    const unsigned long number = std::stoul(port);
    Error error;
    const auto address = asio::ip::make_address(host, error);
    if (error || number > 65'535) return std::nullopt;
    return tcp::endpoint(address, static_cast<unsigned short>(number));
}

std::string text_of(const tcp::endpoint& at) {
    const std::string host = at.address().to_string();
    return (at.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(at.port());
}

}  // namespace

struct HttpListener::Impl {
    class Session;

    Impl(const HttpListenerOptions& given, Answer how)
        : options(given), answer(std::move(how)), workers(given.threads), busy(asio::make_work_guard(io)) {}

    bool listen(const std::string& where, std::string& problem);
    void accept(tcp::acceptor& acceptor);

    const HttpListenerOptions options;
    const Answer answer;
    asio::io_context io;
    asio::thread_pool workers;
    asio::executor_work_guard<asio::io_context::executor_type> busy;  // until all is closed
    std::vector<std::unique_ptr<tcp::acceptor>> acceptors;
    std::set<Session*> sessions;  // of the io thread
    std::vector<std::string> addresses;
    std::thread thread;
    bool stopped = false;
    bool closing = false;  // of the io thread
};

// One connection. Lives as long as something of it is under way; all of it runs on the io thread, but
// the answer itself.
class HttpListener::Impl::Session : public std::enable_shared_from_this<Session> {
  public:
    Session(tcp::socket socket, Impl& server) : server_(server), stream_(std::move(socket)) {
        Error ignored;
        const auto at = stream_.socket().remote_endpoint(ignored);
        if (!ignored) peer_ = at.address().to_string();
        stream_.socket().set_option(tcp::no_delay(true), ignored);
    }
    ~Session() { server_.sessions.erase(this); }

    void read() {
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(server_.options.head_bytes));
        parser_->body_limit(server_.options.body_bytes);
        stream_.expires_after(server_.options.idle);
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](const Error& error, std::size_t) { self->on_read(error); });
    }
    void close() {
        Error ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
        stream_.close();
    }
    bool idle() const { return !working_; }
    // At a stop: a client that does not read its answer is not waited for.
    void hurry() {
        if (reply_) stream_.expires_after(std::chrono::seconds(1));
    }

  private:
    void on_read(const Error& error) {
        if (error == http::error::header_limit) return refuse(431, "the head of the request is too large");
        if (error == http::error::body_limit) return refuse(413, "the body of the request is too large");
        if (error && error.category() == http::make_error_code(http::error::end_of_stream).category() &&
            error != http::error::end_of_stream && error != http::error::partial_message)
            return refuse(400, "this is not an HTTP request");
        if (error || server_.closing) return close();
        auto message = parser_->release();
        // Both say where the body ends, and readers disagree about which one counts.
        if (message.count(http::field::transfer_encoding) != 0 && message.count(http::field::content_length) != 0)
            return refuse(400, "a request has one length");
        HttpRequest request;
        const auto copy = [](auto text) { return std::string(text.data(), text.size()); };
        request.method = copy(message.method_string());
        request.target = copy(message.target());
        request.authorization = copy(message[http::field::authorization]);
        request.accept = copy(message[http::field::accept]);
        request.accept_encoding = copy(message[http::field::accept_encoding]);
        request.if_none_match = copy(message[http::field::if_none_match]);
        request.body = std::move(message.body());
        request.peer = peer_;
        keep_ = message.keep_alive();
        version_ = message.version();
        working_ = true;
        stream_.expires_never();
        asio::post(server_.workers, [self = shared_from_this(), request = std::move(request)]() mutable {
            HttpReply reply = self->server_.answer(request);
            const bool bodiless = request.method == "HEAD";
            const auto executor = self->stream_.get_executor();
            // Moved, so that the session ends on the thread of the io_context.
            asio::post(executor, [self = std::move(self), reply = std::move(reply), bodiless]() mutable {
                self->write(std::move(reply), bodiless);
            });
        });
    }

    void refuse(unsigned status, const char* why) {
        keep_ = false;
        HttpReply reply;
        reply.status = status;
        reply.body = std::string(R"({"success":false,"error":")") + why + "\"}";
        write(std::move(reply), false);
    }

    void write(HttpReply reply, bool bodiless) {
        reply_.emplace();
        reply_->version(version_);
        reply_->result(reply.status);
        reply_->set(http::field::content_type, reply.content_type);
        reply_->set(http::field::cache_control, "no-store");
        reply_->set("X-Content-Type-Options", "nosniff");
        for (const auto& [name, value] : reply.headers) reply_->set(name, value);
        reply_->keep_alive(keep_ && !server_.closing);
        reply_->content_length(reply.body.size());
        if (!bodiless) reply_->body() = std::move(reply.body);
        stream_.expires_after(server_.options.idle);
        serializer_.emplace(*reply_);
        serializer_->split(bodiless);
        const auto done = [self = shared_from_this()](const Error& error, std::size_t) {
            self->working_ = false;
            if (error || !self->keep_ || self->server_.closing) return self->close();
            self->read();
        };
        if (bodiless) http::async_write_header(stream_, *serializer_, done);
        else http::async_write(stream_, *serializer_, done);
    }

    Impl& server_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    std::optional<http::response<http::string_body>> reply_;
    std::optional<http::response_serializer<http::string_body>> serializer_;
    std::string peer_;
    unsigned version_ = 11;
    bool keep_ = true, working_ = false;
};

bool HttpListener::Impl::listen(const std::string& where, std::string& problem) {
    const auto at = endpoint_of(where);
    if (!at) {
        problem = "[admin] listen: `" + where + "` is not an address; write \"127.0.0.1:7382\" or \"[::1]:7382\"";
        return false;
    }
    if (!at->address().is_loopback() && !options.remote) {
        problem = "[admin] listen: other machines reach " + where +
                  ", and tokens would cross the network in clear text; put TLS in front of a loopback address, or write "
                  "`remote = true`";
        return false;
    }
    auto acceptor = std::make_unique<tcp::acceptor>(io);
    Error error;
    const auto step = [&](auto&& call) {
        if (!error) call();
    };
    step([&] { acceptor->open(at->protocol(), error); });
    step([&] { acceptor->set_option(tcp::acceptor::reuse_address(true), error); });
    step([&] { acceptor->bind(*at, error); });
    step([&] { acceptor->listen(tcp::acceptor::max_listen_connections, error); });
    if (error) {
        problem = "[admin] listen: " + where + ": " + error.message();
        return false;
    }
    addresses.push_back(text_of(acceptor->local_endpoint(error)));
    acceptors.push_back(std::move(acceptor));
    return true;
}

void HttpListener::Impl::accept(tcp::acceptor& acceptor) {
    acceptor.async_accept([this, &acceptor](const Error& error, tcp::socket socket) {
        if (!acceptor.is_open()) return;
        if (error) {  // no descriptors, for instance: not again at once
            const auto pause = std::make_shared<asio::steady_timer>(io, std::chrono::milliseconds(100));
            return pause->async_wait([this, &acceptor, pause](const Error&) {
                if (acceptor.is_open()) accept(acceptor);
            });
        }
        if (sessions.size() < options.connections) {
            const auto session = std::make_shared<Session>(std::move(socket), *this);
            sessions.insert(session.get());
            session->read();
        }
        accept(acceptor);
    });
}

HttpListener::HttpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpListener::~HttpListener() { stop(); }
const std::vector<std::string>& HttpListener::addresses() const { return impl_->addresses; }

std::unique_ptr<HttpListener> HttpListener::open(const HttpListenerOptions& options, Answer answer,
                                                 std::string& problem) {
    auto impl = std::make_unique<Impl>(options, std::move(answer));
    for (const std::string& where : options.listen)
        if (!impl->listen(where, problem)) return nullptr;
    for (const auto& acceptor : impl->acceptors) impl->accept(*acceptor);
    impl->thread = std::thread([io = &impl->io] { io->run(); });
    return std::unique_ptr<HttpListener>(new HttpListener(std::move(impl)));
}

void HttpListener::stop() {
    if (impl_->stopped) return;
    impl_->stopped = true;
    asio::post(impl_->io, [impl = impl_.get()] {
        Error ignored;
        impl->closing = true;
        for (const auto& acceptor : impl->acceptors) acceptor->close(ignored);
        const auto open = impl->sessions;
        for (Impl::Session* session : open)
            if (session->idle()) session->close();
    });
    // What runs may finish; its answer is written, then its connection closes.
    impl_->workers.join();
    asio::post(impl_->io, [impl = impl_.get()] {
        for (Impl::Session* session : impl->sessions) session->hurry();
        impl->busy.reset();
    });
    impl_->thread.join();
}

}  // namespace larder::serve
