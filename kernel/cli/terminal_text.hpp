// kernel/cli/terminal_text.hpp -- texts of a kernel as a terminal may show them.
//
// Keys come from clients and may hold any byte; a terminal would obey some of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

namespace larder::cli {

// 20:35:01 of the local time zone.
inline std::string time_text(std::uint64_t wall_ms) {
    const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    char out[16];
    std::snprintf(out, sizeof out, "%02d:%02d:%02d", parts.tm_hour, parts.tm_min, parts.tm_sec);
    return out;
}

// 12s, 3m12s, 5h02m, 12d04h
inline std::string duration_text(std::uint64_t ms) {
    const auto s = static_cast<unsigned long long>(ms / 1000);
    char out[48];
    if (s < 60) std::snprintf(out, sizeof out, "%llus", s);
    else if (s < 3600) std::snprintf(out, sizeof out, "%llum%02llus", s / 60, s % 60);
    else if (s < 86400) std::snprintf(out, sizeof out, "%lluh%02llum", s / 3600, s / 60 % 60);
    else std::snprintf(out, sizeof out, "%llud%02lluh", s / 86400, s / 3600 % 24);
    return out;
}

// Control characters become `?`.
inline std::string printable(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return out;
}

// The first `bytes` of it, cut between two characters of UTF-8.
inline std::string_view cut(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
    return text.substr(0, bytes);
}

}  // namespace larder::cli
