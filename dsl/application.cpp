// dsl/application.cpp -- one pass over the JSON of an OpenAPI description.
#include "dsl/application.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace larder::dsl {

namespace {

namespace json = boost::json;

constexpr std::array<std::pair<std::string_view, MethodSet>, 7> methods{
    {{"get", method_get},
     {"head", method_head},
     {"post", method_post},
     {"put", method_put},
     {"patch", method_patch},
     {"delete", method_delete},
     {"options", method_options}}};

// Notes what stands at paths.PATH.METHOD, its security, and at servers[0].url. Deeper keys are not kept.
class Reader {
  public:
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = max_object_size, max_key_size = max_object_size,
                                 max_string_size = max_object_size;

    struct Seen {
        MethodSet method = 0;
        std::string path;
        std::optional<bool> login;  // empty: as the document says
    };
    std::vector<Seen> seen;
    bool login = false;
    std::string server, base_path, version;
    std::size_t elsewhere = 0;
    bool cut_short = false, has_paths = false, is_object = false;

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }
    bool on_object_begin(json::error_code&) {
        if (depth_ == 0) is_object = true;
        if (depth_ == 1 && key(1) == "paths") has_paths = true;
        if (depth_ == 3 && key(1) == "paths") operation();
        push();
        return true;
    }
    // `security` is a list of alternatives: of the empty one nobody is asked.
    bool on_object_end(std::size_t members, json::error_code&) {
        if (security_ != 0 && depth_ == security_ + 2 && members == 0) anybody_ = true;
        pop();
        if (depth_ == 3) in_operation_ = false;
        return true;
    }
    bool on_array_begin(json::error_code&) {
        const bool here = (depth_ == 1 && key(1) == "security") || (depth_ == 4 && in_operation_ && key(4) == "security");
        if (here) {
            security_ = depth_;
            anybody_ = false;
        }
        push();
        return true;
    }
    bool on_array_end(std::size_t alternatives, json::error_code&) {
        pop();
        if (security_ == 0 || depth_ != security_) return true;
        const bool asked = alternatives > 0 && !anybody_;
        if (security_ == 1) login = asked;
        else seen.back().login = asked;
        security_ = 0;
        return true;
    }
    bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
        if (depth_ < keys_.size()) keep(part);
        return true;
    }
    bool on_key(json::string_view part, std::size_t, json::error_code&) {
        if (depth_ >= keys_.size()) return true;
        keep(part);
        keys_[depth_] = std::move(text_);
        text_.clear();
        return true;
    }
    bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
        if (wanted()) keep(part);
        return true;
    }
    bool on_string(json::string_view part, std::size_t, json::error_code&) {
        if (!wanted()) return true;
        keep(part);
        if (depth_ == 1 && (key(1) == "openapi" || key(1) == "swagger")) version = text_;
        if (depth_ == 1 && key(1) == "basePath") base_path = text_;
        if (depth_ == 3 && key(1) == "servers" && key(3) == "url" && server.empty()) server = text_;
        if (depth_ == 3 && key(1) == "paths" && key(3) == "$ref") ++elsewhere;
        text_.clear();
        return true;
    }
    bool on_number_part(json::string_view, json::error_code&) { return true; }
    bool on_int64(std::int64_t, json::string_view, json::error_code&) { return true; }
    bool on_uint64(std::uint64_t, json::string_view, json::error_code&) { return true; }
    bool on_double(double, json::string_view, json::error_code&) { return true; }
    bool on_bool(bool, json::error_code&) { return true; }
    bool on_null(json::error_code&) { return true; }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }

  private:
    const std::string& key(std::size_t depth) const { return keys_[depth]; }

    bool wanted() const { return depth_ == 1 || depth_ == 3; }

    // What is longer is of no use, and is recognised by its length.
    void keep(json::string_view part) {
        const std::size_t room = Application::max_path + 1 - std::min(text_.size(), Application::max_path + 1);
        text_.append(part.data(), std::min(part.size(), room));
    }

    void push() {
        ++depth_;
        if (depth_ < keys_.size()) keys_[depth_].clear();
    }
    void pop() { --depth_; }

    void operation() {
        const auto method = std::find_if(methods.begin(), methods.end(),
                                         [this](const auto& m) { return m.first == key(3); });
        if (method == methods.end()) return;
        if (seen.size() >= Application::max_operations || key(2).size() > Application::max_path) {
            cut_short = true;
            return;
        }
        seen.push_back({method->second, key(2), {}});
        in_operation_ = true;
    }

    std::array<std::string, 5> keys_;  // by depth, from 1
    std::string text_;
    std::size_t depth_ = 0, security_ = 0;  // security_: how deep the list stands that is read
    bool in_operation_ = false, anybody_ = false;
};

Diagnostic unreadable(Span at, std::string message, std::string label) {
    Diagnostic d;
    d.code = "L0336";
    d.message = std::move(message);
    d.primary = {at, std::move(label)};
    d.helps.emplace_back("OpenAPI 3 as JSON is wanted; FastAPI serves it as /openapi.json");
    return d;
}

Span place(const Source& source, std::size_t offset, std::size_t size) {
    const std::size_t begin = std::min(offset, source.text().size());
    const std::size_t end = std::min(offset + size, source.text().size());
    return {source.base() + static_cast<std::uint32_t>(begin),
            source.base() + static_cast<std::uint32_t>(end)};
}

// The path of a URL, without the slash at its end.
std::string path_of(std::string_view url) {
    if (const auto scheme = url.find("://"); scheme != url.npos) {
        url.remove_prefix(scheme + 3);
        url.remove_prefix(std::min(url.find('/'), url.size()));
    }
    url = url.substr(0, url.find_first_of("?#"));
    while (url.ends_with('/')) url.remove_suffix(1);
    return url.starts_with('/') ? std::string(url) : std::string();
}

// Where each path stands as a key. Paths come in the order of the text, so each search begins where
// the last one ended; one that is written with escapes is not found, and its place is the beginning.
class Places {
  public:
    explicit Places(const Source& source) : source_(source) {}

    Span of(const std::string& path) {
        if (path == last_) return span_;
        last_ = path;
        const std::string quoted = '"' + path + '"';
        for (std::size_t at = source_.text().find(quoted, from_); at != std::string_view::npos;
             at = source_.text().find(quoted, at + 1)) {
            const std::size_t next =
                source_.text().find_first_not_of(" \t\r\n", at + quoted.size());
            if (next == std::string_view::npos || source_.text()[next] != ':') continue;
            from_ = at + quoted.size();
            return span_ = place(source_, at + 1, path.size());
        }
        return span_ = place(source_, 0, 0);
    }

  private:
    const Source& source_;
    std::string last_;
    Span span_;
    std::size_t from_ = 0;
};

}  // namespace

Application read_application(std::string_view text, const Source& source,
                             std::vector<Diagnostic>& found) {
    Application out;
    if (text.size() > Application::max_bytes) {
        found.push_back(unreadable(place(source, 0, 0), "this is longer than 64 MiB", "not read"));
        return out;
    }
    json::parse_options options;
    options.max_depth = Application::max_depth;
    json::basic_parser<Reader> parser(options);
    json::error_code error;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
    if (!error && text.find_first_not_of(" \t\r\n", read) != text.npos)
        error = json::error::extra_data;
    if (error) {
        found.push_back(unreadable(place(source, read, 1), "this cannot be read as JSON",
                                   error == json::error::too_deep
                                       ? "nested more than 256 deep"
                                       : error.message() + " here"));
        return out;
    }
    const Reader& reader = parser.handler();
    if (!reader.is_object || reader.version.empty() || !reader.has_paths) {
        found.push_back(unreadable(place(source, 0, 0),
                                   "this describes no application: it has no " +
                                       std::string(reader.version.empty() ? "`openapi` version"
                                                                          : "`paths`"),
                                   ""));
        return out;
    }
    out.mount = path_of(reader.server.empty() ? reader.base_path : reader.server);
    out.elsewhere = reader.elsewhere;
    out.cut_short = reader.cut_short;
    Places places(source);
    for (const Reader::Seen& seen : reader.seen)
        out.operations.push_back({seen.method, seen.path, places.of(seen.path), seen.login.value_or(reader.login)});
    return out;
}

Template route_of(std::string_view path) {
    Template out;
    out.source = path;
    std::uint16_t slots = 0;
    const auto literal = [&out](std::string_view text) {
        if (text.empty()) return;
        if (!out.pieces.empty() && out.pieces.back().kind == Piece::Kind::literal)
            out.pieces.back().text += text;
        else
            out.pieces.push_back({Piece::Kind::literal, 0, std::string(text)});
    };
    if (!path.starts_with('/')) literal("/");
    while (!path.empty()) {
        const std::size_t open = std::min(path.find('{'), path.size());
        literal(path.substr(0, open));
        path.remove_prefix(open);
        if (path.empty()) break;
        const std::size_t close = path.find('}');
        const bool value =
            close != path.npos && close > 1 && path.substr(0, close).find('/') == path.npos;
        if (!value) {
            literal(path.substr(0, 1));
            path.remove_prefix(1);
            continue;
        }
        // Two values side by side are one: no path can tell where the first ends.
        if (out.pieces.empty() || out.pieces.back().kind == Piece::Kind::literal)
            out.pieces.push_back(
                {Piece::Kind::variable, slots++, std::string(path.substr(1, close - 1))});
        path.remove_prefix(close + 1);
    }
    return out;
}

}  // namespace larder::dsl
