// plugins/redis_wire/url.cpp -- see url.hpp.
#include "url.hpp"

#include <charconv>

namespace larder::redis_wire {
namespace {

template <class Number>
bool whole(std::string_view text, Number& out) {
    const auto [stopped, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
    return bad == std::errc{} && stopped == text.data() + text.size() && !text.empty();
}

bool decode(std::string_view text, std::string& out) {
    out.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) {
            return false;
        }
        unsigned code = 0;
        const auto [stopped, bad] = std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16);
        if (bad != std::errc{} || stopped != text.data() + i + 3) {
            return false;
        }
        out += static_cast<char>(code);
        i += 2;
    }
    return true;
}

bool read_query(std::string_view query, Url& out, std::string& why) {
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
        std::uint32_t db = 0;
        if (!pair.starts_with("db=") || !whole(pair.substr(3), db)) {
            why = "behind ? only db=NUMBER is known";
            return false;
        }
        out.db = db;
    }
    return true;
}

bool read_host(std::string_view text, Endpoint& out, std::string& why) {
    std::string_view host = text, port;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos || (end + 1 < text.size() && text[end + 1] != ':')) {
            why = "expected ] behind the IPv6 address";
            return false;
        }
        host = text.substr(1, end - 1);
        port = text.substr(end + 1);
    } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        port = text.substr(colon);
    }
    if (!host.empty()) {
        out.host = host;
    }
    if (!port.empty()) {
        std::uint16_t number = 0;
        if (!whole(port.substr(1), number) || number == 0) {
            why = "a port is a number from 1 to 65535";
            return false;
        }
        out.port = number;
    }
    return true;
}

}  // namespace

bool parse_url(std::string_view text, Url& out, std::string& why) {
    const std::size_t colon = text.find("://");
    const std::string_view scheme = text.substr(0, colon == std::string_view::npos ? 0 : colon);
    const bool path_form = scheme == "unix";
    if (scheme != "redis" && scheme != "rediss" && !path_form) {
        why = "expected redis://HOST:PORT/DB, rediss://... for TLS, or unix:///PATH?db=DB";
        return false;
    }
    std::string_view rest = text.substr(colon + 3);
    out = Url{};
    out.endpoint.tls = scheme == "rediss";
    if (const std::size_t query = rest.find('?'); query != std::string_view::npos) {
        if (!read_query(rest.substr(query + 1), out, why)) {
            return false;
        }
        rest = rest.substr(0, query);
    }
    // A password may hold a slash or an @ that nobody escaped: the user's part ends at the last @; but
    // a path may hold one too, and begins with a slash.
    const std::size_t at = rest.rfind('@');
    if (at != std::string_view::npos && !(path_form && rest.starts_with('/'))) {
        const std::string_view user = rest.substr(0, at);
        const std::size_t middle = user.find(':');
        if (!decode(user.substr(0, middle), out.username) ||
            (middle != std::string_view::npos && !decode(user.substr(middle + 1), out.password))) {
            why = "user or password has a % that is not followed by two hex digits";
            return false;
        }
        if (middle == std::string_view::npos) {
            why = "before @ stands USER:PASSWORD, or :PASSWORD";
            return false;
        }
        rest = rest.substr(at + 1);
    }
    if (path_form) {
        if (rest.empty() || rest.front() != '/') {
            why = "expected the socket's whole path: unix:///PATH";
            return false;
        }
        out.endpoint.path = rest;
        return true;
    }
    if (const std::size_t path = rest.find('/'); path != std::string_view::npos) {
        const std::string_view db = rest.substr(path + 1);
        std::uint32_t number = 0;
        if (!db.empty() && !whole(db, number)) {
            why = "behind the host stands the number of the database: /0";
            return false;
        }
        if (!db.empty()) {
            out.db = number;
        }
        rest = rest.substr(0, path);
    }
    return read_host(rest, out.endpoint, why);
}

}  // namespace larder::redis_wire
