// plugins/gateway_http/source_value.cpp -- see source_value.hpp.
#include "source_value.hpp"

#include "http_date.hpp"

#include <xxhash.h>

#include <cstdio>

namespace larder::http {
namespace {

constexpr std::size_t looked_at = 16u << 10;

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool like_json(std::string_view value) noexcept {
    while (!value.empty() && is_space(value.front())) value.remove_prefix(1);
    while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
    return value.size() >= 2 && ((value.front() == '{' && value.back() == '}') || (value.front() == '[' && value.back() == ']'));
}

// How many bytes the character has that begins with this one; 0: none begins so.
constexpr std::size_t length_of(unsigned char first) noexcept {
    if (first < 0x80) return 1;
    return first >= 0xc2 && first < 0xe0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

bool like_text(std::string_view value) noexcept {
    const std::string_view begin = value.substr(0, looked_at);
    for (std::size_t i = 0; i < begin.size();) {
        const auto first = static_cast<unsigned char>(begin[i]);
        if ((first < 0x20 && !is_space(begin[i])) || first == 0x7f) return false;
        const std::size_t length = length_of(first);
        if (length == 0) return false;
        for (std::size_t k = 1; k < length; ++k) {
            if (i + k == begin.size()) return begin.size() < value.size();  // cut here, not there
            if ((static_cast<unsigned char>(begin[i + k]) & 0xc0) != 0x80) return false;
        }
        i += length;
    }
    return true;
}

}  // namespace

std::string_view type_of_value(std::string_view configured, std::string_view value) noexcept {
    if (configured != "auto") return configured;
    if (!like_text(value)) return "application/octet-stream";
    return like_json(value) ? "application/json" : "text/plain; charset=utf-8";
}

StoredAnswer answer_of_value(const Gateway& gateway, const Lookup& lookup, std::string& head) {
    StoredAnswer out;
    out.status = 200;
    out.body = {static_cast<const char*>(lookup.item.value.data), lookup.item.value.size};
    out.date_s = out.kept.received_s = gateway.now_s();
    head.assign("HTTP/1.1 200 OK\r\nDate: ");
    append_date(head, out.date_s);
    head.append("\r\nContent-Type: ").append(type_of_value(gateway.options.value_type, out.body));
    // What a source says is data: no browser looks into it for a page.
    head.append("\r\nX-Content-Type-Options: nosniff\r\nCache-Control: ");
    constexpr std::uint32_t not_by_url = LARDER_SERVE_KEYED_BY_AUTHORIZATION | LARDER_SERVE_KEYED_BY_COOKIE | LARDER_SERVE_BY_MORE_THAN_URL;
    head.append((lookup.flags & not_by_url) != 0 ? "private, no-cache\r\nETag: " : "no-cache\r\nETag: ");
    const XXH128_hash_t hash = XXH3_128bits(out.body.data(), out.body.size());
    char etag[40];
    const int size = std::snprintf(etag, sizeof etag, "\"%016llx%016llx\"", static_cast<unsigned long long>(hash.high64), static_cast<unsigned long long>(hash.low64));
    const std::size_t at = head.size();
    head.append(etag, static_cast<std::size_t>(size)).append("\r\n");
    out.head = head;
    out.etag = out.head.substr(at, static_cast<std::size_t>(size));
    return out;
}

NoValue no_value(larder_status status) noexcept {
    switch (status) {
        case LARDER_OK:
        case LARDER_MISS:
        case LARDER_E_INVALID: return {404, "there is no such value"};
        case LARDER_E_TIMEOUT: return {504, "the source did not answer in time"};
        case LARDER_E_BUSY: return {503, "too much is being loaded; try again"};
        case LARDER_E_CLOSED: return {503, "the source is down; it is tried again in a while"};
        default: return {502, "the source could not be asked"};
    }
}

}  // namespace larder::http
