// kernel/serve/openapi.cpp -- the admin API described by itself: OpenAPI 3.0 made of the table of endpoints.
#include "kernel/serve/admin_api.hpp"

#include "kernel/api/version.hpp"

#include <larder/plugin/abi.h>

#include <algorithm>

namespace larder::serve {
namespace {

namespace json = boost::json;

std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty()) {
        const auto end = text.find(' ');
        if (end != 0) out.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

json::string_view shown(std::string_view text) { return {text.data(), text.size()}; }

json::value parameter(std::string_view name, const char* in) {
    return json::object{{"name", shown(name)},
                        {"in", in},
                        {"required", std::string_view(in) == "path"},
                        {"schema", json::object{{"type", "string"}}}};
}

json::object answer(const char* text) { return {{"description", text}}; }

const char* role_word(std::uint32_t role) {
    switch (role) {
        case LARDER_ROLE_READ: return "read";
        case LARDER_ROLE_INVALIDATE: return "invalidate";
        case LARDER_ROLE_ADMIN: return "admin";
        default: return "none";
    }
}

json::object operation(const Endpoint& endpoint, const std::string& path, const config::AdminOptions& options) {
    json::array parameters;
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1))
        parameters.push_back(parameter(std::string_view(path).substr(at + 1, path.find('}', at) - at - 1), "path"));
    json::object members;
    for (const std::string_view word : words(endpoint.takes)) {
        if (word.starts_with('?')) parameters.push_back(parameter(word.substr(1), "query"));
        else members[shown(word)] = json::object();
    }
    json::object schema{{"type", "object"}}, properties;
    json::array required;
    for (const std::string_view word : words(endpoint.gives)) {
        properties[shown(word)] = json::object();
        required.emplace_back(shown(word));
    }
    if (!required.empty()) {
        schema["required"] = std::move(required);
        schema["properties"] = std::move(properties);
    }
    json::object good = answer("done");
    if (!endpoint.gives.empty())
        good["content"] = json::object{{"application/json", json::object{{"schema", std::move(schema)}}}};
    const bool open = endpoint.role == 0 || std::find(options.open.begin(), options.open.end(), endpoint.name) != options.open.end();
    json::object out{{"summary", shown(endpoint.summary)},
                     {"operationId", std::string(endpoint.method) + " " + path},
                     {"x-role", role_word(endpoint.role)},
                     {"parameters", std::move(parameters)},
                     {"responses", json::object{{"200", std::move(good)},
                                                {"400", answer("the request is wrong, and the answer says how")},
                                                {"401", answer("no token, or none that is known")},
                                                {"403", answer("the token's role is too low")},
                                                {"429", answer("too many requests")},
                                                {"501", answer("not built or not configured; the answer says what")},
                                                {"503", answer("a store is not available")}}}};
    if (!members.empty())
        out["requestBody"] = json::object{
            {"content", json::object{{"application/json", json::object{{"schema", json::object{{"type", "object"}, {"properties", std::move(members)}}}}}}}};
    if (open) out["security"] = json::array();
    return out;
}

}  // namespace

json::object openapi(const config::AdminOptions& options) {
    json::object paths;
    for (const Endpoint& endpoint : endpoints())
        for (std::string path : paths_of(endpoint, options.mounts)) {
            // `{rest...}` takes any number of segments, which OpenAPI has no word for.
            if (const auto dots = path.find("...}"); dots != std::string::npos) path.erase(dots, 3);
            std::string method(endpoint.method);
            std::transform(method.begin(), method.end(), method.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
            auto& item = paths[path];
            if (item.is_null()) item = json::object();
            item.get_object()[method] = operation(endpoint, path, options);
        }
    return {{"openapi", "3.0.3"},
            {"info", json::object{{"title", "larder admin API"}, {"version", version}}},
            {"security", json::array{json::object{{"token", json::array()}}}},
            {"components", json::object{{"securitySchemes", json::object{{"token", json::object{{"type", "http"}, {"scheme", "bearer"}}}}}}},
            {"paths", std::move(paths)}};
}

}  // namespace larder::serve
