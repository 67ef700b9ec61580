// plugins/invalidator_route/log_tail.hpp -- the lines that are added to a log file, across its
// rotations.
//
// Begins at the file's end: what was written before the kernel ran has nothing in the cache. A file
// that appears later is read from its beginning. Rotation by rename: the new file is read as soon
// as it is there, and the old one, which servers write to until they are told to reopen, for
// another five seconds. Rotation by copy and truncation: a file shorter than what was read begins
// again. Not told apart: a file truncated and grown past the old length between two looks.
//
// Not safe for many threads.
#pragma once

#include "file_descriptor.hpp"
#include "line_splitter.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace larder::invalidator_route {

class LogTail {
  public:
    using Line = std::function<void(std::string_view)>;

    explicit LogTail(std::string path) : path_(std::move(path)) {}

    // Goes to the end of the file, if it is there.
    void open_at_end();
    // Hands over what is new, about a MiB at most. True: there is more.
    bool read(std::uint64_t now_ns, const Line& line);

    bool open() const noexcept { return current_.has_value(); }
    // Lines over LineSplitter::longest that were skipped.
    std::uint64_t too_long() const noexcept;

  private:
    struct File {
        FileDescriptor fd;
        dev_t device;
        ino_t inode;
        std::uint64_t offset = 0;
        LineSplitter lines;
    };

    std::optional<File> open_file() const;
    static bool drain(File& file, const Line& line);
    void retire(std::uint64_t now_ns, const Line& line);
    void close_retired() noexcept;

    static constexpr std::uint64_t grace_ns = 5'000'000'000;

    const std::string path_;
    std::optional<File> current_;
    std::optional<File> retired_;
    std::uint64_t retired_until_ns_ = 0;
    std::uint64_t too_long_before_ = 0;  // In files that are closed.
};

}  // namespace larder::invalidator_route
