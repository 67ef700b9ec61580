// kernel/config/log.hpp -- the log of one kernel: lines of text or JSON, never waited for.
//
// Who writes a line never blocks: lines go through a bounded queue to one thread, and when that falls
// behind, the oldest waiting lines are lost and counted. How much one plugin may write is limited
// before it gets here (loader::HostTable). Bytes that could forge a line (newlines, escape sequences,
// broken UTF-8) are written as \xNN.
#pragma once

#include "kernel/config/host_config.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace larder::config {

// Safe for any number of threads.
class Log {
  public:
    // Null: `problem` says why the file cannot be written.
    static std::shared_ptr<Log> open(const LogOptions& options, std::string& problem);
    ~Log();  // what is queued is written first
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    int level() const noexcept;
    void set_level(int level) noexcept;
    // source: who says it: "kernel", a plugin's id.
    void write(int level, std::string_view source, std::string_view text) noexcept;
    // Opens the file anew by its name, after somebody moved it away.
    void reopen() noexcept;
    void flush() noexcept;
    std::uint64_t lost() const noexcept;  // lines that were not written

  private:
    struct Impl;
    explicit Log(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace larder::config
