// plugins/exporter_cdn/mapping.cpp -- see mapping.hpp.
#include "mapping.hpp"

#include <boost/json.hpp>

#include <stdexcept>
#include <utility>

namespace larder::exporter_cdn {
namespace {

namespace json = boost::json;

constexpr std::string_view hole = "{key}";

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Canonical texts write % : * { } inside a value as %XX.
std::string plain(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escaped = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
        out += escaped ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
        i += escaped ? 2 : 0;
    }
    return out;
}

std::string_view text_in(const json::object& object, std::string_view name) {
    const json::value* const found = object.if_contains(name);
    return found != nullptr && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

}  // namespace

Mapping::Mapping(const std::vector<std::string>& entries, bool everything) : everything_(everything) {
    for (const std::string& entry : entries) {
        if (entry == "*") {
            every_ = true;
            continue;
        }
        const std::size_t sign = entry.find('=');
        if (sign == 0 || sign == std::string::npos || sign + 1 == entry.size()) {
            throw std::invalid_argument("`" + entry + "` is not \"*\", nor like \"menu=menu-pages\" or \"user=user-{key}\"");
        }
        tags_.emplace(entry.substr(0, sign), entry.substr(sign + 1));
    }
}

bool Mapping::read(std::string_view text, const Purges& to) const {
    boost::system::error_code error;
    const json::value parsed = json::parse(text, error);
    const json::object* const event = error ? nullptr : parsed.if_object();
    const json::value* const changes = event == nullptr ? nullptr : event->if_contains("changes");
    if (changes == nullptr || !changes->is_array()) {
        return false;
    }
    for (const json::value& each : changes->get_array()) {
        const json::object* const change = each.if_object();
        if (change == nullptr) {
            return false;
        }
        const bool soft = text_in(*change, "action") == "expire";
        const std::string_view target = text_in(*change, "target");
        const std::string name = plain(text_in(*change, "text"));
        if (target == "tag") {
            to.tag(name, soft);
        } else if (target == "everything") {
            if (everything_) {
                to.everything();
            }
        } else if (const json::value* const reached = change->if_contains("namespaces"); reached != nullptr && reached->is_array()) {
            for (const json::value& ns : reached->get_array()) {
                if (!ns.is_string()) {
                    return false;
                }
                const std::string_view ns_name(ns.get_string());
                if (every_ && target == "key") {
                    to.tag(std::string(ns_name) + ":" + name, soft);
                    to.tag(std::string(ns_name) + ":*", soft);
                } else if (every_) {
                    to.tag(std::string(ns_name), soft);
                }
                const auto [begin, end] = tags_.equal_range(ns_name);
                for (auto tag = begin; tag != end; ++tag) {
                    const std::size_t at = tag->second.find(hole);
                    if ((at != std::string::npos) != (target == "key")) {
                        continue;  // one speaks of single keys, the other of many
                    }
                    std::string made = tag->second;
                    if (at != std::string::npos) {
                        made.replace(at, hole.size(), name);
                    }
                    to.tag(std::move(made), soft);
                }
            }
        }
    }
    return true;
}

}  // namespace larder::exporter_cdn
