// plugins/session_sealed/merge_patch.cpp -- see merge_patch.hpp.
#include "merge_patch.hpp"

#include <boost/json.hpp>

namespace larder::session_sealed {
namespace {

namespace json = boost::json;

std::optional<json::value> read(std::string_view text) {
    json::parse_options options;
    options.max_depth = 64;
    json::error_code error;
    json::value out = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
    return error ? std::nullopt : std::optional(std::move(out));
}

void merge(json::value& into, const json::value& patch) {
    if (!patch.is_object()) {
        into = patch;
        return;
    }
    if (!into.is_object()) {
        into = json::object();
    }
    for (const auto& [name, value] : patch.get_object()) {
        if (value.is_null()) {
            // Not erase(): it puts the last member in the place of the one that goes.
            into.get_object().stable_erase(name);
        } else {
            merge(into.get_object()[name], value);
        }
    }
}

}  // namespace

std::optional<std::string> merged(std::string_view data, std::string_view patch) {
    auto into = read(data.empty() ? "{}" : data);
    const auto by = read(patch);
    if (!into || !by) {
        return std::nullopt;
    }
    merge(*into, *by);
    return json::serialize(*into);
}

}  // namespace larder::session_sealed
