// plugins/gateway_http/field_names.cpp -- see field_names.hpp.
#include "field_names.hpp"

#include <algorithm>
#include <array>

namespace larder::http {
namespace {

struct Entry {
    std::string_view text;
    Name name;
};

constexpr std::array entries = {
    Entry{"accept", Name::accept}, Entry{"accept-encoding", Name::accept_encoding},
    Entry{"accept-language", Name::accept_language}, Entry{"age", Name::age},
    Entry{"authorization", Name::authorization}, Entry{"cache-control", Name::cache_control},
    Entry{"cache-group-invalidation", Name::cache_group_invalidation}, Entry{"cache-groups", Name::cache_groups},
    Entry{"cache-status", Name::cache_status}, Entry{"cache-tag", Name::cache_tag},
    Entry{"cdn-cache-control", Name::cdn_cache_control}, Entry{"connection", Name::connection},
    Entry{"content-encoding", Name::content_encoding}, Entry{"content-length", Name::content_length},
    Entry{"content-location", Name::content_location}, Entry{"content-range", Name::content_range},
    Entry{"content-type", Name::content_type}, Entry{"cookie", Name::cookie}, Entry{"date", Name::date},
    Entry{"etag", Name::etag}, Entry{"expect", Name::expect}, Entry{"expires", Name::expires},
    Entry{"host", Name::host}, Entry{"if-match", Name::if_match},
    Entry{"if-modified-since", Name::if_modified_since}, Entry{"if-none-match", Name::if_none_match},
    Entry{"if-range", Name::if_range}, Entry{"if-unmodified-since", Name::if_unmodified_since},
    Entry{"keep-alive", Name::keep_alive}, Entry{"larder-cache-control", Name::larder_cache_control},
    Entry{"last-modified", Name::last_modified}, Entry{"location", Name::location},
    Entry{"pragma", Name::pragma}, Entry{"proxy-authenticate", Name::proxy_authenticate},
    Entry{"proxy-authorization", Name::proxy_authorization}, Entry{"proxy-connection", Name::proxy_connection},
    Entry{"range", Name::range}, Entry{"set-cookie", Name::set_cookie}, Entry{"soft-purge", Name::soft_purge},
    Entry{"fastly-soft-purge", Name::soft_purge}, Entry{"surrogate-control", Name::surrogate_control},
    Entry{"surrogate-key", Name::surrogate_key}, Entry{"te", Name::te}, Entry{"trailer", Name::trailer},
    Entry{"transfer-encoding", Name::transfer_encoding}, Entry{"upgrade", Name::upgrade},
    Entry{"vary", Name::vary}, Entry{"via", Name::via}, Entry{"x-forwarded-for", Name::x_forwarded_for},
    Entry{"x-forwarded-proto", Name::x_forwarded_proto}, Entry{"xkey", Name::xkey},
    Entry{"xkey-softpurge", Name::xkey_softpurge},
};

// Length and first letter tell most names apart: a bucket has one entry or two.
constexpr std::size_t buckets = 256;
constexpr std::size_t bucket_of(std::string_view text) {
    return (text.size() * 31 + static_cast<std::size_t>(static_cast<unsigned char>(lower(text.front()))) * 7) % buckets;
}

struct Table {
    std::array<std::uint8_t, buckets> first{};                // 1 + index into entries; 0: none
    std::array<std::uint8_t, entries.size()> next{};          // the same
};

constexpr Table make_table() {
    Table table;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        std::uint8_t& first = table.first[bucket_of(entries[i].text)];
        table.next[i] = first;
        first = static_cast<std::uint8_t>(i + 1);
    }
    return table;
}
constexpr Table table = make_table();

constexpr std::array<bool, 256> make_tokens() {
    std::array<bool, 256> out{};
    for (unsigned c = '0'; c <= '9'; ++c) out[c] = true;
    for (unsigned c = 'a'; c <= 'z'; ++c) out[c] = out[c - 32] = true;
    for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
        out[static_cast<unsigned char>(c)] = true;
    return out;
}
constexpr std::array<bool, 256> tokens = make_tokens();

}  // namespace

Name name_of(std::string_view text) noexcept {
    if (text.empty()) return Name::other;
    for (std::size_t at = table.first[bucket_of(text)]; at != 0; at = table.next[at - 1])
        if (same_word(text, entries[at - 1].text)) return entries[at - 1].name;
    return Name::other;
}

bool hop_by_hop(Name name) noexcept {
    switch (name) {
        case Name::connection:
        case Name::keep_alive:
        case Name::proxy_authenticate:
        case Name::proxy_authorization:
        case Name::proxy_connection:
        case Name::te:
        case Name::trailer:
        case Name::transfer_encoding:
        case Name::upgrade: return true;
        default: return false;
    }
}

bool same_word(std::string_view text, std::string_view lower_case) noexcept {
    if (text.size() != lower_case.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (lower(text[i]) != lower_case[i]) return false;
    return true;
}

bool same_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool is_token_char(char c) noexcept { return tokens[static_cast<unsigned char>(c)]; }

bool is_token(std::string_view text) noexcept { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

}  // namespace larder::http
