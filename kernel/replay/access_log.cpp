// kernel/replay/access_log.cpp -- access logs as traffic.
#include "kernel/replay/access_log.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace larder::replay {
namespace {

constexpr std::size_t most_bad_shown = 3, most_bad_text = 120, longest_line = 64 << 10;

constexpr std::array<std::pair<std::string_view, LogFormat>, 3> formats{
    {{"common", LogFormat::common}, {"combined", LogFormat::combined}, {"uvicorn", LogFormat::uvicorn}}};

// Bytes that a terminal would obey are shown as \xNN.
std::string escaped(std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const char c : text.substr(0, most_bad_text)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) out += c;
        else ((out += "\\x") += digits[byte >> 4]) += digits[byte & 15];
    }
    if (text.size() > most_bad_text) out += "...";
    return out;
}

template <class Integer>
bool read_number(std::string_view text, Integer& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
    return text;
}

// What is between the quote at the front of `rest` and the next one that is not escaped; `rest` goes on
// behind it. False: there is no such quote.
bool take_quoted(std::string_view& rest, std::string_view& out) {
    if (rest.empty() || rest.front() != '"') return false;
    for (std::size_t at = 1; (at = rest.find('"', at)) != std::string_view::npos; ++at) {
        std::size_t slashes = 0;
        while (slashes < at - 1 && rest[at - 1 - slashes] == '\\') ++slashes;
        if (slashes % 2 != 0) continue;
        out = rest.substr(1, at - 1);
        rest.remove_prefix(at + 1);
        return true;
    }
    return false;
}

bool take_word(std::string_view& rest, std::string_view& out) {
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find(' '), rest.size());
    out = rest.substr(0, end);
    rest.remove_prefix(end);
    return !out.empty();
}

// Days since 1970 of a date of the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date
// Algorithms").
std::int64_t days_from_civil(std::int64_t y, unsigned m, unsigned d) {
    y -= m <= 2 ? 1 : 0;
    const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
    const auto yoe = static_cast<unsigned>(y - era * 400);
    const unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + static_cast<std::int64_t>(doe) - 719468;
}

// "10/Oct/2026:13:55:36 +0200" in milliseconds since 1970.
bool parse_time(std::string_view text, std::uint64_t& out) {
    static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    unsigned day = 0, year = 0, hour = 0, minute = 0, second = 0, zone = 0;
    if (text.size() != 26 || text[2] != '/' || text[6] != '/' || text[11] != ':' || text[14] != ':' || text[17] != ':' || text[20] != ' ') return false;
    const std::size_t month = months.find(text.substr(3, 3));
    if (month == std::string_view::npos || month % 3 != 0 || !read_number(text.substr(0, 2), day) || !read_number(text.substr(7, 4), year) ||
        !read_number(text.substr(12, 2), hour) || !read_number(text.substr(15, 2), minute) || !read_number(text.substr(18, 2), second) ||
        !read_number(text.substr(22, 4), zone) || (text[21] != '+' && text[21] != '-'))
        return false;
    if (day < 1 || day > 31 || year < 1970 || hour > 23 || minute > 59 || second > 60 || zone > 1400) return false;
    const std::int64_t east = static_cast<std::int64_t>(zone / 100 * 60 + zone % 100) * (text[21] == '+' ? 60 : -60);
    const std::int64_t seconds = days_from_civil(year, static_cast<unsigned>(month / 3 + 1), day) * 86'400 + hour * 3600 + minute * 60 + second - east;
    if (seconds < 0) return false;
    out = static_cast<std::uint64_t>(seconds) * 1000;
    return true;
}

// A number behind the user agent: seconds with a point, microseconds without. 0: it is none.
std::uint64_t cost_us(std::string_view word) {
    if (const auto equals = word.find('='); equals != std::string_view::npos) word.remove_prefix(equals + 1);
    if (word.size() > 1 && word.front() == '"' && word.back() == '"') word = word.substr(1, word.size() - 2);
    const auto point = word.find('.');
    if (point == std::string_view::npos) {
        std::uint64_t us = 0;
        return read_number(word, us) && us < 86'400'000'000 ? us : 0;
    }
    double seconds = 0;
    if (!read_number(word, seconds) || !std::isfinite(seconds) || seconds < 0 || seconds > 86'400) return 0;
    return static_cast<std::uint64_t>(seconds * 1e6);
}

}  // namespace

std::string_view name_of(LogFormat format) {
    for (const auto& [name, value] : formats)
        if (value == format) return name;
    return {};
}

std::optional<LogFormat> log_format(std::string_view name) {
    if (name == "nginx" || name == "apache") return LogFormat::combined;
    for (const auto& [word, value] : formats)
        if (word == name) return value;
    return std::nullopt;
}

std::optional<LogFormat> detect_log_format(std::string_view text) {
    text = text.substr(0, 64 << 10);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        for (const LogFormat format : {LogFormat::combined, LogFormat::uvicorn}) {
            AccessLogOptions options;
            options.format = format;
            AccessLog log(line, options);
            Operation ignored;
            if (!log.next(ignored)) continue;
            const bool agent = std::count(line.begin(), line.end(), '"') >= 6;
            return format == LogFormat::combined && !agent ? LogFormat::common : format;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return std::nullopt;
}

AccessLog::AccessLog(std::string_view text, const AccessLogOptions& options) : rest_(text), options_(options) {
    if (!(options_.per_second > 0)) options_.per_second = 100;
}

bool AccessLog::next(Operation& out) {
    while (!rest_.empty()) {
        const std::size_t end = std::min(rest_.find('\n'), rest_.size());
        const std::string_view line = trim(rest_.substr(0, end));
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        ++lines_;
        if (line.empty()) continue;
        out = Operation{};
        out.kind = OperationKind::http;
        out.space = UINT32_MAX;
        if (line.size() <= longest_line && read_line(line, out)) {
            ++good_;
            return true;
        }
        note_bad(line);
    }
    return false;
}

bool AccessLog::read_line(std::string_view line, Operation& out) {
    return options_.format == LogFormat::uvicorn ? read_uvicorn(line, out) : read_common(line, out);
}

bool AccessLog::read_common(std::string_view line, Operation& out) {
    // Host and user may hold anything but the bracket that the time begins with.
    const std::size_t open = line.find('[');
    const std::size_t close = open == std::string_view::npos ? open : line.find(']', open);
    if (close == std::string_view::npos) return false;
    std::uint64_t at_ms = 0;
    if (!read_time(line.substr(open + 1, close - open - 1), at_ms)) return false;
    std::string_view rest = line.substr(close + 1), quoted, word;
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    if (!take_quoted(rest, quoted) || !read_request(quoted, out)) return false;
    if (!take_word(rest, word) || !read_number(word, out.status) || out.status < 100 || out.status > 599) return false;
    out.size = options_.value_bytes;
    if (take_word(rest, word) && word != "-" && !read_number(word, out.size)) return false;
    for (int i = 0; i < 2; ++i) {  // referer and user agent
        while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
        if (!rest.empty() && rest.front() == '"' && !take_quoted(rest, quoted)) return false;
    }
    if (take_word(rest, word) && (out.cost_us = cost_us(word)) != 0) ++costs_;
    if (good_ == 0) began_ms_ = last_ms_ = at_ms;
    last_ms_ = std::max(last_ms_, at_ms);  // servers write a line when the answer is over: order is not time
    out.at_ms = last_ms_ - began_ms_;
    return true;
}

bool AccessLog::read_uvicorn(std::string_view line, Operation& out) {
    const std::size_t quote = line.find('"');
    if (quote == std::string_view::npos || line.substr(0, quote).find(" - ") == std::string_view::npos) return false;
    std::string_view rest = line.substr(quote), quoted, word;
    if (!take_quoted(rest, quoted) || !read_request(quoted, out)) return false;
    if (!take_word(rest, word) || !read_number(word, out.status) || out.status < 100 || out.status > 599) return false;
    // A combined line has a number and two more quoted texts here, not words.
    if (rest.find('"') != std::string_view::npos || line.find('[') < quote) return false;
    out.size = options_.value_bytes;
    out.at_ms = static_cast<std::uint64_t>(static_cast<double>(good_) * 1000 / options_.per_second);
    return true;
}

bool AccessLog::read_request(std::string_view quoted, Operation& out) {
    const std::size_t space = quoted.find(' ');
    if (space == std::string_view::npos || space == 0 || space > 16) return false;
    out.method = quoted.substr(0, space);
    std::string_view target = quoted.substr(space + 1);
    if (const std::size_t last = target.rfind(' '); last != std::string_view::npos) {
        if (!target.substr(last + 1).starts_with("HTTP/")) return false;
        target = target.substr(0, last);
    }
    if (!std::all_of(out.method.begin(), out.method.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return false;
    if (target.starts_with("http://") || target.starts_with("https://")) {  // as proxies are asked
        const std::size_t slash = target.find('/', target.find("//") + 2);
        target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    }
    if (target.empty() || (target.front() != '/' && target != "*")) return false;
    const std::size_t question = target.find('?');
    out.path = target.substr(0, question);
    if (question != std::string_view::npos) out.query = target.substr(question + 1);
    return true;
}

bool AccessLog::read_time(std::string_view text, std::uint64_t& at_ms) {
    if (text != last_time_) {
        if (!parse_time(text, last_time_ms_)) return false;
        last_time_ = text;
    }
    at_ms = last_time_ms_;
    return true;
}

void AccessLog::note_bad(std::string_view line) {
    ++bad_;
    if (first_bad_.size() < most_bad_shown) first_bad_.push_back({lines_, escaped(line)});
}

}  // namespace larder::replay
