// plugins/invalidator_route/route_event.cpp -- the three readers.
#include "route_event.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace larder::invalidator_route {
namespace {

constexpr std::size_t longest_method = 32;

bool is_method(std::string_view text) noexcept {
    return !text.empty() && text.size() <= longest_method &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
           });
}

bool read_status(std::string_view text, std::uint32_t& out) noexcept {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size() && out >= 100 && out <= 599;
}

// "/a?b" or, as proxies are asked, "http://host/a?b".
bool take_target(std::string_view target, RouteEvent& out) {
    if (!target.starts_with('/')) {
        const std::size_t scheme = target.find("://");
        const std::size_t slash =
            scheme == std::string_view::npos ? scheme : target.find('/', scheme + 3);
        if (slash == std::string_view::npos || target.find_first_of("/?") < scheme) {
            return false;
        }
        target.remove_prefix(slash);
    }
    target = target.substr(0, target.find('#'));
    const std::size_t mark = target.find('?');
    out.path = target.substr(0, mark);
    out.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    return true;
}

std::optional<int> hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return std::nullopt;
}

// Reads up to the closing quote, undoing what servers do to quotes, backslashes and control bytes:
// \" \\ \xHH. Removes what it read from `line`; false: the quote is never closed.
bool take_quoted(std::string_view& line, std::string& out) {
    out.clear();
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '"') {
            line.remove_prefix(i + 1);
            return true;
        }
        if (line[i] != '\\' || i + 1 == line.size()) {
            out += line[i];
            continue;
        }
        const char escaped = line[++i];
        const auto high =
            escaped == 'x' && i + 2 < line.size() ? hex_digit(line[i + 1]) : std::nullopt;
        const auto low = high ? hex_digit(line[i + 2]) : std::nullopt;
        if (high && low) {
            out += static_cast<char>(*high * 16 + *low);
            i += 2;
        } else if (escaped == '"' || escaped == '\\') {
            out += escaped;
        } else {
            out += '\\';
            out += escaped;
        }
    }
    return false;
}

const boost::json::value* member(const boost::json::value& root,
                                 const std::vector<std::string>& name) {
    const boost::json::value* at = &root;
    for (const std::string& part : name) {
        const boost::json::object* object = at->if_object();
        at = object != nullptr ? object->if_contains(part) : nullptr;
        if (at == nullptr) {
            return nullptr;
        }
    }
    return at;
}

std::optional<std::string_view> text_at(const boost::json::value& root,
                                        const std::vector<std::string>& name) {
    const boost::json::value* found = member(root, name);
    if (found == nullptr || !found->is_string()) {
        return std::nullopt;
    }
    return std::string_view(found->get_string().data(), found->get_string().size());
}

bool status_at(const boost::json::value& root, const std::vector<std::string>& name,
               std::uint32_t& out) {
    if (const auto text = text_at(root, name)) {
        return read_status(*text, out);
    }
    const boost::json::value* found = member(root, name);
    if (found == nullptr || !found->is_int64() || found->get_int64() < 100 ||
        found->get_int64() > 599) {
        return false;
    }
    out = static_cast<std::uint32_t>(found->get_int64());
    return true;
}

}  // namespace

bool read_plain(std::string_view line, RouteEvent& out) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
        return false;
    }
    const std::string_view method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    if (!is_method(method) || target.find(' ') != std::string_view::npos ||
        !take_target(target, out) || !read_status(line.substr(last + 1), out.status)) {
        return false;
    }
    out.method = method;
    return true;
}

bool read_common_log(std::string_view line, RouteEvent& out) {
    // host ident user [time] "METHOD target HTTP/1.1" status ...: a user may hold nearly anything,
    // so the request is what follows the time.
    const std::size_t time_end = line.find("] \"");
    if (time_end == std::string_view::npos) {
        return false;
    }
    line.remove_prefix(time_end + 3);
    std::string request;
    if (!take_quoted(line, request) || !line.starts_with(' ')) {
        return false;
    }
    line.remove_prefix(1);
    std::string_view target = request;
    const std::size_t space = target.find(' ');
    if (space == std::string_view::npos || !is_method(target.substr(0, space))) {
        return false;
    }
    const std::string_view method = target.substr(0, space);
    target.remove_prefix(space + 1);
    const std::size_t protocol = target.rfind(" HTTP/");
    if (protocol != std::string_view::npos) {
        target = target.substr(0, protocol);
    }
    if (!take_target(target, out) || !read_status(line.substr(0, line.find(' ')), out.status)) {
        return false;
    }
    out.method = method;
    return true;
}

JsonLine::JsonLine(std::string_view method, std::string_view path, std::string_view status)
    : method_(split(method)), path_(split(path)), status_(split(status)) {}

JsonLine::Name JsonLine::split(std::string_view dotted) {
    Name parts;
    for (;;) {
        const std::size_t dot = dotted.find('.');
        parts.emplace_back(dotted.substr(0, dot));
        if (dot == std::string_view::npos) {
            return parts;
        }
        dotted.remove_prefix(dot + 1);
    }
}

bool JsonLine::read(std::string_view line, RouteEvent& out) const {
    boost::json::monotonic_resource memory;
    boost::json::error_code error;
    const boost::json::value root = boost::json::parse(line, error, &memory);
    if (error) {
        return false;
    }
    const auto method = text_at(root, method_);
    const auto target = text_at(root, path_);
    if (!method || !is_method(*method) || !target || !take_target(*target, out) ||
        !status_at(root, status_, out.status)) {
        return false;
    }
    out.method = *method;
    return true;
}

}  // namespace larder::invalidator_route
