// kernel/serve/admin_api.cpp -- from a request to its endpoint: limits, tokens, routes, the audit log.
#include "kernel/serve/admin_api.hpp"

#include <larder/plugin/services.h>

#include <algorithm>
#include <optional>

namespace larder::serve {
namespace {

namespace json = boost::json;

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Nullopt: a `%` without two digits behind it, or a byte that no name and no log line should have.
std::optional<std::string> decoded(std::string_view text, bool plus_is_space) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) return std::nullopt;
            c = static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return std::nullopt;
        out += c;
    }
    return out;
}

std::vector<std::string_view> segments(std::string_view path) {
    std::vector<std::string_view> out;
    while (!path.empty()) {
        path.remove_prefix(path.front() == '/' ? 1 : 0);
        const auto end = path.find('/');
        out.push_back(path.substr(0, end));
        path.remove_prefix(end == std::string_view::npos ? path.size() : end);
    }
    return out;
}

// Fills `captures` from the segments, which are still percent-encoded.
bool fits(std::string_view pattern, std::string_view path, std::map<std::string, std::string, std::less<>>& captures) {
    const auto wanted = segments(pattern), given = segments(path);
    captures.clear();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i].size() > 5 && wanted[i].front() == '{' && wanted[i].ends_with("...}")) {
            std::string rest;
            for (std::size_t k = i; k < given.size(); ++k) {
                const auto part = decoded(given[k], false);
                if (!part) return false;
                (rest += k == i ? "" : "/") += *part;
            }
            captures[std::string(wanted[i].substr(1, wanted[i].size() - 5))] = std::move(rest);
            return true;
        }
        if (i >= given.size()) return false;
        if (wanted[i].size() > 2 && wanted[i].front() == '{') {
            const auto value = decoded(given[i], false);
            if (!value || value->empty()) return false;
            captures[std::string(wanted[i].substr(1, wanted[i].size() - 2))] = *value;
        } else if (wanted[i] != given[i]) {
            return false;
        }
    }
    return wanted.size() == given.size();
}

bool parse_query(std::string_view text, std::map<std::string, std::string, std::less<>>& out) {
    while (!text.empty()) {
        const auto end = text.find('&');
        const std::string_view part = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (part.empty()) continue;
        const auto equals = part.find('=');
        const auto name = decoded(part.substr(0, equals), true);
        const auto value = equals == std::string_view::npos ? std::string() : decoded(part.substr(equals + 1), true);
        if (!name || !value) return false;
        out[*name] = *value;
    }
    return true;
}

std::string_view path_of(const HttpRequest& request) {
    const std::string_view target = request.target;
    std::string_view path = target.substr(0, target.find('?'));
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    return path;
}

struct Match {
    const Endpoint* endpoint = nullptr;
    std::string allowed;  // methods that the path knows, where this one is none of them
};

Match find(const HttpRequest& request, const std::vector<std::string>& mounts, Ask& ask) {
    const std::string_view path = path_of(request);
    const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
    Match out;
    for (const Endpoint& endpoint : endpoints())
        for (const std::string& at : paths_of(endpoint, mounts)) {
            std::map<std::string, std::string, std::less<>> captures;
            if (!fits(at, path, captures)) continue;
            if (endpoint.method == method) {
                ask.captures = std::move(captures);
                out.endpoint = &endpoint;
                return out;
            }
            if (out.allowed.find(endpoint.method) == std::string::npos)
                (out.allowed += out.allowed.empty() ? "" : ", ") += endpoint.method;
        }
    return out;
}

bool is_true(std::string_view text) { return text == "1" || text == "true" || text == "yes"; }

HttpReply denied(unsigned status, const char* why) {
    HttpReply out = refusal(status, why);
    if (status == 401) out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"larder\"");
    return out;
}

}  // namespace

HttpReply reply(json::object body, unsigned status) {
    HttpReply out;
    out.status = status;
    out.body = json::serialize(body) + "\n";
    return out;
}

HttpReply refusal(unsigned status, std::string why) { return reply({{"success", false}, {"error", std::move(why)}}, status); }

HttpReply not_here(std::string why) { return refusal(501, std::move(why)); }

std::vector<std::string> paths_of(const Endpoint& endpoint, const std::vector<std::string>& mounts) {
    if (endpoint.path.starts_with('/')) return {std::string(endpoint.path)};
    std::vector<std::string> out;
    for (const std::string& mount : mounts) out.push_back(mount + "/" + std::string(endpoint.path));
    return out;
}

larder_call Ask::call() const {
    larder_call out{};
    out.struct_size = sizeof out;
    out.role = role;
    if (rehearse) out.flags |= LARDER_CALL_REHEARSE;
    if (!confirmed) out.flags |= LARDER_CALL_GUARDED;
    return out;
}

AdminApi::AdminApi(Kernel& kernel, const config::AdminOptions& options, TokenBook tokens, const Clock& clock)
    : kernel_(kernel), options_(options), tokens_(std::move(tokens)), rate_(static_cast<double>(options.rate), clock) {}

std::unique_ptr<AdminApi> AdminApi::make(Kernel& kernel, const config::AdminOptions& options,
                                         const config::Environment& environment, const Clock& clock,
                                         std::string& problem) {
    auto tokens = TokenBook::read(options.tokens, environment, problem);
    if (!tokens) return nullptr;
    for (const std::string& name : options.open) {
        const auto all = endpoints();
        const auto found = std::find_if(all.begin(), all.end(), [&](const Endpoint& one) { return one.name == name; });
        if (found == all.end() || found->changes) {
            problem = "[admin] open: `" + name + "` " +
                      (found == all.end() ? "is no endpoint; docs/admin.md lists them"
                                          : "changes something, and asks for a token always");
            return nullptr;
        }
    }
    return std::unique_ptr<AdminApi>(new AdminApi(kernel, options, std::move(*tokens), clock));
}

void AdminApi::count(std::string_view endpoint, unsigned status) { kernel_.count_admin(endpoint, status); }

HttpReply AdminApi::answer(const HttpRequest& request) noexcept {
    try {
        return decide(request);
    } catch (const std::exception& error) {
        try {
            kernel_.log(LARDER_LOG_ERROR, "admin", std::string("a request failed: ") + error.what());
            return refusal(500, "the kernel failed; its log says more");
        } catch (...) {
            return {};
        }
    }
}

HttpReply AdminApi::decide(const HttpRequest& request) {
    if (!rate_.allow(request.peer)) {
        count("", 429);
        HttpReply out = refusal(429, "too many requests");
        out.headers.emplace_back("Retry-After", "1");
        return out;
    }
    Ask ask{kernel_, options_, request, {}, {}, {}, {}, 0, options_.mounts.size(), false, false};
    const Match match = find(request, options_.mounts, ask);
    const TokenBook::Holder* holder = tokens_.find(request.authorization);
    const bool open = match.endpoint != nullptr && !match.endpoint->changes &&
                      (match.endpoint->role == 0 ||
                       std::find(options_.open.begin(), options_.open.end(), match.endpoint->name) != options_.open.end());
    if (holder == nullptr && !open) {
        count("", 401);
        kernel_.log(LARDER_LOG_WARN, "admin", "401 for " + request.peer + (request.authorization.empty() ? ", which gave no token" : ", whose token nobody has"));
        return denied(401, "unauthorized");
    }
    if (match.endpoint == nullptr) {
        count("", match.allowed.empty() ? 404 : 405);
        if (match.allowed.empty()) return refusal(404, "there is no such endpoint; GET /openapi.json lists them");
        HttpReply out = refusal(405, "this path answers to " + match.allowed);
        out.headers.emplace_back("Allow", match.allowed);
        return out;
    }
    ask.role = holder != nullptr ? holder->role : std::uint32_t{LARDER_ROLE_READ};
    ask.who = holder != nullptr ? std::string_view(holder->name) : std::string_view("anybody");
    HttpReply out = ask.role < match.endpoint->role ? denied(403, "this token's role does not allow it") : run(*match.endpoint, ask);
    count(match.endpoint->name, out.status);
    return out;
}

// Bodies that hold identifiers of sessions and their data.
static bool is_secret(const Endpoint& endpoint) { return endpoint.name == "sessions/run"; }

HttpReply AdminApi::run(const Endpoint& endpoint, Ask& ask) {
    const auto question = ask.request.target.find('?');
    if (question != std::string::npos && !parse_query(std::string_view(ask.request.target).substr(question + 1), ask.query))
        return refusal(400, "the query is not percent-encoded text");
    ask.rehearse = is_true(ask.parameter("dry_run"));
    ask.confirmed = is_true(ask.parameter("confirm"));
    if (endpoint.changes && !ask.request.body.empty()) {
        json::error_code error;
        json::parse_options strict;
        strict.max_depth = 8;
        json::value body = json::parse(ask.request.body, error, {}, strict);
        if (error || !body.is_object()) return refusal(400, "the body is not a JSON object");
        ask.body = std::move(body.get_object());
    }
    HttpReply out = endpoint.answer(ask);
    if (endpoint.changes && !ask.rehearse) {
        // Who did what, and what came of it; never a secret, and control bytes are the log's to escape.
        const std::string line = std::string(ask.who) + "@" + ask.request.peer + " " + ask.request.method + " " +
                                 ask.request.target.substr(0, 512) +
                                 (ask.request.body.empty() || is_secret(endpoint) ? "" : " " + ask.request.body.substr(0, 512)) + " -> " + std::to_string(out.status);
        kernel_.log(LARDER_LOG_INFO, "audit", line);
        kernel_.cache().note(LARDER_LOG_INFO, "admin", line);
    }
    return out;
}

}  // namespace larder::serve
