// kernel/core/journal.hpp -- writes that were promised, on disk until their source has them.
//
// One file of records, each with its own check; numbers only rise. A write is added to a buffer, and
// whoever wants it to last calls sync(): the first to come writes and syncs all that waits, the others
// wait for that (group commit, as in any write-ahead log). That a source has some of them is a record,
// too, written with the next group and never waited for: after a crash those may be sent once more.
//
// Opening reads it whole. What ends in the middle was never promised (a record is promised when it is
// synced, and they are written in their order): it is cut. Anything else that does not pass its check is
// damage: what can be read is kept, the file as it was is set aside, and it is said.
//
// A write that fails (a full disk) fails those who wait for it, and the file is not trusted any more: it
// is written anew, from what its owner has in memory, before anything else is added. After a failed
// fsync nobody knows what is on the disk (Rebello et al., "Can Applications Recover from fsync
// Failures?", 2020), so that is never tried twice on the same file.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder {

// One write that a source does not have yet.
struct JournalWrite {
    std::uint64_t number = 0;
    std::uint64_t at_ms = 0;  // wall clock, when it was made
    bool remove = false;      // of the key; else value is its new value
    std::string_view space, key, value;
};

// Safe for any number of threads, but for rewrite() and what it says.
class Journal {
  public:
    struct Opened {
        // What is left, oldest first. The views are of `bytes`.
        std::vector<JournalWrite> writes;
        std::string bytes;
        std::vector<std::string> said;  // what was found damaged, one line each
    };
    // Opens or makes the file. Null: `problem` says why. Nothing else may have it open: a second kernel is
    // told so. The name of what is set aside has `wall_ms` in it.
    static std::unique_ptr<Journal> open(const std::string& path, std::uint64_t wall_ms, Opened& out, std::string& problem);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    // Adds a write and answers its number. Nothing is written yet. `write.number` is not looked at.
    std::uint64_t add(const JournalWrite& write);
    // These need not be kept any longer; written by the next sync() or write_out().
    void done(std::span<const std::uint64_t> numbers);
    // Whether everything up to `number` is on the disk; waits until it is, or until that failed. [worker]
    bool sync(std::uint64_t number);
    // Gives the system what is in the buffer, without waiting for the disk. [worker]
    void write_out();

    // Writes a file with these alone in the place of this one: what was added and is not among them is
    // forgotten. REQUIRES: nothing is added meanwhile. False: all stays as it was. [worker]
    bool rewrite(std::span<const JournalWrite> writes);
    // A write failed: rewrite() has to come first.
    bool broken() const;
    std::uint64_t bytes() const;  // of the file, with what waits in the buffer
    const std::string& path() const noexcept { return path_; }

    // For tests of what the disk may do: called before each write of `size` bytes to the file; false fails it.
    std::function<bool(std::size_t size)> before_write;

  private:
    Journal(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
    bool write_all(int fd, std::string_view bytes) const;
    bool sync_here(std::unique_lock<std::mutex>& lock, bool to_disk);

    const std::string path_;
    const int lock_;  // descriptor of the file that is locked
    mutable std::mutex mutex_;
    std::condition_variable turned_;
    int file_ = -1;               // changed by who leads, under the mutex, as what follows
    std::string buffer_;
    std::uint64_t last_ = 0;      // number of the newest write
    std::uint64_t synced_ = 0, failed_ = 0;  // up to which number
    std::uint64_t size_ = 0;      // of the file
    bool leading_ = false;        // somebody writes
    bool broken_ = false;
};

}  // namespace larder
