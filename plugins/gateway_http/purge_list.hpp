// plugins/gateway_http/purge_list.hpp -- who may PURGE: "local", "10.0.0.0/8", "2001:db8::/32", "192.0.2.7".
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::http {

class PurgeList {
  public:
    // False: `wrong` is no address and no network.
    static bool parse(const std::vector<std::string>& entries, PurgeList& out, std::string& wrong);
    // peer: as net::peer_address gives it; empty for a unix socket, which is local.
    [[nodiscard]] bool allows(std::string_view peer) const;
    [[nodiscard]] bool empty() const noexcept { return !local_ && networks_.empty(); }

  private:
    struct Network {
        std::array<std::uint8_t, 16> bytes{};  // IPv4 as ::ffff:a.b.c.d
        unsigned bits = 128;
    };
    static bool address(std::string_view text, std::array<std::uint8_t, 16>& out, bool& v4);
    bool local_ = false;
    std::vector<Network> networks_;
};

}  // namespace larder::http
