// plugins/net/tls.cpp -- see tls.hpp.
#include "tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <new>
#include <stdexcept>

namespace larder::net {
namespace {

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Memory = std::unique_ptr<BIO, Freed<BIO_free>>;
using Method = std::unique_ptr<BIO_METHOD, Freed<BIO_meth_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL_free>>;

[[noreturn]] void refuse(const std::string& what) {
    char text[200] = "no reason given";
    if (const unsigned long code = ERR_get_error(); code != 0) {
        ERR_error_string_n(code, text, sizeof text);
    }
    ERR_clear_error();
    throw std::runtime_error(what + ": " + text);
}

// ---- a BIO over a socket: OpenSSL's own writes with write(), which raises SIGPIPE ---------------

int descriptor_of(BIO* bio) noexcept {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int outcome(BIO* bio, ssize_t n, int retry) noexcept {
    BIO_clear_retry_flags(bio);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    }
    return static_cast<int>(n);
}

const BIO_METHOD* socket_method() {
    static const Method made = [] {
        Method method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "larder socket"));
        if (method == nullptr) {
            throw std::bad_alloc();
        }
        BIO_meth_set_write(method.get(), [](BIO* bio, const char* from, int size) {
            return outcome(bio,
                           ::send(descriptor_of(bio), from, static_cast<std::size_t>(size),
                                  MSG_NOSIGNAL),
                           BIO_FLAGS_WRITE);
        });
        BIO_meth_set_read(method.get(), [](BIO* bio, char* to, int size) {
            return outcome(bio, ::recv(descriptor_of(bio), to, static_cast<std::size_t>(size), 0),
                           BIO_FLAGS_READ);
        });
        BIO_meth_set_ctrl(method.get(), [](BIO*, int command, long, void*) -> long {
            return command == BIO_CTRL_FLUSH ? 1 : 0;
        });
        return method;
    }();
    return made.get();
}

int usable(std::size_t size) noexcept {
    return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

}  // namespace

// ---- context ------------------------------------------------------------------------------------

struct TlsContext::Impl {
    Context context;
};

TlsContext::TlsContext(const TlsOptions& options, std::string_view key)
    : impl_(std::make_unique<Impl>()) {
    impl_->context.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* const context = impl_->context.get();
    if (context == nullptr) {
        refuse("TLS cannot be set up");
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    constexpr std::string_view sessions = "larder";  // resumption with client certificates wants one
    SSL_CTX_set_session_id_context(context,
                                   reinterpret_cast<const unsigned char*>(sessions.data()),
                                   static_cast<unsigned>(sessions.size()));

    if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1) {
        refuse("tls_certificate '" + options.certificate + "' cannot be used");
    }
    const Memory text(BIO_new_mem_buf(key.data(), usable(key.size())));
    // No password is asked for: larder runs where nobody sits.
    const auto no_password = [](char*, int, int, void*) { return 0; };
    const Key parsed(PEM_read_bio_PrivateKey(text.get(), nullptr, no_password, nullptr));
    if (parsed == nullptr || SSL_CTX_use_PrivateKey(context, parsed.get()) != 1) {
        refuse("tls_key is not the certificate's key in PEM, or has a password");
    }
    if (!options.client_ca.empty()) {
        if (SSL_CTX_load_verify_locations(context, options.client_ca.c_str(), nullptr) != 1) {
            refuse("tls_client_ca '" + options.client_ca + "' cannot be used");
        }
        SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options.client_ca.c_str()));
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    ERR_clear_error();
}

TlsContext::~TlsContext() = default;

// ---- session ------------------------------------------------------------------------------------

struct TlsSession::Impl {
    Session session;

    // What a call that came back with result <= 0 means.
    Io verdict(int result) noexcept {
        const int error = SSL_get_error(session.get(), result);
        ERR_clear_error();
        switch (error) {
            case SSL_ERROR_WANT_READ:
            case SSL_ERROR_WANT_WRITE:
                return Io::Later;
            case SSL_ERROR_ZERO_RETURN:
                return Io::Ended;
            default:
                return Io::Failed;
        }
    }
};

TlsSession::TlsSession(const TlsContext& context, int descriptor)
    : impl_(std::make_unique<Impl>()) {
    impl_->session.reset(SSL_new(context.impl_->context.get()));
    BIO* const bio = BIO_new(socket_method());
    if (impl_->session == nullptr || bio == nullptr) {
        BIO_free(bio);
        throw std::bad_alloc();
    }
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor)));
    BIO_set_init(bio, 1);
    SSL_set_bio(impl_->session.get(), bio, bio);
    SSL_set_accept_state(impl_->session.get());
}

TlsSession::~TlsSession() = default;

// Record after record, until the socket has no more. An end behind bytes is found by the next read.
Io TlsSession::read(char* to, std::size_t room, std::size_t& got, bool& drained) noexcept {
    got = 0;
    drained = false;
    while (got < room) {
        const int n = SSL_read(impl_->session.get(), to + got, usable(room - got));
        if (n <= 0) {
            const Io verdict = impl_->verdict(n);
            drained = verdict == Io::Later;
            return got != 0 ? Io::Done : verdict;
        }
        got += static_cast<std::size_t>(n);
    }
    return Io::Done;
}

Io TlsSession::write(const char* from, std::size_t size, std::size_t& written) noexcept {
    written = 0;
    while (written < size) {
        const int n = SSL_write(impl_->session.get(), from + written, usable(size - written));
        if (n <= 0) {
            return impl_->verdict(n);
        }
        written += static_cast<std::size_t>(n);
    }
    return Io::Done;
}

void TlsSession::finish() noexcept {
    if (SSL_is_init_finished(impl_->session.get()) == 1) {
        SSL_shutdown(impl_->session.get());
        ERR_clear_error();
    }
}

}  // namespace larder::net
