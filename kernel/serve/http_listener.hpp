// kernel/serve/http_listener.hpp -- HTTP/1.1 on a few addresses, answered by a function.
//
// For people, monitoring and scripts: small requests, small answers, few connections. It runs on a
// thread of its own and answers on a few workers, so nothing it does stands in the way of the data. A
// client that sends nothing, sends slowly, or does not read its answer is closed after a time; one that
// sends too large a head or body is told so and closed.
#pragma once

#include "kernel/serve/http_message.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace larder::serve {

struct HttpListenerOptions {
    std::vector<std::string> listen;  // "127.0.0.1:7382", "[::1]:7382"; port 0: the system chooses
    bool remote = false;              // addresses other than loopback are allowed
    std::size_t connections = 64;     // more are closed as they come
    std::size_t head_bytes = 16u << 10, body_bytes = 1u << 20;
    unsigned threads = 2;
    std::chrono::milliseconds idle{30'000};  // between requests, and for each half of one
};

class HttpListener {
  public:
    using Answer = std::function<HttpReply(const HttpRequest&)>;  // [any thread], does not throw

    // Null: `problem` says why: an address that cannot be listened on, or may not be.
    static std::unique_ptr<HttpListener> open(const HttpListenerOptions& options, Answer answer,
                                              std::string& problem);
    ~HttpListener();  // stop()
    HttpListener(const HttpListener&) = delete;
    HttpListener& operator=(const HttpListener&) = delete;

    // No request is begun after it; those that run are waited for and answered.
    void stop();
    const std::vector<std::string>& addresses() const;  // with the ports that were chosen

  private:
    struct Impl;
    explicit HttpListener(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace larder::serve
