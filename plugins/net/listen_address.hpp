// plugins/net/listen_address.hpp -- where to listen, as larder.toml writes it, and the socket
// that does.
//
//     "127.0.0.1:7380"  "[::1]:0"  "localhost:7380"  "tls:0.0.0.0:7443"  "unix:/run/larder.sock"
#pragma once
#include <string>
#include <string_view>

namespace larder::net {

struct ListenAddress {
    std::string host;  // empty for a unix socket
    std::string port;
    std::string path;  // empty for TCP
    bool tls = false;

    // False: not an address.
    static bool parse(std::string_view text, ListenAddress& out);
    // Whether only this machine can reach it.
    [[nodiscard]] bool local() const;
};

// A bound socket that listens; owns it, and the file of a unix socket.
class ListeningSocket {
  public:
    // A unix socket's file that a killed process left is taken over; one that somebody answers is
    // not. Its mode is set before anybody can connect. Throws std::runtime_error with a reason.
    ListeningSocket(const ListenAddress& where, unsigned unix_mode);
    ~ListeningSocket();
    ListeningSocket(const ListeningSocket&) = delete;
    ListeningSocket& operator=(const ListeningSocket&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    // As ListenAddress is written, with the port that the system chose.
    [[nodiscard]] const std::string& bound() const noexcept { return bound_; }
    [[nodiscard]] int port() const noexcept { return port_; }  // 0 for a unix socket
    void close() noexcept;

  private:
    void listen_tcp(const ListenAddress& where);
    void listen_local(const std::string& path, unsigned mode);

    int descriptor_ = -1;
    int port_ = 0;
    std::string bound_;
    std::string path_;  // ours to remove
};

// "127.0.0.1:52114" or "[::1]:52114"; of the other end of a TCP connection. Empty: it has gone.
[[nodiscard]] std::string peer_address(int descriptor);

}  // namespace larder::net
