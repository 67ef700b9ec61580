// plugins/gateway_http/http_date.cpp -- see http_date.hpp.
#include "http_date.hpp"

#include "field_names.hpp"

#include <array>

namespace larder::http {
namespace {

constexpr std::array<std::string_view, 12> months = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_days = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};

// Days since 1970-01-01 of a Gregorian date (Howard Hinnant, chrono-compatible algorithms).
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const auto in_era = static_cast<unsigned>(year - era * 400);
    const unsigned in_year = (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1;
    const unsigned in_days = in_era * 365 + in_era / 4 - in_era / 100 + in_year;
    return era * 146097 + static_cast<std::int64_t>(in_days) - 719468;
}

struct Parts {
    std::int64_t year = 0;
    unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

bool digits(std::string_view text, unsigned& out) {
    out = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return false;
        out = out * 10 + static_cast<unsigned>(c - '0');
    }
    return !text.empty();
}

bool month_named(std::string_view text, unsigned& out) {
    for (unsigned i = 0; i < months.size(); ++i)
        if (same_word(text, months[i])) {
            out = i + 1;
            return true;
        }
    return false;
}

bool time_of_day(std::string_view text, Parts& out) {
    return text.size() == 8 && text[2] == ':' && text[5] == ':' && digits(text.substr(0, 2), out.hour) &&
           digits(text.substr(3, 2), out.minute) && digits(text.substr(6, 2), out.second) && out.hour < 24 &&
           out.minute < 60 && out.second <= 60;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
bool imf(std::string_view t, Parts& out) {
    unsigned year = 0;
    if (t.size() != 29 || t[3] != ',' || t[4] != ' ' || t[7] != ' ' || t[11] != ' ' || t[16] != ' ' || t[25] != ' ') return false;
    if (!same_word(t.substr(26), "gmt") || !digits(t.substr(5, 2), out.day) || !month_named(t.substr(8, 3), out.month) ||
        !digits(t.substr(12, 4), year) || !time_of_day(t.substr(17, 8), out))
        return false;
    out.year = year;
    return true;
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
bool rfc850(std::string_view t, std::int64_t now_s, Parts& out) {
    const std::size_t comma = t.find(", ");
    if (comma == std::string_view::npos) return false;
    bool named = false;
    for (const std::string_view day : long_days) named = named || same_word(t.substr(0, comma), day);
    t.remove_prefix(comma + 2);
    unsigned year = 0;
    if (!named || t.size() != 22 || t[2] != '-' || t[6] != '-' || t[9] != ' ' || t[18] != ' ' || !same_word(t.substr(19), "gmt")) return false;
    if (!digits(t.substr(0, 2), out.day) || !month_named(t.substr(3, 3), out.month) || !digits(t.substr(7, 2), year) ||
        !time_of_day(t.substr(10, 8), out))
        return false;
    const std::int64_t this_year = 1970 + now_s / 31'556'952;
    out.year = this_year - this_year % 100 + year;
    if (out.year > this_year + 50) out.year -= 100;
    return true;
}

// "Sun Nov  6 08:49:37 1994"
bool asctime_form(std::string_view t, Parts& out) {
    unsigned year = 0;
    if (t.size() != 24 || t[3] != ' ' || t[7] != ' ' || t[10] != ' ' || t[19] != ' ') return false;
    const std::string_view day = t[8] == ' ' ? t.substr(9, 1) : t.substr(8, 2);
    if (!month_named(t.substr(4, 3), out.month) || !digits(day, out.day) || !time_of_day(t.substr(11, 8), out) || !digits(t.substr(20), year)) return false;
    out.year = year;
    return true;
}

}  // namespace

std::optional<std::int64_t> parse_date(std::string_view text, std::int64_t now_s) {
    text = trimmed(text);
    Parts p;
    if (!imf(text, p) && !rfc850(text, now_s, p) && !asctime_form(text, p)) return std::nullopt;
    if (p.day < 1 || p.day > 31) return std::nullopt;
    return days_from_civil(p.year, p.month, p.day) * 86400 + p.hour * 3600 + p.minute * 60 + p.second;
}

void append_date(std::string& out, std::int64_t seconds) {
    const std::int64_t day = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
    const auto left = static_cast<unsigned>(seconds - day * 86400);
    // civil_from_days, the inverse of the above.
    const std::int64_t z = day + 719468;
    const std::int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const auto in_era = static_cast<unsigned>(z - era * 146097);
    const unsigned year_of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    const unsigned in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned mp = (5 * in_year + 2) / 153;
    const unsigned mday = in_year - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
    const auto year = static_cast<unsigned>(year_of_era + era * 400 + (month <= 2 ? 1 : 0));
    const auto two = [&](unsigned n) {
        out += static_cast<char>('0' + n / 10 % 10);
        out += static_cast<char>('0' + n % 10);
    };
    out += days[static_cast<std::size_t>((day % 7 + 11) % 7)];
    out += ", ";
    two(mday);
    out += ' ';
    out += static_cast<char>(months[month - 1][0] - 32);
    out += months[month - 1].substr(1);
    out += ' ';
    two(year / 100);
    two(year % 100);
    out += ' ';
    two(left / 3600);
    out += ':';
    two(left / 60 % 60);
    out += ':';
    two(left % 60);
    out += " GMT";
}

}  // namespace larder::http
