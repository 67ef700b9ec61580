// plugins/gateway_http/purge_list.cpp -- see purge_list.hpp.
#include "purge_list.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace larder::http {

bool PurgeList::address(std::string_view text, std::array<std::uint8_t, 16>& out, bool& v4) {
    const std::string whole(text);
    in_addr four{};
    v4 = ::inet_pton(AF_INET, whole.c_str(), &four) == 1;
    if (v4) {
        out = {};
        out[10] = out[11] = 0xff;
        std::copy_n(reinterpret_cast<const std::uint8_t*>(&four), 4, out.begin() + 12);
        return true;
    }
    in6_addr six{};
    if (::inet_pton(AF_INET6, whole.c_str(), &six) != 1) return false;
    std::copy_n(six.s6_addr, 16, out.begin());
    return true;
}

bool PurgeList::parse(const std::vector<std::string>& entries, PurgeList& out, std::string& wrong) {
    out = {};
    for (const std::string& entry : entries) {
        if (entry == "local") {
            out.local_ = true;
            continue;
        }
        Network network;
        const std::size_t slash = entry.find('/');
        bool v4 = false;
        wrong = entry;
        if (!address(std::string_view(entry).substr(0, slash), network.bytes, v4)) return false;
        if (slash != std::string::npos) {
            const char* const end = entry.data() + entry.size();
            const auto [stopped, bad] = std::from_chars(entry.data() + slash + 1, end, network.bits);
            if (bad != std::errc{} || stopped != end || network.bits > (v4 ? 32u : 128u)) return false;
            network.bits += v4 ? 96 : 0;
        }
        out.networks_.push_back(network);
    }
    wrong.clear();
    return true;
}

bool PurgeList::allows(std::string_view peer) const {
    if (peer.empty()) return local_;
    std::string_view host = peer.substr(0, peer.rfind(':'));
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    std::array<std::uint8_t, 16> bytes{};
    bool v4 = false;
    if (!address(host, bytes, v4)) return false;
    constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const bool four = std::equal(mapped.begin(), mapped.end(), bytes.begin());
    const bool loopback = four ? bytes[12] == 127 : std::all_of(bytes.begin(), bytes.end() - 1, [](auto b) { return b == 0; }) && bytes[15] == 1;
    if (local_ && loopback) return true;
    return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
        for (unsigned bit = 0; bit < network.bits; bit += 8) {
            const unsigned left = network.bits - bit;
            const auto mask = static_cast<std::uint8_t>(left >= 8 ? 0xff : 0xff << (8 - left));
            if (((bytes[bit / 8] ^ network.bytes[bit / 8]) & mask) != 0) return false;
        }
        return true;
    });
}

}  // namespace larder::http
