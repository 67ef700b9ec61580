// plugins/redis_wire/transport.cpp -- see transport.hpp.
#include "transport.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder::redis_wire {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// A reply's bytes are looked at after so many, see Reader::feed.
constexpr std::size_t read_size = 64 * 1024;

using Socket = asio::generic::stream_protocol::socket;
using Secure = asio::ssl::stream<Socket>;

// As SSL_set_tlsext_host_name, a macro with casts of its own.
void set_server_name(SSL* session, std::string name) {
    SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
}

[[noreturn]] void refuse(const char* option, const std::string& what) {
    throw plugin::Error(LARDER_E_CONFIG, std::string(option) + ": " + what);
}

}  // namespace

struct TlsContext::Impl {
    asio::ssl::context context{asio::ssl::context::tls_client};
    bool verify = true;
};

TlsContext::TlsContext(const ConnectionOptions& options) : impl_(std::make_unique<Impl>()) {
    asio::ssl::context& context = impl_->context;
    error_code error;
    context.set_options(asio::ssl::context::no_sslv2 | asio::ssl::context::no_sslv3 |
                        asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1 |
                        asio::ssl::context::no_compression);
    impl_->verify = options.tls_verify;
    if (options.tls_ca.empty()) {
        context.set_default_verify_paths(error);
    } else if (context.load_verify_file(options.tls_ca, error)) {
        refuse("tls_ca", "'" + options.tls_ca + "' cannot be used: " + error.message());
    }
    context.set_verify_mode(impl_->verify ? asio::ssl::verify_peer : asio::ssl::verify_none, error);
    if (!options.tls_cert.empty()) {
        if (context.use_certificate_chain_file(options.tls_cert, error)) {
            refuse("tls_cert", "'" + options.tls_cert + "' cannot be used: " + error.message());
        }
        // No password is asked for: larder runs where nobody sits.
        context.set_password_callback([](std::size_t, auto) { return std::string(); }, error);
        if (context.use_private_key(asio::buffer(options.tls_key), asio::ssl::context::pem, error)) {
            refuse("tls_key", "is not the certificate's key in PEM, or has a password");
        }
    }
    ERR_clear_error();
}

TlsContext::~TlsContext() = default;

namespace {

// Stream: Socket or Secure.
template <class Stream>
class Connection final : public Transport, public std::enable_shared_from_this<Connection<Stream>> {
    static constexpr bool secure = std::is_same_v<Stream, Secure>;

  public:
    template <class... Args>
    Connection(Loop& loop, const Endpoint& endpoint, std::string tls_name, bool verify, User& user,
               Args&&... args)
        : endpoint_(endpoint),
          tls_name_(std::move(tls_name)),
          verify_(verify),
          user_(&user),
          resolver_(loop.context()),
          stream_(std::forward<Args>(args)...),
          incoming_(read_size) {}

    void connect() override {
        if (!endpoint_.path.empty()) {
            candidates_.emplace_back(asio::local::stream_protocol::endpoint(endpoint_.path));
            try_next("no address");
            return;
        }
        error_code bad;
        const asio::ip::address address = asio::ip::make_address(endpoint_.host, bad);
        if (!bad) {
            candidates_.emplace_back(asio::ip::tcp::endpoint(address, endpoint_.port));
            try_next("no address");
            return;
        }
        resolver_.async_resolve(
            endpoint_.host, std::to_string(endpoint_.port),
            [me = this->shared_from_this()](const error_code& error,
                                            const asio::ip::tcp::resolver::results_type& found) {
                if (me->user_ == nullptr) {
                    return;
                }
                if (error) {
                    me->fail("cannot find " + me->endpoint_.host + ": " + error.message());
                    return;
                }
                for (const auto& entry : found) {
                    me->candidates_.emplace_back(entry.endpoint());
                }
                me->try_next("no address");
            });
    }

    void write(std::string& data) override {
        outgoing_.clear();
        std::swap(outgoing_, data);
        asio::async_write(stream_, asio::buffer(outgoing_),
                          [me = this->shared_from_this()](const error_code& error, std::size_t) {
                              if (me->user_ == nullptr) {
                                  return;
                              }
                              if (error) {
                                  me->fail(error.message());
                              } else {
                                  me->user_->on_written();
                              }
                          });
    }

    void close() noexcept override {
        user_ = nullptr;
        error_code ignored;
        try {
            resolver_.cancel();
        } catch (...) {  // it takes a lock
        }
        socket().close(ignored);
    }

    int release() noexcept override {
        user_ = nullptr;
        error_code error;
        int descriptor = -1;
        if constexpr (!secure) {
            try {
                descriptor = stream_.release(error);
            } catch (...) {  // it takes a lock
            }
        }
        return error ? -1 : descriptor;
    }

    bool direct() const noexcept override { return !secure; }

    std::size_t send_now(const char* data, std::size_t size) noexcept override {
        const ssize_t n = ::send(descriptor_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }

  private:
    Socket& socket() {
        if constexpr (secure) {
            return stream_.next_layer();
        } else {
            return stream_;
        }
    }

    void try_next(const std::string& last_cause) {
        if (tried_ == candidates_.size()) {
            fail(last_cause);
            return;
        }
        error_code ignored;
        socket().close(ignored);
        socket().async_connect(candidates_[tried_++],
                               [me = this->shared_from_this()](const error_code& error) {
                                   if (me->user_ == nullptr) {
                                       return;
                                   }
                                   if (error) {
                                       me->try_next("cannot connect: " + error.message());
                                   } else {
                                       me->secure_it();
                                   }
                               });
    }

    void secure_it() {
        error_code ignored;
        if (endpoint_.path.empty()) {
            socket().set_option(asio::ip::tcp::no_delay(true), ignored);
            socket().set_option(asio::socket_base::keep_alive(true), ignored);
        }
        descriptor_ = socket().native_handle();
        if constexpr (secure) {
            const std::string& name = tls_name_.empty() ? endpoint_.host : tls_name_;
            if (verify_) {
                stream_.set_verify_callback(asio::ssl::host_name_verification(name), ignored);
            }
            error_code numeric;
            asio::ip::make_address(name, numeric);
            if (numeric) {  // a name, which is what servers choose a certificate by
                set_server_name(stream_.native_handle(), name);
            }
            stream_.async_handshake(
                asio::ssl::stream_base::client,
                [me = this->shared_from_this()](const error_code& error) {
                    if (me->user_ == nullptr) {
                        return;
                    }
                    if (error) {
                        const long judged = SSL_get_verify_result(me->stream_.native_handle());
                        me->fail("TLS: " + (judged == X509_V_OK
                                                ? error.message()
                                                : std::string(X509_verify_cert_error_string(judged))));
                    } else {
                        me->begin();
                    }
                });
        } else {
            begin();
        }
    }

    void begin() {
        read();
        user_->on_connected();
    }

    void read() {
        stream_.async_read_some(
            asio::buffer(incoming_),
            [me = this->shared_from_this()](const error_code& error, std::size_t size) {
                if (me->user_ == nullptr) {
                    return;
                }
                if (error) {
                    me->fail(error == asio::error::eof ? "the server closed the connection"
                                                       : error.message());
                    return;
                }
                me->user_->on_bytes(me->incoming_.data(), size);
                if (me->user_ != nullptr) {
                    me->read();
                }
            });
    }

    void fail(const std::string& cause) {
        User* const user = std::exchange(user_, nullptr);
        user->on_failed(cause);
        close();
    }

    const Endpoint endpoint_;
    const std::string tls_name_;
    const bool verify_;
    User* user_;  // nullptr: closed
    asio::ip::tcp::resolver resolver_;
    std::vector<asio::generic::stream_protocol::endpoint> candidates_;
    std::size_t tried_ = 0;
    Stream stream_;
    int descriptor_ = -1;
    std::vector<char> incoming_;
    std::string outgoing_;
};

}  // namespace

std::shared_ptr<Transport> Transport::make(Loop& loop, const Endpoint& endpoint,
                                           const TlsContext* tls, const std::string& tls_name,
                                           User& user) {
    if (endpoint.tls) {
        return std::make_shared<Connection<Secure>>(loop, endpoint, tls_name, tls->impl().verify,
                                                    user, loop.context(), tls->impl().context);
    }
    return std::make_shared<Connection<Socket>>(loop, endpoint, tls_name, false, user,
                                                loop.context());
}

}  // namespace larder::redis_wire
