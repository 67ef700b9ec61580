// kernel/serve/admin.cpp -- the admin socket.
#include <utility>  // before Asio, whose awaitable.hpp misses it with g++ 12

#include "kernel/serve/admin.hpp"

#include "kernel/serve/protocol.hpp"
#include "kernel/serve/socket_file.hpp"
#include "kernel/serve/verbs.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>

namespace larder::serve {
namespace {

namespace asio = boost::asio;
using Stream = asio::local::stream_protocol::socket;
using Error = boost::system::error_code;

bool is_owner(Stream& stream) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(stream.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == ::geteuid());
}

// One connection. Lives as long as something of it is under way; all of it runs on the one thread of
// the io_context, but the verb itself.
class Session : public std::enable_shared_from_this<Session> {
  public:
    struct Place {
        Kernel& kernel;
        const AdminServerOptions& options;
        asio::thread_pool& workers;
        std::function<void(Session*)> gone;
    };
    Session(Stream stream, const Place& place)
        : place_(place), stream_(std::move(stream)), timer_(stream_.get_executor()) {}
    ~Session() { place_.gone(this); }

    void begin() { read_header(); }
    void close() {
        Error ignored;
        timer_.cancel();
        stream_.close(ignored);
    }

  private:
    // Closes the connection unless the step that follows ends in time.
    void limit_time() {
        timer_.expires_after(place_.options.idle);
        timer_.async_wait([me = weak_from_this()](const Error& error) {
            if (const auto self = me.lock(); self && !error) self->close();
        });
    }

    void read_header() {
        limit_time();
        asio::async_read(stream_, asio::buffer(header_),
                         [self = shared_from_this()](const Error& error, std::size_t) {
                             if (error) return self->close();
                             self->read_body();
                         });
    }

    void read_body() {
        const std::size_t size = frame_size(header_);
        if (size > place_.options.request_bytes) return close();
        body_.assign(size, '\0');
        limit_time();
        asio::async_read(stream_, asio::buffer(body_),
                         [self = shared_from_this()](const Error& error, std::size_t) {
                             if (error) return self->close();
                             self->work();
                         });
    }

    void work() {
        timer_.cancel();
        const auto request = decode(body_);
        body_.clear();
        if (!request) return close();
        asio::post(place_.workers, [self = shared_from_this(), request = *request]() mutable {
            auto answer = encode(to_message(run_verb(self->place_.kernel, request)));
            // Moved, so that the session ends on the thread of the io_context.
            const auto executor = self->stream_.get_executor();
            asio::post(executor, [self = std::move(self), answer = std::move(answer)]() mutable {
                self->write(std::move(answer));
            });
        });
    }

    void write(std::string answer) {
        body_ = std::move(answer);
        limit_time();
        asio::async_write(stream_, asio::buffer(body_),
                          [self = shared_from_this()](const Error& error, std::size_t) {
                              if (error) return self->close();
                              self->body_ = {};
                              self->read_header();
                          });
    }

    const Place place_;
    Stream stream_;
    asio::steady_timer timer_;
    char header_[frame_header] = {};
    std::string body_;
};

}  // namespace

struct AdminServer::Impl {
    Impl(Kernel& kernel_in, const AdminServerOptions& options_in)
        : options(options_in),
          workers(options_in.threads),
          acceptor(io),
          busy(asio::make_work_guard(io)),
          place{kernel_in, options, workers, [this](Session* session) { sessions.erase(session); }} {}

    AdminServerOptions options;
    asio::io_context io;
    asio::thread_pool workers;
    asio::local::stream_protocol::acceptor acceptor;
    asio::executor_work_guard<asio::io_context::executor_type> busy;  // until all is closed
    std::set<Session*> sessions;  // of the io thread
    Session::Place place;
    std::thread thread;
    bool stopped = false;

    void accept() {
        acceptor.async_accept([this](const Error& error, Stream stream) {
            if (!acceptor.is_open()) return;
            if (!error && sessions.size() < options.connections && is_owner(stream)) {
                const auto session = std::make_shared<Session>(std::move(stream), place);
                sessions.insert(session.get());
                session->begin();
            }
            accept();
        });
    }
};

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminServer::~AdminServer() { stop(); }
const std::string& AdminServer::socket() const { return impl_->options.socket; }

std::unique_ptr<AdminServer> AdminServer::open(Kernel& kernel, const AdminServerOptions& options,
                                               std::string& problem) {
    auto impl = std::make_unique<Impl>(kernel, options);
    const int fd = listen_at(options.socket, problem);
    if (fd < 0) return nullptr;
    Error error;
    impl->acceptor.assign(asio::local::stream_protocol(), fd, error);
    if (error) {
        ::close(fd);
        problem = options.socket + ": " + error.message();
        return nullptr;
    }
    impl->accept();
    impl->thread = std::thread([io = &impl->io] { io->run(); });
    return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

void AdminServer::stop() {
    if (impl_->stopped) return;
    impl_->stopped = true;
    ::unlink(impl_->options.socket.c_str());
    asio::post(impl_->io, [impl = impl_.get()] {
        Error ignored;
        impl->acceptor.close(ignored);
    });
    // What runs may finish and be answered; then the rest is closed.
    impl_->workers.join();
    asio::post(impl_->io, [impl = impl_.get()] {
        const auto open = impl->sessions;
        for (Session* session : open) session->close();
        impl->busy.reset();
    });
    impl_->thread.join();
}

}  // namespace larder::serve
