// kernel/core/request_values.cpp -- headers, queries, cookies, forms and JSON, each with its bounds.
#include "kernel/core/request_values.hpp"

#include <algorithm>
#include <cctype>

#include <boost/json.hpp>

namespace larder {
namespace {

constexpr std::size_t max_body = 1u << 20, max_value = 1024;

int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string decode(std::string_view text, bool plus) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        } else {
            out += plus && text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

bool same_name(std::string_view a, std::string_view b) {  // header names: RFC 9110 5.1
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
               return std::tolower(x) == std::tolower(y);
           });
}

std::string_view text_of(larder_bytes b) {
    return b.size == 0 ? std::string_view{} : std::string_view{static_cast<const char*>(b.data), b.size};
}

std::string_view trimmed(std::string_view t) {
    while (!t.empty() && (t.front() == ' ' || t.front() == '\t')) t.remove_prefix(1);
    while (!t.empty() && (t.back() == ' ' || t.back() == '\t')) t.remove_suffix(1);
    return t;
}

std::optional<std::string> bounded(std::string value) {
    if (value.empty() || value.size() > max_value) return std::nullopt;
    return value;
}

}  // namespace

struct RequestValues::Body {
    boost::json::value root;
};

RequestValues::~RequestValues() { delete body_; }

std::string form_decode(std::string_view text) { return decode(text, true); }
std::string percent_decode(std::string_view text) { return decode(text, false); }

std::optional<std::string> form_value(std::string_view form, std::string_view name) {
    while (!form.empty()) {
        const auto end = std::min(form.find('&'), form.size());
        const std::string_view pair = form.substr(0, end);
        form.remove_prefix(std::min(end + 1, form.size()));
        const auto eq = std::min(pair.find('='), pair.size());
        if (form_decode(pair.substr(0, eq)) == name)
            return bounded(form_decode(pair.substr(std::min(eq + 1, pair.size()))));
    }
    return std::nullopt;
}

std::optional<std::string> RequestValues::header(std::string_view name) const {
    for (std::uint32_t i = 0; i < request_.header_count; ++i)
        if (same_name(text_of(request_.headers[i].name), name)) return bounded(std::string(trimmed(text_of(request_.headers[i].value))));
    return std::nullopt;
}

std::optional<std::string> RequestValues::cookie(std::string_view name) const {
    const auto all = header("cookie");
    if (!all) return std::nullopt;
    std::string_view left = *all;
    while (!left.empty()) {
        const auto end = std::min(left.find(';'), left.size());
        const std::string_view pair = trimmed(left.substr(0, end));
        left.remove_prefix(std::min(end + 1, left.size()));
        const auto eq = pair.find('=');
        if (eq != std::string_view::npos && pair.substr(0, eq) == name) return bounded(std::string(pair.substr(eq + 1)));
    }
    return std::nullopt;
}

std::optional<std::string> RequestValues::json(std::string_view path) {
    if (body_ == nullptr) {
        body_ = new Body;
        const std::string_view text = text_of(request_.body);
        boost::json::error_code error;
        boost::json::parse_options options;
        options.max_depth = 32;
        if (!text.empty() && text.size() <= max_body) body_->root = boost::json::parse(text, error, {}, options);
        if (error) body_->root = nullptr;
    }
    const boost::json::value* at = &body_->root;
    while (!path.empty()) {
        const auto end = std::min(path.find('.'), path.size());
        const boost::json::object* object = at->if_object();
        if (object == nullptr) return std::nullopt;
        at = object->if_contains(path.substr(0, end));
        if (at == nullptr) return std::nullopt;
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    if (at->is_string()) return bounded(std::string(at->get_string().c_str(), at->get_string().size()));
    if (at->is_number() || at->is_bool()) return bounded(boost::json::serialize(*at));
    return std::nullopt;
}

std::optional<std::string> RequestValues::find(dsl::Origin origin, std::string_view field) {
    switch (origin) {
        case dsl::Origin::header: return header(field);
        case dsl::Origin::query: return field == "*" ? bounded(std::string(text_of(request_.query))) : form_value(text_of(request_.query), field);
        case dsl::Origin::cookie: return cookie(field);
        case dsl::Origin::json: return json(field);
        case dsl::Origin::form:
            return request_.body.size <= max_body ? form_value(text_of(request_.body), field) : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace larder
