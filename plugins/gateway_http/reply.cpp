// plugins/gateway_http/reply.cpp -- see reply.hpp.
#include "reply.hpp"

#include "http_date.hpp"
#include "structured_field.hpp"

#include <charconv>

namespace larder::http {
namespace {

// Which fields of a message belong to its connection: those always do, and those that Connection names.
class HopFields {
  public:
    explicit HopFields(const Head& head) : head_(head), named_(head.has(Name::connection) ? head.joined(Name::connection) : std::string()) {}
    bool has(const Field& field) const {
        if (hop_by_hop(field.name)) return true;
        if (named_.empty()) return false;
        bool found = false;
        each_member(named_, [&](std::string_view member) { found = found || same_ignoring_case(member, head_.name(field)); });
        return found;
    }

  private:
    const Head& head_;
    const std::string named_;
};

template <class Out>
void line(Out& out, std::string_view name, std::string_view value) {
    out.append(name);
    out.append(": ");
    out.append(value);
    out.append("\r\n");
}

// A field of the application's that goes to no client.
bool kept_back(const Gateway& gateway, Name name) noexcept {
    if (name == Name::larder_cache_control || name == Name::cache_group_invalidation) return true;
    const bool ours = gateway.options.cdn != Cdn::none;  // what is said to the CDN is said here
    return (ours || !gateway.options.tags_to_clients) && ((is_tag_field(name) && name != Name::cache_groups) || name == Name::surrogate_control);
}

void append_signed(net::Buffer& out, std::int64_t number) {
    if (number < 0) out.append("-");
    append_number(out, number < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number));
}

void append_connection(net::Buffer& out, bool keep_alive) {
    if (!keep_alive) out.append("Connection: close\r\n");
}

// "Name: value\r\n" lines of a kept head, one by one.
template <class F>
void each_line(std::string_view head, F&& call) {
    head.remove_prefix(std::min(head.find("\r\n") + 2, head.size()));
    while (!head.empty()) {
        const std::size_t end = head.find("\r\n");
        const std::string_view whole = head.substr(0, end + 2);
        head.remove_prefix(whole.size());
        const std::size_t colon = whole.find(':');
        call(whole, whole.substr(0, colon));
    }
}

// Of a kept 200 the fields that a 304 or 416 has as well.
void append_without_content(net::Buffer& out, std::string_view head) {
    each_line(head, [&](std::string_view whole, std::string_view name) {
        const bool content = name.size() > 8 && same_word(name.substr(0, 8), "content-") && name_of(name) != Name::content_location;
        if (!content) out.append(whole);
    });
}

}  // namespace

bool is_tag_field(Name name) noexcept {
    return name == Name::cache_groups || name == Name::surrogate_key || name == Name::xkey || name == Name::cache_tag;
}

std::string_view reason_of(std::uint16_t status) noexcept {
    switch (status) {
        case 200: return "OK";
        case 206: return "Partial Content";
        case 304: return "Not Modified";
        case 400: return "Bad Request";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 416: return "Range Not Satisfiable";
        case 431: return "Request Header Fields Too Large";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        default: return "";
    }
}

void append_number(net::Buffer& out, std::uint64_t number) {
    char text[20];
    const auto end = std::to_chars(text, text + sizeof text, number).ptr;
    out.append({text, static_cast<std::size_t>(end - text)});
}

void append_cache_status(net::Buffer& out, const Gateway& gateway, const CacheStatus& status) {
    if (!gateway.options.cache_status) return;
    out.append("Cache-Status: ");
    out.append(gateway.options.name);
    if (status.hit) {
        out.append("; hit");
    } else {
        out.append("; fwd=");
        out.append(word_of(status.forward));
        if (status.forward_status != 0) {
            out.append("; fwd-status=");
            append_number(out, status.forward_status);
        }
        if (status.stored) out.append("; stored");
    }
    if (status.has_ttl) {
        out.append("; ttl=");
        append_signed(out, status.ttl_s);
    }
    if (status.collapsed) out.append("; collapsed");
    if (!status.where.empty() || !status.detail.empty()) {
        out.append("; detail=\"");
        out.append(status.where);
        if (!status.where.empty() && !status.detail.empty()) out.append(" ");
        out.append(status.detail);
        out.append("\"");
    }
    out.append("\r\n");
}

Serving append_stored(net::Buffer& out, const Gateway& gateway, const Head& request, const StoredAnswer& stored, const CacheStatus& status,
                      bool keep_alive, std::int64_t now_s) {
    Serving serving{stored.body, stored.status};
    ByteRange part;
    RangeVerdict range = RangeVerdict::whole;
    if (stored.status == 200 && request.method() != "POST") {
        const Condition condition = evaluate(request, stored.validators(), now_s);
        if (condition == Condition::not_modified) serving = {{}, 304};
        else range = range_of(request, stored.validators(), stored.body.size(), now_s, part);
    }
    if (serving.status == 304) {
        out.append("HTTP/1.1 304 Not Modified\r\n");
        append_without_content(out, stored.head);
    } else if (range == RangeVerdict::unsatisfiable) {
        serving = {{}, 416};
        out.append("HTTP/1.1 416 Range Not Satisfiable\r\n");
        append_without_content(out, stored.head);
        out.append("Content-Range: bytes */");
        append_number(out, stored.body.size());
        out.append("\r\n");
    } else if (range == RangeVerdict::part) {
        serving = {stored.body.substr(part.from, part.size), 206};
        out.append("HTTP/1.1 206 Partial Content\r\n");
        out.append(stored.head.substr(std::min(stored.head.find("\r\n") + 2, stored.head.size())));
        out.append("Content-Range: bytes ");
        append_number(out, part.from);
        out.append("-");
        append_number(out, part.from + part.size - 1);
        out.append("/");
        append_number(out, stored.body.size());
        out.append("\r\n");
    } else {
        out.append(stored.head);
    }
    if (serving.status != 416) out.append(stored.cdn);
    out.append("Age: ");
    append_number(out, static_cast<std::uint64_t>(std::max<std::int64_t>(stored.kept.age(now_s), 0)));
    out.append("\r\n");
    append_cache_status(out, gateway, status);
    if (serving.status != 304 && serving.status != 204) {
        out.append("Content-Length: ");
        append_number(out, serving.body.size());
        out.append("\r\n");
    }
    append_connection(out, keep_alive);
    out.append("\r\n");
    if (request.method() == "HEAD") serving.body = {};
    return serving;
}

std::string head_to_keep(const Gateway& gateway, const Head& answer, std::int64_t now_s) {
    std::string out = "HTTP/1.1 ";
    out += std::to_string(answer.status);
    (out += ' ') += answer.reason().empty() ? reason_of(answer.status) : answer.reason();
    out += "\r\n";
    const HopFields hop(answer);
    for (const Field& field : answer.fields) {
        if (field.name == Name::content_length || field.name == Name::age || hop.has(field) || kept_back(gateway, field.name)) continue;
        line(out, answer.name(field), answer.value(field));
    }
    if (!answer.has(Name::date)) {
        std::string date;
        append_date(date, now_s);
        line(out, "Date", date);
    }
    return out;
}

std::string head_refreshed(const Gateway& gateway, std::string_view kept_head, const Head& answer) {
    std::string out(kept_head.substr(0, std::min(kept_head.find("\r\n") + 2, kept_head.size())));
    const HopFields hop(answer);
    const auto taken = [&](const Field& field) {
        switch (field.name) {
            case Name::content_length:
            case Name::content_encoding:
            case Name::content_range:
            case Name::etag:
            case Name::age:
            case Name::cache_status: return false;
            default: return !hop.has(field) && !kept_back(gateway, field.name) && !same_word(answer.name(field), "content-md5");
        }
    };
    each_line(kept_head, [&](std::string_view whole, std::string_view name) {
        for (const Field& field : answer.fields)
            if (taken(field) && same_ignoring_case(answer.name(field), name)) return;
        out += whole;
    });
    for (const Field& field : answer.fields)
        if (taken(field)) line(out, answer.name(field), answer.value(field));
    return out;
}

void append_answer(net::Buffer& out, const Gateway& gateway, const Head& answer, std::string_view more_lines, const CacheStatus& status, Towards body,
                   std::uint64_t length, bool keep_alive, bool upgrade) {
    out.append("HTTP/1.1 ");
    append_number(out, answer.status);
    out.append(" ");
    out.append(answer.reason().empty() ? reason_of(answer.status) : answer.reason());
    out.append("\r\n");
    const HopFields hop(answer);
    for (const Field& field : answer.fields) {
        if (upgrade && (field.name == Name::upgrade || field.name == Name::connection)) {
            line(out, answer.name(field), answer.value(field));
            continue;
        }
        const bool length_of_head = field.name == Name::content_length && (body != Towards::none || answer.status == 204 || answer.status < 200);
        if (length_of_head || hop.has(field) || kept_back(gateway, field.name)) continue;
        line(out, answer.name(field), answer.value(field));
    }
    if (!answer.has(Name::date) && answer.status >= 200) {
        std::string date;
        append_date(date, gateway.now_s());
        line(out, "Date", date);
    }
    out.append(more_lines);
    if (answer.status >= 200) append_cache_status(out, gateway, status);
    if (body == Towards::length) {
        out.append("Content-Length: ");
        append_number(out, length);
        out.append("\r\n");
    } else if (body == Towards::chunked) {
        out.append("Transfer-Encoding: chunked\r\n");
    }
    if (!upgrade && answer.status >= 200) append_connection(out, keep_alive && body != Towards::close);
    out.append("\r\n");
}

void append_own(net::Buffer& out, const Gateway& gateway, std::uint16_t status, std::string_view text, bool keep_alive, bool to_head,
                std::string_view more_fields, std::string_view type) {
    out.append("HTTP/1.1 ");
    append_number(out, status);
    out.append(" ");
    out.append(reason_of(status));
    out.append("\r\nDate: ");
    std::string date;
    append_date(date, gateway.now_s());
    out.append(date);
    out.append("\r\n");
    line(out, "Content-Type", type);
    out.append("Cache-Control: no-store\r\nContent-Length: ");
    append_number(out, text.size() + 1);
    out.append("\r\n");
    out.append(more_fields);
    append_connection(out, keep_alive);
    out.append("\r\n");
    if (to_head) return;
    out.append(text);
    out.append("\n");
}

void append_request(net::Buffer& out, const Gateway& gateway, const Head& request, const Target& target, const Framing& body, const Asking& asking,
                    std::string_view peer, bool secure, bool upgrade) {
    out.append(request.method());
    out.append(" ");
    out.append(target.path);
    if (target.query.data() != nullptr) {
        out.append("?");
        out.append(target.query);
    }
    out.append(" HTTP/1.1\r\n");
    line(out, "Host", target.host);
    const HopFields hop(request);
    const std::string_view forwarded = gateway.options.forwarded;
    std::string via, clients;
    for (const Field& field : request.fields) {
        switch (field.name) {
            case Name::host:
            case Name::content_length:
            case Name::expect: continue;
            case Name::via: (via += request.value(field)) += ", "; continue;
            case Name::x_forwarded_for:
                if (forwarded == "append") (clients += request.value(field)) += ", ";
                if (forwarded != "off") continue;
                break;
            case Name::x_forwarded_proto:
                if (forwarded != "off") continue;
                break;
            case Name::if_none_match:
            case Name::if_modified_since:
            case Name::if_range:
            case Name::range:
                if (asking.unconditional) continue;
                break;
            default: break;
        }
        if (hop.has(field)) continue;
        line(out, request.name(field), request.value(field));
    }
    if (!asking.etag.empty()) line(out, "If-None-Match", asking.etag);
    if (!asking.last_modified.empty()) line(out, "If-Modified-Since", asking.last_modified);
    if (upgrade) {
        line(out, "Connection", "Upgrade");
        line(out, "Upgrade", request.first(Name::upgrade));
    }
    out.append("Surrogate-Capability: ");
    out.append(gateway.options.name);
    out.append("=\"Surrogate/1.0\"\r\n");
    via += request.minor == 0 ? "1.0 " : "1.1 ";
    via += gateway.options.name;
    line(out, "Via", via);
    if (forwarded != "off") {
        const std::string_view host = peer.substr(0, peer.rfind(':'));
        clients += host.empty() ? std::string_view("unknown") : host;
        line(out, "X-Forwarded-For", clients);
        line(out, "X-Forwarded-Proto", secure ? "https" : "http");
    }
    if (body.kind == Framing::Kind::length || (body.kind == Framing::Kind::none && request.has(Name::content_length))) {
        out.append("Content-Length: ");
        append_number(out, body.length);
        out.append("\r\n");
    } else if (body.kind == Framing::Kind::chunked) {
        out.append("Transfer-Encoding: chunked\r\n");
    }
    out.append("\r\n");
}

}  // namespace larder::http
