// plugins/gateway_http/head_parser.cpp -- see head_parser.hpp.
#include "head_parser.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace larder::http {
namespace {

constexpr std::size_t npos = std::string_view::npos;

Parsed refuse(std::uint16_t status, const char* why) { return {Parsed::State::refused, 0, status, why}; }

// What a field's value may hold: everything but controls; a tab is none here.
constexpr std::array<bool, 256> make_values() {
    std::array<bool, 256> out{};
    for (std::size_t c = 0x20; c < 256; ++c) out[c] = c != 0x7f;
    out['\t'] = true;
    return out;
}
constexpr std::array<bool, 256> values = make_values();

bool good_value(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return values[static_cast<unsigned char>(c)]; });
}

bool good_target(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
}

// "HTTP/1.1" -> 1; -1: another protocol.
int minor_of(std::string_view version) noexcept {
    if (version.size() != 8 || version.substr(0, 7) != "HTTP/1.") return -1;
    const char digit = version[7];
    return digit == '0' ? 0 : digit >= '1' && digit <= '9' ? 1 : -1;
}

// Where the head ends, behind its empty line; npos: not here yet.
std::size_t end_of_head(std::string_view in, std::size_t& searched) noexcept {
    const std::size_t from = searched > 3 ? searched - 3 : 0;
    const std::size_t at = in.find("\r\n\r\n", from);
    if (at != npos) return at + 4;
    searched = in.size();
    return npos;
}

class FieldReader {
  public:
    FieldReader(Head& out, const HeadLimits& limits, bool lenient) : out_(out), limits_(limits), lenient_(lenient) {}

    // From `at` to the end of the head's text, which ends in an empty line.
    Parsed read(std::size_t at) {
        for (;;) {
            const std::string_view text(out_.text);
            const std::size_t end = text.find("\r\n", at);
            if (end == npos) return refuse(400, "a line does not end in CRLF");
            if (end == at) return {Parsed::State::done, 0, 0, nullptr};
            if (const Parsed bad = line(at, end); bad.state == Parsed::State::refused) return bad;
            at = end + 2;
        }
    }

  private:
    Parsed line(std::size_t at, std::size_t end) {
        const std::string_view text(out_.text);
        if (text[at] == ' ' || text[at] == '\t') return folded(at, end);
        const std::size_t colon = text.find(':', at);
        if (colon == npos || colon >= end) return refuse(400, "a header line has no colon");
        const std::string_view name = text.substr(at, colon - at);
        if (!is_token(name)) return refuse(400, "a header's name is no token");
        if (name.size() > 256) return refuse(431, "a header's name is too long");
        const std::string_view value = trimmed(text.substr(colon + 1, end - colon - 1));
        if (!good_value(value)) return refuse(400, "a header's value holds a control character");
        if (out_.fields.size() == limits_.fields) return refuse(431, "there are too many headers");
        Field field;
        field.at = static_cast<std::uint32_t>(at);
        field.name_size = static_cast<std::uint16_t>(name.size());
        field.name = name_of(name);
        field.value_at = static_cast<std::uint32_t>(value.empty() ? colon + 1 : static_cast<std::size_t>(value.data() - text.data()));
        field.value_size = static_cast<std::uint32_t>(value.size());
        out_.fields.push_back(field);
        out_.present.add(field.name);
        return {};
    }

    // obs-fold: the line before goes on. Its end becomes spaces (RFC 9112 5.2).
    Parsed folded(std::size_t at, std::size_t end) {
        if (!lenient_ || out_.fields.empty()) return refuse(400, "a header line is folded");
        const std::string_view more = trimmed(std::string_view(out_.text).substr(at, end - at));
        if (!good_value(more)) return refuse(400, "a header's value holds a control character");
        if (more.empty()) return {};
        Field& last = out_.fields.back();
        const std::size_t stop = static_cast<std::size_t>(more.data() - out_.text.data());
        std::fill(out_.text.begin() + last.value_at + last.value_size, out_.text.begin() + static_cast<std::ptrdiff_t>(stop), ' ');
        last.value_size = static_cast<std::uint32_t>(stop + more.size() - last.value_at);
        return {};
    }

    Head& out_;
    const HeadLimits& limits_;
    const bool lenient_;
};

std::size_t count_of(const Head& head, Name name) noexcept {
    return static_cast<std::size_t>(std::count_if(head.fields.begin(), head.fields.end(), [&](const Field& f) { return f.name == name; }));
}

Parsed frame_request(const Head& head, Framing& body) {
    body = {};
    const bool coded = head.has(Name::transfer_encoding), long_ = head.has(Name::content_length);
    if (coded && long_) return refuse(400, "both Transfer-Encoding and Content-Length are given");
    if (coded) {
        if (head.minor == 0) return refuse(400, "Transfer-Encoding is given in HTTP/1.0");
        if (count_of(head, Name::transfer_encoding) > 1) return refuse(400, "Transfer-Encoding is given twice");
        if (!same_word(head.first(Name::transfer_encoding), "chunked")) return refuse(501, "only the transfer coding chunked is known");
        body.kind = Framing::Kind::chunked;
    } else if (long_) {
        if (count_of(head, Name::content_length) > 1) return refuse(400, "Content-Length is given twice");
        if (!parse_length(head.first(Name::content_length), body.length)) return refuse(400, "Content-Length is no number");
        body.kind = body.length == 0 ? Framing::Kind::none : Framing::Kind::length;
    }
    return {};
}

Parsed frame_answer(const Head& head, bool to_head, Framing& body) {
    body = {};
    const bool bodiless = to_head || head.status < 200 || head.status == 204 || head.status == 304;
    std::uint64_t length = 0;
    bool given = false, bad = false;
    head.each(Name::content_length, [&](std::string_view value) {
        each_member(value, [&](std::string_view member) {
            std::uint64_t one = 0;
            bad = bad || !parse_length(member, one) || (given && one != length);
            length = one;
            given = true;
        });
    });
    if (bad) return refuse(502, "the application's Content-Length is no number, or two");
    if (head.has(Name::transfer_encoding)) {
        if (given) return refuse(502, "the application gives both Transfer-Encoding and Content-Length");
        const std::string coding = head.joined(Name::transfer_encoding);
        if (!same_word(coding, "chunked")) return refuse(502, "the application uses a transfer coding other than chunked");
        body.kind = bodiless ? Framing::Kind::none : Framing::Kind::chunked;
    } else if (given) {
        body.length = length;
        body.kind = bodiless || length == 0 ? Framing::Kind::none : Framing::Kind::length;
    } else if (!bodiless) {
        body.kind = Framing::Kind::until_close;
    }
    return {};
}

}  // namespace

bool parse_length(std::string_view text, std::uint64_t& out) noexcept {
    out = 0;
    if (text.empty() || text.size() > 18) return false;
    for (const char c : text) {
        if (c < '0' || c > '9') return false;
        out = out * 10 + static_cast<unsigned>(c - '0');
    }
    return true;
}

Parsed parse_request(std::string_view in, const HeadLimits& limits, std::size_t& searched, Head& out, Framing& body) {
    std::size_t skipped = 0;  // an empty line or two before a request (RFC 9112 2.2)
    while (skipped < 4 && in.substr(skipped).starts_with("\r\n")) skipped += 2;
    const std::size_t end = end_of_head(in, searched);
    if (end == npos || end <= skipped) {
        if (in.size() > limits.head) return refuse(in.find('\n') == npos ? 414 : 431, "the head is too large");
        // A bare line feed is seen before the other side has sent an empty line it never will.
        const std::size_t feed = in.find('\n', skipped);
        if (feed != npos && (feed == 0 || in[feed - 1] != '\r')) return refuse(400, "a line does not end in CRLF");
        return {};
    }
    if (end > limits.head) return refuse(431, "the head is too large");
    out.clear();
    out.text.assign(in.data() + skipped, end - skipped);
    const std::string_view text(out.text);
    const std::size_t eol = text.find("\r\n");
    const std::string_view line = text.substr(0, eol);
    const std::size_t a = line.find(' '), b = line.rfind(' ');
    if (a == npos || a == b) return refuse(400, "the first line is not METHOD TARGET VERSION");
    const std::string_view method = line.substr(0, a), target = line.substr(a + 1, b - a - 1);
    const int minor = minor_of(line.substr(b + 1));
    if (!is_token(method) || method.size() > 32) return refuse(400, "the method is no token");
    if (target.size() > limits.target) return refuse(414, "the target is too long");
    if (!good_target(target)) return refuse(400, "the target holds a space or a control character");
    if (minor < 0) return refuse(505, "the version is not HTTP/1.0 or HTTP/1.1");
    out.minor = static_cast<std::uint8_t>(minor);
    out.method_size = static_cast<std::uint32_t>(method.size());
    out.target_at = static_cast<std::uint32_t>(a + 1);
    out.target_size = static_cast<std::uint32_t>(target.size());
    if (text.find('\n') != eol + 1 || std::memchr(line.data(), '\r', line.size()) != nullptr) return refuse(400, "a line does not end in CRLF");
    Parsed result = FieldReader(out, limits, false).read(eol + 2);
    if (result.state == Parsed::State::refused) return result;
    const std::size_t hosts = out.has(Name::host) ? count_of(out, Name::host) : 0;
    if (hosts > 1 || (hosts == 0 && out.minor == 1)) return refuse(400, "there has to be one Host");
    if (const Parsed bad = frame_request(out, body); bad.state == Parsed::State::refused) return bad;
    result.used = end;
    return result;
}

Parsed parse_answer(std::string_view in, const HeadLimits& limits, std::size_t& searched, bool head, Head& out, Framing& body) {
    const std::size_t end = end_of_head(in, searched);
    if (end == npos) return in.size() > limits.head ? refuse(502, "the application's head is too large") : Parsed{};
    if (end > limits.head) return refuse(502, "the application's head is too large");
    out.clear();
    out.text.assign(in.data(), end);
    const std::string_view text(out.text);
    const std::size_t eol = text.find("\r\n");
    const std::string_view line = text.substr(0, eol);
    const int minor = line.size() >= 12 ? minor_of(line.substr(0, 8)) : -1;
    if (minor < 0 || line[8] != ' ') return refuse(502, "the application does not speak HTTP/1");
    std::uint64_t status = 0;
    if (!parse_length(line.substr(9, 3), status) || status < 100 || status > 999 || (line.size() > 12 && line[12] != ' '))
        return refuse(502, "the application's status is no number");
    out.minor = static_cast<std::uint8_t>(minor);
    out.status = static_cast<std::uint16_t>(status);
    if (line.size() > 13) {
        out.reason_at = 13;
        out.reason_size = static_cast<std::uint32_t>(line.size() - 13);
        if (!good_value(out.reason())) return refuse(502, "the application's reason holds a control character");
    }
    Parsed result = FieldReader(out, limits, true).read(eol + 2);
    if (result.state == Parsed::State::refused) return refuse(502, result.why);
    if (const Parsed bad = frame_answer(out, head, body); bad.state == Parsed::State::refused) return bad;
    result.used = end;
    return result;
}

}  // namespace larder::http
