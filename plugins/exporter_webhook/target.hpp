// plugins/exporter_webhook/target.hpp -- where requests go, and one request there.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::exporter_webhook {

struct Target {
    bool tls = false, verify = true;
    std::string host, port, path;
    std::string ca;  // path of roots in PEM; empty: the system's

    // "https://hooks.example/larder?x=1". Nullopt: it is no such address.
    static std::optional<Target> parse(std::string_view url);
};

using Headers = std::vector<std::pair<std::string, std::string>>;

// POSTs and waits for the status, all within `timeout`. 0: nobody answered; `problem` says why.
unsigned post(const Target& target, const Headers& headers, const std::string& body,
              std::chrono::milliseconds timeout, std::string& problem);

// "t=SECONDS,v1=HEX": HMAC-SHA256 over "SECONDS.BODY".
std::string signature(std::string_view secret, std::uint64_t seconds, std::string_view body);

}  // namespace larder::exporter_webhook
