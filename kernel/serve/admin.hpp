// kernel/serve/admin.hpp -- the admin socket: a unix socket that only its owner may open.
//
// Each connection asks and is answered in turn, any number of times. A connection that sends nothing,
// or half a request, or does not read its answer is closed after a time; so is one that announces a
// frame larger than a value may be, before a byte of it is read. Work runs on threads of its own, so a
// slow request holds up only the connection that asked it.
#pragma once

#include "kernel/api/kernel.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace larder::serve {

struct AdminServerOptions {
    std::string socket;
    std::size_t connections = 64;           // more are closed as they come
    std::size_t request_bytes = 65u << 20;  // a value and its words
    unsigned threads = 2;
    std::chrono::milliseconds idle{60'000}; // between requests, and for each half of one
};

class AdminServer {
  public:
    // Makes the socket (0600, in a folder that is made 0700 if it is not there). A socket that nobody
    // listens at any more is replaced; one that somebody does is left alone. Null: `problem` says why.
    static std::unique_ptr<AdminServer> open(Kernel& kernel, const AdminServerOptions& options,
                                             std::string& problem);
    ~AdminServer();  // stop()
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    // No request is begun after it; those that run are waited for. Removes the socket.
    void stop();
    const std::string& socket() const;

  private:
    struct Impl;
    explicit AdminServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace larder::serve
