// plugins/gateway_http/reply.hpp -- heads that the gateway writes: to clients and to applications.
#pragma once
#include "gateway.hpp"
#include "head_parser.hpp"
#include "lookup.hpp"
#include "message.hpp"
#include "stored_answer.hpp"

#include "plugins/net/buffer.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace larder::http {

// What Cache-Status says (RFC 9211).
struct CacheStatus {
    bool hit = false, stored = false, collapsed = false;
    Forward forward = Forward::none;
    std::uint16_t forward_status = 0;
    bool has_ttl = false;
    std::int64_t ttl_s = 0;
    std::string_view where;   // the policy line
    std::string_view detail;  // why it was not kept
};
void append_cache_status(net::Buffer& out, const Gateway& gateway, const CacheStatus& status);

// A kept answer to a request: the head, and which part of the body goes with it. 304, 206 and 416 where the
// request asks for them.
struct Serving {
    std::string_view body;
    std::uint16_t status = 0;
};
[[nodiscard]] Serving append_stored(net::Buffer& out, const Gateway& gateway, const Head& request, const StoredAnswer& stored,
                                    const CacheStatus& status, bool keep_alive, std::int64_t now_s);

// How a body is framed towards a client.
enum class Towards : std::uint8_t { none, length, chunked, close };
void append_answer(net::Buffer& out, const Gateway& gateway, const Head& answer, std::string_view more_lines, const CacheStatus& status, Towards body,
                   std::uint64_t length, bool keep_alive, bool upgrade);

// An answer of the gateway's own: "text/plain", one line.
void append_own(net::Buffer& out, const Gateway& gateway, std::uint16_t status, std::string_view text, bool keep_alive, bool to_head,
                std::string_view more_fields = {}, std::string_view type = "text/plain; charset=utf-8");

// The first line and the fields of an answer as they are kept: none that belong to one connection, none
// that are made anew for every client, and a Date. etag: where in it.
[[nodiscard]] std::string head_to_keep(const Gateway& gateway, const Head& answer, std::int64_t now_s);
// The kept head with what a 304 brought put in place (RFC 9111 3.2).
[[nodiscard]] std::string head_refreshed(const Gateway& gateway, std::string_view kept_head, const Head& answer);

// What goes to the application in place of the request's conditions.
struct Asking {
    std::string_view etag;
    std::string_view last_modified;
    bool unconditional = false;  // conditions and ranges of the client are left out
};
void append_request(net::Buffer& out, const Gateway& gateway, const Head& request, const Target& target, const Framing& body,
                    const Asking& asking, std::string_view peer, bool secure, bool upgrade);

// The fields that name tags of an answer, as Options says; also what a purge may name.
[[nodiscard]] bool is_tag_field(Name name) noexcept;
[[nodiscard]] std::string_view reason_of(std::uint16_t status) noexcept;
void append_number(net::Buffer& out, std::uint64_t number);

}  // namespace larder::http
