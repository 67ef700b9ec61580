// plugins/gateway_http/field_names.hpp -- the header fields that mean something to a proxy or a cache.
//
// A field's name is compared once, when its message is parsed; from there on it is a number. What is not
// named here is carried and never looked at.
#pragma once
#include <cstdint>
#include <string_view>

namespace larder::http {

enum class Name : std::uint8_t {
    other,
    accept, accept_encoding, accept_language, age, authorization,
    cache_control, cache_group_invalidation, cache_groups, cache_status, cache_tag,
    cdn_cache_control, connection, content_encoding, content_length, content_location, content_range,
    content_type, cookie, date, etag, expect, expires, host,
    if_match, if_modified_since, if_none_match, if_range, if_unmodified_since,
    keep_alive, larder_cache_control, last_modified, location, pragma,
    proxy_authenticate, proxy_authorization, proxy_connection, range, set_cookie,
    soft_purge, surrogate_control, surrogate_key, te, trailer, transfer_encoding, upgrade, vary, via,
    x_forwarded_for, x_forwarded_proto, xkey, xkey_softpurge,
    count
};

// Whatever its case.
[[nodiscard]] Name name_of(std::string_view text) noexcept;

// Sets of names, as one word.
class Names {
  public:
    void add(Name name) noexcept { bits_ |= bit(name); }
    [[nodiscard]] bool has(Name name) const noexcept { return (bits_ & bit(name)) != 0; }
    void clear() noexcept { bits_ = 0; }

  private:
    static std::uint64_t bit(Name name) noexcept { return std::uint64_t{1} << static_cast<unsigned>(name); }
    std::uint64_t bits_ = 0;
};
static_assert(static_cast<unsigned>(Name::count) <= 64);

// Of this connection alone (RFC 9110 7.6.1), whatever `Connection` says.
[[nodiscard]] bool hop_by_hop(Name name) noexcept;

[[nodiscard]] constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
// Whatever the case of `text`.
[[nodiscard]] bool same_word(std::string_view text, std::string_view lower_case) noexcept;
[[nodiscard]] bool same_ignoring_case(std::string_view a, std::string_view b) noexcept;
// Without spaces and tabs around it.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
// RFC 9110 5.6.2.
[[nodiscard]] bool is_token_char(char c) noexcept;
[[nodiscard]] bool is_token(std::string_view text) noexcept;

}  // namespace larder::http
