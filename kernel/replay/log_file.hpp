// kernel/replay/log_file.hpp -- a file read in place, as one text.
//
// Mapped where it can be, so that a log larger than memory is read at the speed of the disk; else (a pipe)
// read whole, up to a bound.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace larder::replay {

class LogFile {
  public:
    // Nullopt: `problem` says why. "-" is standard input.
    static std::optional<LogFile> open(const std::string& path, std::string& problem);
    ~LogFile();
    LogFile(LogFile&& other) noexcept;
    LogFile& operator=(LogFile&&) = delete;
    // As long as this lives. REQUIRES: nobody makes the file shorter meanwhile.
    std::string_view text() const;

  private:
    LogFile() = default;
    void* mapped_ = nullptr;
    std::size_t size_ = 0;
    std::string read_;
};

}  // namespace larder::replay
