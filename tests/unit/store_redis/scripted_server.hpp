// tests/unit/store_redis/scripted_server.hpp -- a server whose every byte is the test's.
//
// It reads whole commands and sends what the script answers to each. PING, AUTH, SELECT, TIME, INFO and
// SCRIPT are answered as Redis does unless the script says otherwise.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace larder::test {

class ScriptedServer {
  public:
    using Words = std::vector<std::string>;
    // The bytes to send; nullopt: as Redis; none: from here on this connection says nothing any more.
    // connection counts from 0. On the server's thread.
    using Script = std::function<std::optional<std::string>(int connection, const Words& words)>;

    explicit ScriptedServer(Script script);
    ~ScriptedServer();
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    int connections() const noexcept { return connections_.load(); }
    // Send each byte on its own.
    void trickle(bool on) noexcept { trickle_ = on; }
    // In an answer: closes the connection behind it.
    static std::string hang_up();

    static std::string bulk(const std::string& text);

  private:
    struct Client {
        int descriptor, number;
        std::string incoming;
        bool silent = false;
    };
    void serve();
    bool work(Client& client);

    const Script script_;
    int listener_ = -1, wake_[2] = {-1, -1};
    std::uint16_t port_ = 0;
    std::atomic<int> connections_{0};
    std::atomic<bool> trickle_{false};
    std::thread thread_;
};

}  // namespace larder::test
