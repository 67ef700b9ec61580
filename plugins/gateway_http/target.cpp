// plugins/gateway_http/target.cpp -- see target.hpp.
#include "target.hpp"

#include <algorithm>

namespace larder::http {

bool read_target(const Head& request, Target& out) {
    out = {};
    out.host = request.first(Name::host);
    std::string_view rest = request.target();
    if (rest == "*") {
        out.asterisk = true;
        out.path = rest;
        return request.method() == "OPTIONS";
    }
    if (!rest.starts_with('/')) {
        const bool plain = same_word(rest.substr(0, 7), "http://"), secure = same_word(rest.substr(0, 8), "https://");
        if (!plain && !secure) return false;
        rest.remove_prefix(plain ? 7 : 8);
        const std::size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
        out.host = rest.substr(0, slash);
        rest.remove_prefix(slash);
        if (out.host.empty() || out.host.find('@') != std::string_view::npos) return false;
    }
    if (rest.find('#') != std::string_view::npos) return false;
    const std::size_t mark = rest.find('?');
    out.path = rest.substr(0, mark);
    if (mark != std::string_view::npos) out.query = rest.substr(mark + 1);
    if (out.path.empty()) out.path = "/";
    return true;
}

bool IgnoredQuery::ignores(std::string_view name) const noexcept {
    return std::any_of(names_.begin(), names_.end(), [&](const std::string& known) {
        return known.ends_with('*') ? name.starts_with(std::string_view(known).substr(0, known.size() - 1)) : name == known;
    });
}

std::string_view IgnoredQuery::strip(std::string_view query, std::string& buffer) const {
    if (names_.empty() || query.empty()) return query;
    buffer.clear();
    bool dropped = false;
    for (std::string_view rest = query; !rest.empty();) {
        const std::size_t end = std::min(rest.find('&'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (ignores(pair.substr(0, pair.find('=')))) {
            dropped = true;
            continue;
        }
        if (!buffer.empty()) buffer += '&';
        buffer += pair;
    }
    return dropped ? std::string_view(buffer) : query;
}

void append_identity(std::string& out, const Target& target, std::string_view query) {
    for (const char c : target.host) out += lower(c);
    out += target.path;
    if (!query.empty()) (out += '?') += query;
}

}  // namespace larder::http
