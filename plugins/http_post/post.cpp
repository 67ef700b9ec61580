// plugins/http_post/post.cpp -- one request over Boost.Beast, with one deadline for all of it.
#include <utility>  // before Asio, whose awaitable.hpp misses it with g++ 12

#include "post.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <memory>

namespace larder::http_post {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using Error = boost::system::error_code;

}  // namespace

// All steps on one io_context that this thread runs until the answer or the deadline. Only a lookup of a
// name that is under way cannot be given up: it takes as long as the system's resolver lets it.
class Request {
  public:
    Request(const Target& target, const Question& question, Cancel* cancel)
        : target_(target), cancel_(cancel), most_body_(question.most_body), resolver_(io_), socket_(io_), timer_(io_) {
        request_.method_string(question.method);
        request_.version(11);
        request_.target(question.path.empty() ? target.path : question.path);
        request_.set(http::field::host, target.host);
        request_.set(http::field::user_agent, "larder");
        if (!question.body.empty() || question.method == "POST" || question.method == "PUT") {
            request_.set(http::field::content_type, "application/json");
        }
        request_.set(http::field::connection, "close");
        for (const auto& [name, value] : question.headers) {
            request_.set(name, value);
        }
        request_.body() = question.body;
        request_.prepare_payload();
        parser_.body_limit(most_body_ != 0 ? most_body_ : std::uint64_t{1} << 20);
    }

    ~Request() {
        if (cancel_ != nullptr) {
            const std::lock_guard<std::mutex> lock(cancel_->mutex_);
            cancel_->end_ = nullptr;
        }
    }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    Answer run(std::chrono::milliseconds timeout, std::string& problem) {
        if (cancel_ != nullptr) {
            const std::lock_guard<std::mutex> lock(cancel_->mutex_);
            if (cancel_->done_) {
                problem = "it was given up";
                return {};
            }
            cancel_->end_ = [this] { asio::post(io_, [this] { end("it was given up"); }); };
        }
        timer_.expires_after(timeout);
        timer_.async_wait([this](const Error& error) {
            if (!error) {
                end("it did not answer in time");
            }
        });
        resolver_.async_resolve(target_.host, target_.port, [this](const Error& error, const auto& found) {
            if (error) {
                return end(error.message());
            }
            asio::async_connect(socket_, found, [this](const Error& failed, const auto&) {
                failed ? end(failed.message()) : begin();
            });
        });
        io_.run();
        problem = problem_;
        return std::move(answer_);
    }

  private:
    void begin() {
        if (!target_.tls) {
            return write(socket_);
        }
        try {
            context_.set_options(asio::ssl::context::default_workarounds);
            if (target_.ca.empty()) {
                context_.set_default_verify_paths();
            } else {
                context_.load_verify_file(target_.ca);
            }
        } catch (const std::exception& error) {
            return end(error.what());
        }
        tls_ = std::make_unique<asio::ssl::stream<tcp::socket&>>(socket_, context_);
        // SSL_set_tlsext_host_name without its cast of C.
        std::string name = target_.host;
        SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
        tls_->set_verify_mode(target_.verify ? asio::ssl::verify_peer : asio::ssl::verify_none);
        tls_->set_verify_callback(asio::ssl::host_name_verification(target_.host));
        tls_->async_handshake(asio::ssl::stream_base::client, [this](const Error& error) {
            error ? end("TLS: " + error.message()) : write(*tls_);
        });
    }

    template <class Stream>
    void write(Stream& stream) {
        answer_.sent = true;
        http::async_write(stream, request_, [this, &stream](const Error& error, std::size_t) {
            if (error) {
                return end(error.message());
            }
            // Of an answer to HEAD nothing follows its header.
            parser_.skip(request_.method() == http::verb::head);
            http::async_read_header(stream, buffer_, parser_, [this, &stream](const Error& failed, std::size_t) {
                if (failed) {
                    return end(failed.message());
                }
                const unsigned status = parser_.get().result_int();
                if (most_body_ == 0) {
                    answer_.status = status;
                    return end({});
                }
                http::async_read(stream, buffer_, parser_, [this, status](const Error& cut, std::size_t) {
                    if (cut) {
                        return end(cut.message());
                    }
                    answer_.status = status;
                    answer_.body = std::move(parser_.get().body());
                    end({});
                });
            });
        });
    }

    void end(std::string why) {
        problem_ = problem_.empty() ? std::move(why) : problem_;
        Error ignored;
        timer_.cancel();
        resolver_.cancel();
        socket_.close(ignored);
        io_.stop();
    }

    const Target& target_;
    Cancel* const cancel_;
    const std::size_t most_body_;
    asio::io_context io_;
    tcp::resolver resolver_;
    tcp::socket socket_;
    asio::steady_timer timer_;
    asio::ssl::context context_{asio::ssl::context::tls_client};
    std::unique_ptr<asio::ssl::stream<tcp::socket&>> tls_;
    http::request<http::string_body> request_;
    beast::flat_buffer buffer_;
    http::response_parser<http::string_body> parser_;
    Answer answer_;
    std::string problem_;
};

namespace {

bool is_clean(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= 0x20 || byte >= 0x7F;
    });
}

}  // namespace

std::optional<Target> Target::parse(std::string_view url) {
    Target out;
    if (url.starts_with("https://")) {
        out.tls = true;
        url.remove_prefix(8);
    } else if (url.starts_with("http://")) {
        url.remove_prefix(7);
    } else {
        return std::nullopt;
    }
    const auto slash = url.find_first_of("/?#");
    std::string_view place = url.substr(0, slash);
    out.path = slash == std::string_view::npos ? "/" : std::string(url.substr(slash));
    if (out.path.front() != '/') {
        out.path.insert(0, "/");
    }
    // Who may ask is said by headers and signatures: a password in an address ends up in logs.
    if (place.empty() || place.find('@') != std::string_view::npos || !is_clean(url)) {
        return std::nullopt;
    }
    if (place.front() == '[') {
        const auto end = place.find(']');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        out.host = place.substr(1, end - 1);
        place.remove_prefix(end + 1);
    } else {
        const auto colon = place.find(':');
        out.host = place.substr(0, colon);
        place.remove_prefix(colon == std::string_view::npos ? place.size() : colon);
    }
    out.port = place.empty() ? (out.tls ? "443" : "80") : std::string(place.substr(1));
    const bool digits = !out.port.empty() && out.port.size() <= 5 &&
                        out.port.find_first_not_of("0123456789") == std::string::npos;
    if (out.host.empty() || !digits) {
        return std::nullopt;
    }
    return out;
}

void Cancel::now() {
    const std::lock_guard<std::mutex> lock(mutex_);
    done_ = true;
    if (end_) {
        end_();
    }
}

Answer ask(const Target& target, const Question& question, std::chrono::milliseconds timeout, std::string& problem, Cancel* cancel) {
    try {
        return Request(target, question, cancel).run(timeout, problem);
    } catch (const std::exception& error) {
        problem = error.what();
        return {0, {}, true};
    }
}

unsigned post(const Target& target, const Headers& headers, const std::string& body,
              std::chrono::milliseconds timeout, std::string& problem, Cancel* cancel) {
    Question question;
    question.headers = headers;
    question.body = body;
    return ask(target, question, timeout, problem, cancel).status;
}

}  // namespace larder::http_post
