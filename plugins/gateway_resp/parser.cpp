// plugins/gateway_resp/parser.cpp -- see parser.hpp.
#include "parser.hpp"

namespace larder::resp {
namespace {

enum class Line { More, Good, Bad };

// A length line: digits, perhaps a '-', CR LF. Twenty digits are the most that make sense, so a
// line that goes on is wrong before its end has come.
Line read_length(const char* p, std::size_t available, std::int64_t& value,
                 std::size_t& used) noexcept {
    constexpr std::size_t longest = 22;
    std::size_t digits = 0;
    while (digits < available && digits <= longest && p[digits] != '\r') ++digits;
    if (digits > longest) return Line::Bad;
    if (digits == available) {
        for (std::size_t i = 0; i < digits; ++i)
            if (p[i] != '-' && (p[i] < '0' || p[i] > '9')) return Line::Bad;
        return Line::More;
    }
    if (!parse_integer({p, digits}, value)) return Line::Bad;
    if (digits + 1 == available) return Line::More;
    if (p[digits + 1] != '\n') return Line::Bad;
    used = digits + 2;
    return Line::Good;
}

// A length as nearly all are: one to nine digits, no zero before others, CR LF, all of it here. Says how
// many bytes it took; 0: it is not like that, read_length() judges.
std::size_t read_plain_length(const char* p, std::size_t available, std::int64_t& value) noexcept {
    constexpr std::size_t most_digits = 9;
    if (available < most_digits + 2) return 0;
    std::uint32_t number = static_cast<unsigned char>(p[0]) - std::uint32_t{'0'};
    if (number > 9) return 0;
    std::size_t digits = 1;
    for (; digits < most_digits; ++digits) {
        const std::uint32_t digit = static_cast<unsigned char>(p[digits]) - std::uint32_t{'0'};
        if (digit > 9) break;
        number = number * 10 + digit;
    }
    if (p[digits] != '\r' || p[digits + 1] != '\n' || (p[0] == '0' && digits > 1)) return 0;
    value = number;
    return digits + 2;
}

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

char unescaped(char c) noexcept {
    switch (c) {
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        case 'b':
            return '\b';
        case 'a':
            return '\a';
        default:
            return c;
    }
}

}  // namespace

Parsed RequestParser::next(Buffer& in, bool authenticated) {
    if (!error_.empty()) return Parsed::Error;
    missing_ = 0;
    for (;;) {
        if (in.empty()) return Parsed::Incomplete;
        const bool is_array = args_left_ >= 0 || in.data()[0] == '*';
        const Parsed result = is_array ? array(in, authenticated) : inline_request(in);
        if (result != Parsed::Request || !args_.empty()) return result;
    }
}

Parsed RequestParser::array(Buffer& in, bool authenticated) {
    const char* const base = in.data();
    const std::size_t size = in.size();
    std::size_t used = 0;
    if (args_left_ < 0) {
        std::int64_t count = 0;
        used = read_plain_length(base + 1, size - 1, count);
        switch (used != 0 ? Line::Good : read_length(base + 1, size - 1, count, used)) {
            case Line::More:
                return Parsed::Incomplete;
            case Line::Bad:
                return fail("invalid multibulk length");
            case Line::Good:
                break;
        }
        if (count > static_cast<std::int64_t>(limits_.args))
            return fail("invalid multibulk length");
        if (!authenticated && count > static_cast<std::int64_t>(limits_.stranger_args))
            return fail("unauthenticated multibulk length");
        at_ = 1 + used;
        args_left_ = std::max<std::int64_t>(count, 0);
        slices_.clear();
    }
    while (args_left_ > 0) {
        if (bulk_size_ < 0) {
            if (at_ == size) return Parsed::Incomplete;
            if (base[at_] != '$') {
                const char found = base[at_];
                return fail(std::string("expected '$', got '") +
                            (found == '\r' || found == '\n' ? ' ' : found) + "'");
            }
            std::int64_t bulk = 0;
            used = read_plain_length(base + at_ + 1, size - at_ - 1, bulk);
            switch (used != 0 ? Line::Good
                              : read_length(base + at_ + 1, size - at_ - 1, bulk, used)) {
                case Line::More:
                    return Parsed::Incomplete;
                case Line::Bad:
                    return fail("invalid bulk length");
                case Line::Good:
                    break;
            }
            if (bulk < 0 || bulk > static_cast<std::int64_t>(limits_.bulk))
                return fail("invalid bulk length");
            if (!authenticated && bulk > static_cast<std::int64_t>(limits_.stranger_bulk))
                return fail("unauthenticated bulk length");
            at_ += 1 + used;
            bulk_size_ = bulk;
            if (at_ + static_cast<std::size_t>(bulk) > limits_.request)
                return fail("request over the limit of " + std::to_string(limits_.request) +
                            " bytes");
        }
        const auto bulk = static_cast<std::size_t>(bulk_size_);
        if (size - at_ < bulk + 2) {
            missing_ = bulk + 2 - (size - at_);
            return Parsed::Incomplete;
        }
        if (base[at_ + bulk] != '\r' || base[at_ + bulk + 1] != '\n')
            return fail("invalid bulk length");
        slices_.push_back({static_cast<std::uint32_t>(at_), static_cast<std::uint32_t>(bulk)});
        at_ += bulk + 2;
        bulk_size_ = -1;
        --args_left_;
    }
    args_.clear();
    for (const Slice& slice : slices_) args_.emplace_back(base + slice.at, slice.size);
    in.consume(at_);
    start_over();
    return Parsed::Request;
}

Parsed RequestParser::inline_request(Buffer& in) {
    char* const line = in.data();
    const std::size_t size = in.size();
    const void* end = std::memchr(line + at_, '\n', size - at_);
    const std::size_t length =
        end == nullptr ? size : static_cast<std::size_t>(static_cast<const char*>(end) - line);
    if (length > limits_.inline_line) return fail("too big inline request");
    if (end == nullptr) {
        at_ = size;
        return Parsed::Incomplete;
    }
    if (!split_inline(line, length)) return fail("unbalanced quotes in request");
    in.consume(length + 1);
    start_over();
    return Parsed::Request;
}

// Quotes and escapes only ever make an argument shorter, so arguments are written over the line
// itself.
bool RequestParser::split_inline(char* line, std::size_t size) {
    args_.clear();
    std::size_t i = 0;
    for (;;) {
        while (i < size && is_space(line[i])) ++i;
        if (i == size) return true;
        char* const start = line + i;
        char* out = start;
        char quote = 0;
        for (;; ++i) {
            if (i == size || (quote == 0 && is_space(line[i]))) {
                if (quote != 0) return false;
                break;
            }
            const char c = line[i];
            if (quote == 0) {
                if (c == '"' || c == '\'')
                    quote = c;
                else
                    *out++ = c;
                continue;
            }
            if (c == quote) {
                if (i + 1 < size && !is_space(line[i + 1])) return false;
                quote = 0;
            } else if (c == '\\' && quote == '"' && i + 3 < size && line[i + 1] == 'x' &&
                       hex_digit(line[i + 2]) >= 0 && hex_digit(line[i + 3]) >= 0) {
                *out++ = static_cast<char>(hex_digit(line[i + 2]) * 16 + hex_digit(line[i + 3]));
                i += 3;
            } else if (c == '\\' && quote == '"' && i + 1 < size) {
                *out++ = unescaped(line[++i]);
            } else if (c == '\\' && quote == '\'' && i + 1 < size && line[i + 1] == '\'') {
                *out++ = line[++i];
            } else {
                *out++ = c;
            }
        }
        args_.emplace_back(start, static_cast<std::size_t>(out - start));
    }
}

Parsed RequestParser::fail(std::string text) {
    error_ = "Protocol error: " + std::move(text);
    args_.clear();
    return Parsed::Error;
}

void RequestParser::start_over() noexcept {
    at_ = 0;
    args_left_ = bulk_size_ = -1;
    constexpr std::size_t keep = 1024;
    if (slices_.capacity() > keep) std::vector<Slice>().swap(slices_);
}

}  // namespace larder::resp
