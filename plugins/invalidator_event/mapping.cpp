// plugins/invalidator_event/mapping.cpp -- see mapping.hpp.
#include "mapping.hpp"

#include <larder/plugin/error.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

namespace larder::invalidator_event {
namespace {

constexpr std::size_t longest_value = 1024;
constexpr std::size_t longest_name = 256;
constexpr std::size_t most_values = 64;

std::vector<std::string> split_path(std::string_view dotted) {
    std::vector<std::string> parts;
    for (;;) {
        const std::size_t dot = dotted.find('.');
        parts.emplace_back(dotted.substr(0, dot));
        if (dot == std::string_view::npos) {
            return parts;
        }
        dotted.remove_prefix(dot + 1);
    }
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    return first == std::string_view::npos
               ? std::string_view()
               : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// "a = b" in its two halves, neither empty.
std::pair<std::string_view, std::string_view> halves(const char* option, const std::string& text,
                                                     const char* form) {
    const std::size_t equals = text.find('=');
    const std::string_view left = trimmed(std::string_view(text).substr(0, equals));
    const std::string_view right =
        equals == std::string::npos ? std::string_view() : trimmed(std::string_view(text).substr(equals + 1));
    if (left.empty() || right.empty()) {
        throw plugin::Error(LARDER_E_CONFIG,
                            std::string(option) + ": '" + text + "': expected " + form);
    }
    return {left, right};
}

const boost::json::value* member(const boost::json::value& root,
                                 const std::vector<std::string>& path) {
    const boost::json::value* at = &root;
    for (const std::string& part : path) {
        const boost::json::object* object = at->if_object();
        at = object != nullptr ? object->if_contains(part) : nullptr;
        if (at == nullptr) {
            return nullptr;
        }
    }
    return at;
}

std::optional<std::string> number_text(double number) {
    constexpr double exact = 9'007'199'254'740'992.0;  // 2^53
    if (!(std::fabs(number) < exact)) {
        return std::nullopt;
    }
    std::array<char, 64> text;
    const auto [end, bad] = std::to_chars(text.data(), text.data() + text.size(), number);
    return bad == std::errc() ? std::optional(std::string(text.data(), end)) : std::nullopt;
}

// The text of what may be a value; nullopt: it is none.
std::optional<std::string> value_text(const boost::json::value& found) {
    switch (found.kind()) {
        case boost::json::kind::string: {
            const boost::json::string& text = found.get_string();
            if (text.size() > longest_value) {
                return std::nullopt;
            }
            return std::string(text.data(), text.size());
        }
        case boost::json::kind::int64: return std::to_string(found.get_int64());
        case boost::json::kind::uint64: return std::to_string(found.get_uint64());
        case boost::json::kind::double_: return number_text(found.get_double());
        case boost::json::kind::bool_: return found.get_bool() ? "true" : "false";
        default: return std::nullopt;
    }
}

}  // namespace

// One message while it is read.
class Mapping::Reading {
  public:
    explicit Reading(BoundEvent& out) : out_(out) {}

    void add(std::string_view name, std::optional<std::string> value) {
        const bool there =
            std::any_of(out_.values.begin(), out_.values.end(),
                        [&](const auto& pair) { return pair.first == name; });
        if (value && !there && name.size() <= longest_name && out_.values.size() < most_values) {
            out_.values.emplace_back(name, std::move(*value));
        }
    }
    void add_text(std::string_view name, std::string_view text) {
        if (text.size() <= longest_value) {
            add(name, std::string(text));
        }
    }
    void add_paths(const std::vector<Path>& paths, const boost::json::value& root) {
        for (const Path& path : paths) {
            if (path.event.empty() || path.event == out_.name) {
                if (const boost::json::value* found = member(root, path.members)) {
                    add(path.name, value_text(*found));
                }
            }
        }
    }
    // All members but the one that names the event.
    void add_members(const boost::json::object& object, std::string_view event_field) {
        for (const auto& [name, value] : object) {
            if (std::string_view(name.data(), name.size()) != event_field) {
                add({name.data(), name.size()}, value_text(value));
            }
        }
    }

  private:
    BoundEvent& out_;
};

Mapping::Mapping(MappingOptions options)
    : options_(std::move(options)), event_path_(split_path(options_.event_field)) {
    for (const std::string& text : options_.events) {
        auto [from, to] = halves("events", text, "NAME=EVENT, \"users:*=user_changed\"");
        const bool prefix = from.ends_with('*');
        renames_.push_back({std::string(from.substr(0, from.size() - (prefix ? 1 : 0))),
                            std::string(to), prefix});
    }
    for (const std::string& text : options_.fields) {
        const auto [name, path] = halves("fields", text, "VALUE=PATH, \"user_id=user.id\"");
        const std::size_t colon = name.rfind(':');
        const bool of_one = colon != std::string_view::npos;
        paths_.push_back({std::string(of_one ? name.substr(0, colon) : std::string_view()),
                          std::string(of_one ? name.substr(colon + 1) : name), split_path(path)});
    }
}

std::string_view Mapping::named(std::string_view found) const {
    for (const Rename& rename : renames_) {
        if (rename.prefix ? found.starts_with(rename.from) : found == rename.from) {
            return rename.to;
        }
    }
    return found;
}

Mapping::Outcome Mapping::read(std::string_view place, std::string_view payload, BoundEvent& out,
                               std::string& why) const {
    out.values.clear();
    Reading reading(out);
    if (payload.size() > options_.max_payload) {
        why = std::to_string(payload.size()) + " bytes";
        return Outcome::too_large;
    }
    out.name = named(place);
    if (payload.empty()) {
        return Outcome::event;
    }
    if (!options_.json) {
        reading.add_text(options_.value_name, payload);
        return Outcome::event;
    }
    std::array<unsigned char, 4096> first;
    boost::json::monotonic_resource memory(first.data(), first.size());
    boost::json::error_code error;
    const boost::json::value root = boost::json::parse(payload, error, &memory);
    if (error) {
        why = "no JSON: " + error.message();
        return Outcome::malformed;
    }
    if (root.is_array()) {
        why = "a list, where an object was expected";
        return Outcome::malformed;
    }
    if (!root.is_object()) {
        reading.add(options_.value_name, value_text(root));
        return Outcome::event;
    }
    if (const boost::json::value* event = member(root, event_path_); event != nullptr) {
        if (!event->is_string() || event->get_string().empty() ||
            event->get_string().size() > longest_name) {
            why = "its " + options_.event_field + " is not the name of an event";
            return Outcome::malformed;
        }
        out.name = named({event->get_string().data(), event->get_string().size()});
    }
    reading.add_paths(paths_, root);
    reading.add_members(root.get_object(), options_.event_field);
    return Outcome::event;
}

Mapping::Outcome Mapping::read_entry(std::string_view place, const Fields& fields, BoundEvent& out,
                                     std::string& why) const {
    std::size_t bytes = 0;
    std::string_view payload, event;
    for (const auto& [name, value] : fields) {
        bytes += name.size() + value.size();
        if (name == options_.payload_field) {
            payload = value;
        } else if (name == options_.event_field) {
            event = value;
        }
    }
    if (bytes > options_.max_payload) {
        out.values.clear();
        why = std::to_string(bytes) + " bytes";
        return Outcome::too_large;
    }
    // A field of the entry names the event where the JSON within it does not.
    if (const Outcome outcome = read(event.empty() ? place : event, payload, out, why);
        outcome != Outcome::event) {
        return outcome;
    }
    if (out.name.size() > longest_name) {
        why = "its " + options_.event_field + " is not the name of an event";
        return Outcome::malformed;
    }
    Reading reading(out);
    // What was read stays; the entry's own fields come behind, those that `fields` takes first.
    for (const Path& path : paths_) {
        for (const auto& [name, value] : fields) {
            const bool concerns = path.event.empty() || path.event == out.name;
            if (concerns && path.members.size() == 1 && path.members.front() == name) {
                reading.add_text(path.name, value);
            }
        }
    }
    for (const auto& [name, value] : fields) {
        if (name != options_.payload_field && name != options_.event_field) {
            reading.add_text(name, value);
        }
    }
    return Outcome::event;
}

}  // namespace larder::invalidator_event
