// plugins/gateway_resp/monitors.cpp -- see monitors.hpp.
#include "monitors.hpp"

#include "words.hpp"

#include <algorithm>

namespace larder::resp {
namespace {

// The first word of a request that is a secret, and how many there are.
struct Secret {
    std::size_t first = SIZE_MAX, count = 0;
};

Secret secret_in(Args request) {
    if (same_word(request[0], "auth")) {
        return {1, request.size()};
    }
    // Identifiers, users and what sessions hold.
    if (same_word(request[0], "larder") && request.size() > 2 && same_word(request[1], "session")) {
        return {4, request.size()};
    }
    if (same_word(request[0], "hello")) {
        for (std::size_t i = 2; i < request.size(); ++i) {
            if (same_word(request[i], "auth")) {
                return {i + 1, 2};
            }
        }
    }
    return {};
}

}  // namespace

std::string quoted(std::string_view word) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : word) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.append(1, '\\').append(1, c);
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else if (byte < ' ' || byte > '~') {
            out.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
        } else {
            out += c;
        }
    }
    return out += '"';
}

void Monitors::add(const Client& client) {
    const std::lock_guard lock(mutex_);
    if (std::find(all_.begin(), all_.end(), client) == all_.end()) {
        all_.push_back(client);
        following_.store(all_.size(), std::memory_order_relaxed);
    }
}

void Monitors::remove(const Client& client) {
    const std::lock_guard lock(mutex_);
    std::erase(all_, client);
    following_.store(all_.size(), std::memory_order_relaxed);
}

void Monitors::tell(const ClientRecord& from, Args request, std::uint64_t wall_ms) {
    const std::string millis = std::to_string(1000 + wall_ms % 1000).substr(1);
    std::string line = "+" + std::to_string(wall_ms / 1000) + "." + millis + "000 [0 " +
                       from.address + "]";
    const Secret secret = secret_in(request);
    constexpr std::size_t shown = 16u << 10;
    for (std::size_t i = 0; i < request.size() && line.size() < shown; ++i) {
        const bool hidden = i >= secret.first && i - secret.first < secret.count;
        line += ' ';
        line += hidden ? std::string("\"(redacted)\"") : quoted(request[i].substr(0, shown));
    }
    line += "\r\n";
    const auto mail = std::make_shared<const std::string>(std::move(line));
    const std::lock_guard lock(mutex_);
    for (const Client& client : all_) {
        clients_.deliver(*client, mail);
    }
}

}  // namespace larder::resp
