// kernel/serve/pages.cpp -- files under /ui/: a page that asks the rest of the API with the reader's token.
//
// The files are the same for everybody and hold no figures, so they are shown without a token. Only
// plain names below the folder are looked for; nothing outside it can be named.
#include "kernel/serve/endpoints.hpp"
#include "kernel/serve/ui/page.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace larder::serve {
namespace {

std::string_view type_of(std::string_view name) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> types{{
        {".html", "text/html; charset=utf-8"}, {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"}, {".mjs", "text/javascript; charset=utf-8"},
        {".json", "application/json"}, {".svg", "image/svg+xml"}, {".png", "image/png"},
        {".ico", "image/x-icon"}, {".woff2", "font/woff2"}, {".txt", "text/plain; charset=utf-8"}}};
    for (const auto& [end, type] : types)
        if (name.ends_with(end)) return type;
    return {};
}

// Letters, digits and `._-/`, no part that begins with a dot.
bool is_plain(std::string_view name) {
    if (name.empty() || name.size() > 200 || name.front() == '/' || name.front() == '.') return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/';
        if (!good || (c == '/' && i + 1 < name.size() && (name[i + 1] == '.' || name[i + 1] == '/'))) return false;
    }
    return true;
}

}  // namespace

HttpReply to_pages(const Ask&) {
    HttpReply out;
    out.status = 302;
    out.content_type = "text/plain; charset=utf-8";
    out.headers.emplace_back("Location", "/ui/");
    return out;
}

namespace {

HttpReply shown(std::string_view type, std::string_view body) {
    HttpReply out;
    out.content_type = type;
    out.body = body;
    out.headers.emplace_back("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    out.headers.emplace_back("Referrer-Policy", "no-referrer");
    return out;
}

// Whether a header that lists codings has this one, and not with a weight of 0.
bool accepts(std::string_view list, std::string_view coding) {
    while (!list.empty()) {
        const auto end = list.find(',');
        std::string_view one = list.substr(0, end);
        list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
        while (one.starts_with(' ')) one.remove_prefix(1);
        if (!one.starts_with(coding)) continue;
        const std::string_view rest = one.substr(coding.size());
        if (!rest.empty() && rest.front() != ' ' && rest.front() != ';') continue;
        const auto weight = rest.find("q=");
        return weight == std::string_view::npos || rest.find_first_of("123456789", weight) != std::string_view::npos;
    }
    return false;
}

// Of the page that was built in.
HttpReply built_in(const Ask& ask, std::string_view name) {
    for (const PageFile& file : page_files()) {
        if (file.name != name) continue;
        if (ask.request.if_none_match == file.tag) {
            HttpReply same;
            same.status = 304;
            same.headers.emplace_back("ETag", std::string(file.tag));
            return same;
        }
        const bool small = !file.brotli.empty() && accepts(ask.request.accept_encoding, "br");
        HttpReply out = shown(file.type, small ? file.brotli : file.plain);
        if (small) out.headers.emplace_back("Content-Encoding", "br");
        out.headers.emplace_back("Vary", "Accept-Encoding");
        out.headers.emplace_back("ETag", std::string(file.tag));
        out.headers.emplace_back("Cache-Control", "no-cache");
        return out;
    }
    return refusal(404, "there is no such file");
}

}  // namespace

HttpReply page(const Ask& ask) {
    namespace fs = std::filesystem;
    // Addresses in the page are relative to its folder.
    const std::string_view path = std::string_view(ask.request.target).substr(0, ask.request.target.find('?'));
    if (ask.capture("file").empty() && !path.ends_with('/')) return to_pages(ask);
    const std::string name = ask.capture("file").empty() ? "index.html" : std::string(ask.capture("file"));
    if (ask.options.pages.empty()) return built_in(ask, name);
    const std::string_view type = type_of(name);
    std::error_code error;
    const fs::path file = fs::path(ask.options.pages) / name;
    if (!is_plain(name) || type.empty() || !fs::is_regular_file(file, error) || fs::file_size(file, error) > (4u << 20))
        return refusal(404, "there is no such file");
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return shown(type, text.str());
}

}  // namespace larder::serve
