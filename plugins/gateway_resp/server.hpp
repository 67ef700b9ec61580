// plugins/gateway_resp/server.hpp -- the listeners and the threads; nothing of RESP.
//
// The first thread accepts and hands each connection to one of the threads in turn, where it stays.
// Each thread has an event loop, its connections, and a tick that runs while it has any.
#pragma once
#include "connection.hpp"
#include "gateway.hpp"
#include "net.hpp"

#include "plugins/net/acceptor.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace larder::resp {

class Server final : public net::AcceptorHost {
  public:
    explicit Server(Gateway& gateway);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Binds, listens and starts the threads. Throws std::runtime_error with a reason. [control]
    void start();
    // Accepts no more, answers what is in work until the deadline, closes and joins. [control]
    void stop(std::uint64_t deadline_ns);
    // What the index-th listener bound; empty: there is none. [any]
    [[nodiscard]] std::string address(std::size_t index) const;

  private:
    class Thread;
    Thread& next_thread() noexcept;

    bool full() override;
    [[nodiscard]] std::string_view sorry() const noexcept override;
    void welcome(Stream stream, std::string peer, const net::Acceptor& at) override;
    void warn(const std::string& what) override;
    void retry(std::function<void()> then) override;
    [[nodiscard]] std::uint64_t now_ns() const noexcept override;

    Gateway& gateway_;
    std::vector<std::unique_ptr<Thread>> threads_;
    std::vector<std::unique_ptr<net::Acceptor>> listeners_;
    std::vector<std::string> addresses_;  // set by start
    std::size_t turn_ = 0;
};

}  // namespace larder::resp
