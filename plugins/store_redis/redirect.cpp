// plugins/store_redis/redirect.cpp -- reads "MOVED 3999 127.0.0.1:6381" and its kin.
#include "redirect.hpp"

#include "slot.hpp"

#include <algorithm>
#include <charconv>

namespace larder::store_redis {
namespace {

// Letters, digits and what stands in names and addresses: `%` for the zone of an IPv6 address.
bool is_host(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
    });
}

bool number(std::string_view text, std::uint32_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool begins(std::string_view text, std::string_view word) {
    return text.substr(0, word.size()) == word &&
           (text.size() == word.size() || text[word.size()] == ' ');
}

}  // namespace

std::optional<Endpoint> endpoint_told(std::string_view host, std::int64_t port,
                                      const Endpoint& asked) {
    if (port < 1 || port > 65535 || (!host.empty() && !is_host(host)) || !asked.path.empty()) {
        return std::nullopt;
    }
    Endpoint told;
    told.host = host.empty() ? asked.host : std::string(host);
    told.port = static_cast<std::uint16_t>(port);
    told.tls = asked.tls;
    return told;
}

Redirect Redirect::read(std::string_view error, const Endpoint& asked) {
    Redirect found;
    const bool moved = begins(error, "MOVED");
    if (moved || begins(error, "ASK")) {
        std::string_view rest = error.substr(moved ? 5 : 3);
        rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));
        const std::size_t space = rest.find(' ');
        const std::size_t colon = rest.rfind(':');
        std::uint32_t port = 0;
        if (space == std::string_view::npos || colon == std::string_view::npos || colon < space ||
            !number(rest.substr(0, space), found.slot) || found.slot >= cluster_slots ||
            !number(rest.substr(colon + 1), port)) {
            return {};
        }
        auto to = endpoint_told(rest.substr(space + 1, colon - space - 1), port, asked);
        if (!to) {
            return {};
        }
        found.kind = moved ? Kind::moved : Kind::ask;
        found.to = std::move(*to);
    } else if (begins(error, "TRYAGAIN")) {
        found.kind = Kind::try_again;
    } else if (begins(error, "CLUSTERDOWN") || begins(error, "MASTERDOWN")) {
        found.kind = Kind::down;
    } else if (begins(error, "LOADING")) {
        found.kind = Kind::loading;
    } else if (begins(error, "READONLY")) {
        found.kind = Kind::read_only;
    }
    return found;
}

}  // namespace larder::store_redis
