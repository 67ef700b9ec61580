// plugins/store_redis/master_told.cpp -- reads SENTINEL MASTER.
#include "master_told.hpp"

#include "redirect.hpp"

#include <charconv>

namespace larder::store_redis {
namespace {

bool number(std::string_view text, std::uint64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && !text.empty() && end == text.data() + text.size();
}

}  // namespace

std::optional<MasterTold> MasterTold::read(const Reply& reply, const Endpoint& sentinel, bool tls,
                                           std::string& why) {
    if (reply.is_error()) {
        why = reply.text();
        return std::nullopt;
    }
    if (!reply.is_flat() || reply.root().size % 2 != 0) {
        why = "the reply is no list of names and values";
        return std::nullopt;
    }
    MasterTold told;
    std::string_view host;
    std::uint64_t port = 0;
    bool epoch = false;
    for (std::size_t i = 0; i < reply.root().size; i += 2) {
        const std::string_view name = reply.at(i).text(), value = reply.at(i + 1).text();
        if (name == "ip") {
            host = value;
        } else if (name == "port" && !number(value, port)) {
            port = 0;
        } else if (name == "config-epoch") {
            epoch = number(value, told.epoch);
        } else if (name == "flags") {
            told.down = value.find("_down") != std::string_view::npos;
        }
    }
    const auto endpoint = host.empty() || port > 65535
                              ? std::nullopt
                              : endpoint_told(host, static_cast<std::int64_t>(port), sentinel);
    if (!endpoint || !epoch) {
        why = "no address or epoch that can be one";
        return std::nullopt;
    }
    told.endpoint = *endpoint;
    told.endpoint.tls = tls;
    return told;
}

}  // namespace larder::store_redis
