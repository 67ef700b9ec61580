// plugins/gateway_http/graphql.cpp -- see graphql.hpp.
#include "graphql.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <set>
#include <vector>

#include <xxhash.h>

namespace larder::http {
namespace {

namespace json = boost::json;
using Kind = GraphqlRequest::Kind;

constexpr std::size_t deepest = 64;

bool name_char(char c) noexcept {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

// Where the string that begins at `at` ends, behind its quotes; npos: nowhere.
std::size_t end_of_string(std::string_view in, std::size_t at) {
    if (in.substr(at, 3) == "\"\"\"") {
        for (std::size_t i = at + 3; i + 2 < in.size(); ++i) {
            if (in.substr(i, 4) == "\\\"\"\"") i += 3;
            else if (in.substr(i, 3) == "\"\"\"") return i + 3;
        }
        return std::string_view::npos;
    }
    for (std::size_t i = at + 1; i < in.size(); ++i) {
        if (in[i] == '\\') ++i;
        else if (in[i] == '"') return i + 1;
        else if (in[i] == '\n' || in[i] == '\r') break;
    }
    return std::string_view::npos;
}

// The tokens of a document (GraphQL 2.1), or nothing if it is none.
bool tokens_of(std::string_view in, std::vector<std::string_view>& out) {
    for (std::size_t at = 0; at < in.size();) {
        const char c = in[at];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',') {
            ++at;
        } else if (in.substr(at, 3) == "\xef\xbb\xbf") {
            at += 3;
        } else if (c == '#') {
            at = std::min(in.find_first_of("\r\n", at), in.size());
        } else if (c == '"') {
            const std::size_t end = end_of_string(in, at);
            if (end == std::string_view::npos) return false;
            out.push_back(in.substr(at, end - at));
            at = end;
        } else if (name_char(c) || c == '-') {  // names, and numbers with their point and exponent
            const bool number = c == '-' || (c >= '0' && c <= '9');
            std::size_t end = at + 1;
            while (end < in.size() && (name_char(in[end]) || (number && (in[end] == '.' || in[end] == '+' || in[end] == '-')))) ++end;
            out.push_back(in.substr(at, end - at));
            at = end;
        } else if (in.substr(at, 3) == "...") {
            out.push_back(in.substr(at, 3));
            at += 3;
        } else if (std::string_view("!$&()[]{}:=@|").find(c) != std::string_view::npos) {
            out.push_back(in.substr(at++, 1));
        } else {
            return false;
        }
    }
    return !out.empty();
}

struct Operation {
    std::string_view type = "query", name;
};

// The operations of a document; false: its braces do not match.
bool operations_of(const std::vector<std::string_view>& tokens, std::vector<Operation>& out) {
    std::vector<char> open;
    bool fragment = false, begun = false;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const std::string_view token = tokens[i];
        if (open.empty() && !begun) {
            fragment = token == "fragment";
            if (token == "query" || token == "mutation" || token == "subscription") {
                const bool named = i + 1 < tokens.size() && name_char(tokens[i + 1].front());
                out.push_back({token, named ? tokens[i + 1] : std::string_view{}});
            } else if (token == "{") {
                out.emplace_back();
            } else if (!fragment) {
                return false;
            }
            begun = true;
        }
        if (token == "{" || token == "(" || token == "[") {
            open.push_back(token.front());
            if (open.size() > deepest) return false;
        } else if (token == "}" || token == ")" || token == "]") {
            const char wanted = token == "}" ? '{' : token == ")" ? '(' : '[';
            if (open.empty() || open.back() != wanted) return false;
            open.pop_back();
            if (open.empty() && token == "}") begun = false;
        }
    }
    return open.empty() && !begun && !out.empty();
}

// Members in the order of their names, whatever order they came in.
void append_canonical(std::string& out, const json::value& value) {
    if (const auto* object = value.if_object()) {
        std::vector<std::string_view> names;
        for (const auto& member : *object) names.push_back({member.key().data(), member.key().size()});
        std::sort(names.begin(), names.end());
        out += '{';
        for (const std::string_view name : names) {
            out += json::serialize(json::string_view(name.data(), name.size()));
            out += ':';
            append_canonical(out, object->at({name.data(), name.size()}));
            out += ',';
        }
        out += '}';
    } else if (const auto* array = value.if_array()) {
        out += '[';
        for (const json::value& one : *array) {
            append_canonical(out, one);
            out += ',';
        }
        out += ']';
    } else {
        out += json::serialize(value);
    }
}

bool parse(std::string_view text, json::value& out) {
    json::error_code error;
    json::parse_options options;
    options.max_depth = deepest;
    out = json::parse({text.data(), text.size()}, error, {}, options);
    return !error;
}

GraphqlRequest made(std::string_view document, std::string_view name, const json::value& variables) {
    GraphqlRequest out;
    std::string text;
    if (!normalise_document(document, name, text, out.kind)) return {};
    text += '\n';
    text += name;
    text += '\n';
    if (!variables.is_null()) append_canonical(text, variables);
    const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
    constexpr std::string_view digits = "0123456789abcdef";
    for (const std::uint64_t half : {std::uint64_t{hash.high64}, std::uint64_t{hash.low64}})
        for (int shift = 60; shift >= 0; shift -= 4) out.key += digits[(half >> shift) & 15];
    out.text = std::move(text);
    return out;
}

std::string decoded(std::string_view text) {
    const auto hex = [](char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1; };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

void walk(const json::value& value, const std::function<void(std::string_view)>& call) {
    if (const auto* object = value.if_object()) {
        const json::value* type = object->if_contains("__typename");
        const json::value* id = object->if_contains("id");
        if (type != nullptr && type->is_string() && id != nullptr && (id->is_string() || id->is_number())) {
            const json::string& name = type->get_string();
            std::string tag(name.c_str(), name.size());
            tag += ':';
            if (id->is_string()) tag.append(id->get_string().c_str(), id->get_string().size());
            else tag += json::serialize(*id);
            call(tag);
        }
        for (const auto& member : *object) walk(member.value(), call);
    } else if (const auto* array = value.if_array()) {
        for (const json::value& one : *array) walk(one, call);
    }
}

}  // namespace

bool normalise_document(std::string_view document, std::string_view name, std::string& out, Kind& kind) {
    std::vector<std::string_view> tokens;
    std::vector<Operation> operations;
    if (!tokens_of(document, tokens) || !operations_of(tokens, operations)) return false;
    const auto found = std::find_if(operations.begin(), operations.end(), [&](const Operation& one) { return name.empty() || one.name == name; });
    if (found == operations.end() || (name.empty() && operations.size() > 1)) return false;
    if (found->type == "subscription") return false;
    kind = found->type == "mutation" ? Kind::mutation : Kind::query;
    out.clear();
    for (const std::string_view token : tokens) {
        if (!out.empty() && name_char(token.front()) && name_char(out.back())) out += ' ';
        out += token;
    }
    return true;
}

GraphqlRequest graphql_of_body(std::string_view body) {
    json::value root;
    if (!parse(body, root) || !root.is_object()) return {};
    const json::object& object = root.get_object();
    const auto text = [&](const char* name) {
        const json::value* value = object.if_contains(name);
        return value != nullptr && value->is_string() ? std::string(value->get_string().c_str(), value->get_string().size()) : std::string();
    };
    const json::value* variables = object.if_contains("variables");
    return made(text("query"), text("operationName"), variables != nullptr ? *variables : json::value());
}

GraphqlRequest graphql_of_query(std::string_view query) {
    std::string document, name, variables;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string_view key = pair.substr(0, equals), value = pair.substr(std::min(equals + 1, pair.size()));
        if (key == "query") document = decoded(value);
        else if (key == "operationName") name = decoded(value);
        else if (key == "variables") variables = decoded(value);
    }
    json::value given;
    if (!variables.empty() && !parse(variables, given)) return {};
    GraphqlRequest out = made(document, name, given);
    return out.kind == Kind::query ? out : GraphqlRequest();  // a GET changes nothing
}

bool each_object(std::string_view answer, const std::function<void(std::string_view)>& call) {
    json::value root;
    if (!parse(answer, root) || !root.is_object()) return false;
    if (const json::value* errors = root.get_object().if_contains("errors"))
        if (!errors->is_array() || !errors->get_array().empty()) return false;
    std::set<std::string> seen;
    walk(root, [&](std::string_view tag) {
        if (seen.emplace(tag).second) call(tag);
    });
    return true;
}

}  // namespace larder::http
