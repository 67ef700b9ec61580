// kernel/replay/access_log.hpp -- access logs as traffic: nginx, Apache and uvicorn.
//
//   common    1.2.3.4 - ann [10/Oct/2026:13:55:36 +0200] "GET /a HTTP/1.1" 200 2326
//   combined  the same, then "referer" "user agent"; what nginx writes when nobody says otherwise
//   uvicorn   INFO:     1.2.3.4:5 - "GET /a HTTP/1.1" 200 OK
//
// Behind a combined line a number may follow: how long the answer took, in seconds with a point (nginx
// $request_time) or in microseconds without (Apache %D). Uvicorn writes neither time nor size: its lines
// are taken to come evenly, and sizes are what the caller says.
//
// Logs are written by others: any bytes are read. A line that is none is counted, the first ones are
// kept to be shown. Read in place, about 150 ns a line.
#pragma once

#include "kernel/replay/operation.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::replay {

enum class LogFormat : std::uint8_t { common, combined, uvicorn };
std::string_view name_of(LogFormat format);
std::optional<LogFormat> log_format(std::string_view name);
// Of the first line in the first 64 KiB that is one. Nullopt: none is.
std::optional<LogFormat> detect_log_format(std::string_view text);

struct AccessLogOptions {
    LogFormat format = LogFormat::combined;
    double per_second = 100;          // lines without a time come so fast
    std::uint64_t value_bytes = 2048; // size of answers that do not say theirs
};

struct BadLine {
    std::uint64_t number = 0;
    std::string text;  // its front, escaped
};

class AccessLog final : public Traffic {
  public:
    // `text` outlives this.
    AccessLog(std::string_view text, const AccessLogOptions& options);
    bool next(Operation& out) override;

    std::uint64_t lines() const { return lines_; }
    std::uint64_t bad() const { return bad_; }
    const std::vector<BadLine>& first_bad() const { return first_bad_; }
    // Of the first good line, since 1970; 0: lines have no time.
    std::uint64_t began_ms() const { return began_ms_; }
    bool has_times() const { return options_.format != LogFormat::uvicorn; }
    bool has_costs() const { return costs_ != 0; }  // some line said how long its answer took

  private:
    bool read_line(std::string_view line, Operation& out);
    bool read_common(std::string_view line, Operation& out);
    bool read_uvicorn(std::string_view line, Operation& out);
    bool read_request(std::string_view quoted, Operation& out);
    bool read_time(std::string_view text, std::uint64_t& at_ms);
    void note_bad(std::string_view line);

    std::string_view rest_;
    AccessLogOptions options_;
    std::uint64_t lines_ = 0, good_ = 0, bad_ = 0, costs_ = 0, began_ms_ = 0, last_ms_ = 0;
    std::string last_time_;             // text and value of the last time: most lines share it
    std::uint64_t last_time_ms_ = 0;
    std::vector<BadLine> first_bad_;
};

}  // namespace larder::replay
