// plugins/store_redis/layout_options.cpp -- see layout_options.hpp.
#include "layout_options.hpp"

#include "wire.hpp"

#include <algorithm>

namespace larder::store_redis {
namespace {

using plugin::Error;

constexpr std::size_t most_servers = 255;
constexpr std::uint16_t sentinel_port = 26379;

[[noreturn]] void refuse(const plugin::Config& config, const char* option, const std::string& why) {
    const std::string where = config.where(option);
    throw Error(LARDER_E_CONFIG, (where.empty() ? "" : where + ": ") + option + ": " + why);
}

// Whether an element says its port: parse_url fills in Redis' own.
bool has_port(std::string_view element) {
    if (const std::size_t scheme = element.find("://"); scheme != std::string_view::npos) {
        element.remove_prefix(scheme + 3);
    }
    const std::size_t bracket = element.rfind(']');
    return element.find(':', bracket == std::string_view::npos ? 0 : bracket) != std::string_view::npos;
}

bool parse_element(const std::string& element, Layout layout, Endpoint& out, std::string& why) {
    Url url;
    const bool plain = element.find("://") == std::string::npos;
    if (!parse_url(plain ? "redis://" + element : element, url, why)) {
        return false;
    }
    if (!url.username.empty() || !url.password.empty() || url.db) {
        why = "user, password and database are the same for all: write them as options of their own";
        return false;
    }
    if (!url.endpoint.path.empty() && layout != Layout::shards) {
        why = "a unix socket is no server of a cluster";
        return false;
    }
    if (layout == Layout::sentinel && !has_port(element)) {
        url.endpoint.port = sentinel_port;
    }
    out = url.endpoint;
    return true;
}

const char* name_of(Layout layout) {
    return layout == Layout::cluster ? "cluster" : layout == Layout::sentinel ? "sentinel" : "servers";
}

}  // namespace

bool parse_servers(const std::vector<std::string>& elements, Layout layout, Servers& out,
                   std::string& why) {
    out.layout = layout;
    out.endpoints.clear();
    for (const std::string& element : elements) {
        Endpoint endpoint;
        if (!parse_element(element, layout, endpoint, why)) {
            why = std::to_string(out.endpoints.size() + 1) + ". server: " + why;
            return false;
        }
        if (std::find(out.endpoints.begin(), out.endpoints.end(), endpoint) != out.endpoints.end()) {
            why = endpoint.text() + " stands there twice";
            return false;
        }
        out.endpoints.push_back(std::move(endpoint));
    }
    if (out.endpoints.empty() || out.endpoints.size() > most_servers) {
        why = "write 1 to 255 servers";
        return false;
    }
    return true;
}

bool names_several(std::string_view url) {
    const std::string_view scheme = url.substr(0, std::min(url.find("://"), url.size()));
    return scheme == "redis+cluster" || scheme == "rediss+cluster" || scheme == "redis+sentinel" ||
           scheme == "rediss+sentinel";
}

bool parse_servers_url(std::string_view url, Servers& out, std::string& why) {
    const std::size_t plus = url.find('+'), begin = url.find("://");
    const std::string scheme(url.substr(0, plus));
    const Layout layout =
        url.substr(plus + 1, begin - plus - 1) == "sentinel" ? Layout::sentinel : Layout::cluster;
    std::string_view rest = url.substr(begin + 3);
    // As in a plain url, the user's part ends at the last @.
    std::string user;
    if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
        user = rest.substr(0, at + 1);
        rest.remove_prefix(at + 1);
    }
    std::string_view path;
    if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
        path = rest.substr(slash + 1);
        rest = rest.substr(0, slash);
    }
    std::vector<std::string> elements;
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        elements.push_back(scheme + "://" + std::string(rest.substr(0, comma)));
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
    if (!parse_servers(elements, layout, out, why)) {
        return false;
    }
    if (layout == Layout::sentinel && (path.empty() || path.find('/') != std::string_view::npos)) {
        why = "behind the Sentinels stands the master's name: redis+sentinel://HOST:PORT,HOST:PORT/NAME";
        return false;
    }
    if (layout == Layout::cluster && !path.empty() && path != "0") {
        why = "a cluster has database 0 only";
        return false;
    }
    out.master_name = layout == Layout::sentinel ? std::string(path) : std::string();
    Url credentials;
    if (!parse_url(scheme + "://" + user + "host", credentials, why)) {
        return false;
    }
    out.username = credentials.username;
    out.password = credentials.password;
    return true;
}

std::optional<Servers> read_servers(const plugin::Config& config) {
    Servers found;
    std::string why;
    const char* said = nullptr;
    const auto only = [&](const char* option) {
        if (said != nullptr) {
            refuse(config, option, std::string("write it or ") + said + ", not both");
        }
        said = option;
    };
    const std::string_view url = config.text("url", "");
    if (names_several(url)) {
        only("url");
        if (!parse_servers_url(url, found, why)) {
            refuse(config, "url", why);
        }
    }
    for (const Layout layout : {Layout::cluster, Layout::sentinel, Layout::shards}) {
        const char* const option = name_of(layout);
        if (!config.has(option)) {
            continue;
        }
        only(option);
        if (!parse_servers(config.list(option), layout, found, why)) {
            refuse(config, option, why);
        }
    }
    if (said == nullptr) {
        if (config.has("sentinel_master")) {
            refuse(config, "sentinel_master", "it needs sentinel = [\"HOST:PORT\", ...]");
        }
        return std::nullopt;
    }
    for (const char* of_one : {"host", "port", "url"}) {
        if (config.has(of_one) && of_one != std::string_view(said)) {
            refuse(config, of_one, std::string("it names one server, and ") + said + " names several");
        }
    }
    if (config.has("sentinel_master")) {
        if (found.layout != Layout::sentinel || !found.master_name.empty()) {
            refuse(config, "sentinel_master", std::string(said) + " says it already, or has no Sentinels");
        }
        found.master_name = config.text("sentinel_master");
    }
    if (found.layout == Layout::sentinel && found.master_name.empty()) {
        refuse(config, said, "Sentinels are asked for a master by name: write sentinel_master = \"NAME\"");
    }
    return found;
}

}  // namespace larder::store_redis
