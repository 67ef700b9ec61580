// kernel/core/journal.cpp -- see journal.hpp.
//
//   file    "larderJ1", then records
//   record  u32 "LJr1", u32 size of the body, u64 XXH3 of the body, body; little endian
//   body    u64 number, u64 time, u16 kind, u16 and u32 sizes of space and key, space, key, value
//
// The value of a record `done` is the numbers that are done.
#include "kernel/core/journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unordered_set>

namespace larder {
namespace {

constexpr std::string_view file_head = "larderJ1";
constexpr std::uint32_t record_magic = 0x3172'4A4C;  // "LJr1"
constexpr std::size_t record_head = 16, body_head = 24;
constexpr std::size_t longest_body = std::size_t{1} << 31;

enum class Kind : std::uint16_t { put = 1, remove = 2, done = 3 };

template <class T>
void append(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T read_at(std::string_view bytes, std::size_t at) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

void append_record(std::string& out, Kind kind, const JournalWrite& write) {
    const std::size_t begin = out.size();
    append(out, record_magic);
    append(out, static_cast<std::uint32_t>(body_head + write.space.size() + write.key.size() + write.value.size()));
    append(out, std::uint64_t{0});
    const std::size_t body = out.size();
    append(out, write.number);
    append(out, write.at_ms);
    append(out, static_cast<std::uint16_t>(kind));
    append(out, static_cast<std::uint16_t>(write.space.size()));
    append(out, static_cast<std::uint32_t>(write.key.size()));
    (out += write.space) += write.key;
    out += write.value;
    const std::uint64_t check = XXH3_64bits(out.data() + body, out.size() - body);
    std::memcpy(out.data() + begin + 8, &check, sizeof check);
}

struct Record {
    Kind kind = Kind::put;
    JournalWrite write;
    std::size_t size = 0;  // in the file; 0: there is none
};

// The record that begins at `at`, if a whole and sound one does.
Record record_at(std::string_view file, std::size_t at) {
    Record out;
    const std::string_view rest = file.substr(at);
    if (rest.size() < record_head + body_head || read_at<std::uint32_t>(rest, 0) != record_magic) return out;
    const std::size_t body_size = read_at<std::uint32_t>(rest, 4);
    if (body_size < body_head || body_size > rest.size() - record_head) return out;
    const std::string_view body = rest.substr(record_head, body_size);
    if (XXH3_64bits(body.data(), body.size()) != read_at<std::uint64_t>(rest, 8)) return out;
    const auto kind = read_at<std::uint16_t>(body, 16);
    const std::size_t space = read_at<std::uint16_t>(body, 18), key = read_at<std::uint32_t>(body, 20);
    if (kind < 1 || kind > 3 || space + key > body_size - body_head) return out;
    out.kind = static_cast<Kind>(kind);
    out.write.number = read_at<std::uint64_t>(body, 0);
    out.write.at_ms = read_at<std::uint64_t>(body, 8);
    out.write.remove = out.kind == Kind::remove;
    out.write.space = body.substr(body_head, space);
    out.write.key = body.substr(body_head + space, key);
    out.write.value = body.substr(body_head + space + key);
    out.size = record_head + body_size;
    return out;
}

// Where the next sound record begins behind `at`; the end if there is none.
std::size_t next_record(std::string_view file, std::size_t at) {
    const char magic[5] = "LJr1";
    for (at = file.find(magic, at + 1, 4); at != std::string_view::npos; at = file.find(magic, at + 1, 4))
        if (record_at(file, at).size != 0) return at;
    return file.size();
}

// Whether what is at the end may be a group that was being written when the process or the machine ended.
bool is_torn(std::string_view tail) {
    if (tail.size() < record_head) return true;
    if (tail.find_first_not_of('\0') == std::string_view::npos) return true;
    if (read_at<std::uint32_t>(tail, 0) != record_magic) return false;
    const std::size_t body = read_at<std::uint32_t>(tail, 4);
    return body <= longest_body && body > tail.size() - record_head;
}

std::string why() { return std::strerror(errno); }

bool read_file(const std::string& path, std::string& out) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT;
    struct stat about {};
    bool good = ::fstat(fd, &about) == 0;
    if (good) out.resize(static_cast<std::size_t>(about.st_size));
    std::size_t have = 0;
    while (good && have < out.size()) {
        const ssize_t n = ::read(fd, out.data() + have, out.size() - have);
        if (n < 0 && errno == EINTR) continue;
        good = n > 0;
        if (good) have += static_cast<std::size_t>(n);
    }
    ::close(fd);
    return good;
}

// A rename lasts when its folder is on the disk.
bool sync_folder_of(const std::string& path) {
    std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (folder.empty()) folder = ".";
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool good = ::fsync(fd) == 0;
    ::close(fd);
    return good;
}

// What the bytes of a file hold, and what is wrong with them.
struct Reading {
    std::vector<JournalWrite> writes;
    std::uint64_t last = 0;
    std::size_t damaged_places = 0, damaged_bytes = 0, first_damage = 0;

    explicit Reading(std::string_view file) {
        if (file.empty()) return;
        std::size_t at = 0;
        if (file.starts_with(file_head)) at = file_head.size();
        else if (file_head.starts_with(file)) return;  // torn before it was anything
        else damage(0, at = next_record(file, 0));
        std::unordered_set<std::uint64_t> finished;
        while (at < file.size()) {
            const Record record = record_at(file, at);
            if (record.size == 0) {
                const std::size_t next = next_record(file, at);
                if (next == file.size() && is_torn(file.substr(at))) break;
                damage(at, next);
                at = next;
                continue;
            }
            last = std::max(last, record.write.number);
            if (record.kind == Kind::done)
                for (std::size_t i = 0; i + 8 <= record.write.value.size(); i += 8) finished.insert(read_at<std::uint64_t>(record.write.value, i));
            else writes.push_back(record.write);
            at += record.size;
        }
        std::erase_if(writes, [&](const JournalWrite& write) { return finished.contains(write.number); });
        std::sort(writes.begin(), writes.end(), [](const JournalWrite& a, const JournalWrite& b) { return a.number < b.number; });
    }

  private:
    void damage(std::size_t from, std::size_t to) {
        if (damaged_places++ == 0) first_damage = from;
        damaged_bytes += to - from;
    }
};

}  // namespace

std::unique_ptr<Journal> Journal::open(const std::string& path, std::uint64_t wall_ms, Opened& out, std::string& problem) {
    // Of its own file, as the journal itself is replaced by renaming.
    const std::string lock_path = path + ".lock";
    const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) {
        problem = lock_path + ": " + why();
        return nullptr;
    }
    std::unique_ptr<Journal> made(new Journal(path, lock));
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        problem = path + ": another process has this journal open";
        return nullptr;
    }
    if (!read_file(path, out.bytes)) {
        problem = path + ": " + why();
        return nullptr;
    }
    Reading reading(out.bytes);
    made->last_ = made->synced_ = reading.last;
    out.writes = std::move(reading.writes);
    if (reading.damaged_places != 0) {
        const std::string aside = path + ".damaged-" + std::to_string(wall_ms);
        if (::link(path.c_str(), aside.c_str()) != 0) {
            problem = path + " is damaged and cannot be set aside as " + aside + ": " + why();
            return nullptr;
        }
        out.said.push_back(path + ": " + std::to_string(reading.damaged_bytes) + " bytes in " + std::to_string(reading.damaged_places) +
                           (reading.damaged_places == 1 ? " place" : " places") + " are damaged, the first at byte " +
                           std::to_string(reading.first_damage) + "; the file as it was is " + aside + ", the " +
                           std::to_string(out.writes.size()) + " writes that can be read and are not done are kept");
    }
    if (!made->rewrite(out.writes)) {
        problem = path + ": " + why();
        return nullptr;
    }
    return made;
}

Journal::~Journal() {
    if (file_ >= 0) {
        write_out();
        ::close(file_);
    }
    ::close(lock_);
}

std::uint64_t Journal::add(const JournalWrite& write) {
    const std::lock_guard lock(mutex_);
    JournalWrite numbered = write;
    numbered.number = ++last_;
    append_record(buffer_, write.remove ? Kind::remove : Kind::put, numbered);
    return last_;
}

void Journal::done(std::span<const std::uint64_t> numbers) {
    const std::lock_guard lock(mutex_);
    JournalWrite record;
    record.value = {reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()};
    append_record(buffer_, Kind::done, record);
}

bool Journal::sync(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (synced_ >= number) return true;
        if (failed_ >= number || broken_) return false;
        if (!leading_) break;
        turned_.wait(lock);
    }
    return sync_here(lock, true);
}

void Journal::write_out() {
    std::unique_lock lock(mutex_);
    if (!leading_ && !broken_ && !buffer_.empty()) sync_here(lock, false);
}

// REQUIRES: nobody leads.
bool Journal::sync_here(std::unique_lock<std::mutex>& lock, bool to_disk) {
    leading_ = true;
    std::string batch;
    batch.swap(buffer_);
    const std::uint64_t until = last_;
    lock.unlock();
    const bool good = write_all(file_, batch) && (!to_disk || ::fdatasync(file_) == 0);
    lock.lock();
    leading_ = false;
    if (good) {
        size_ += batch.size();
        if (to_disk) synced_ = until;
    } else {
        failed_ = until;
        broken_ = true;
    }
    turned_.notify_all();
    return good;
}

bool Journal::write_all(int fd, std::string_view bytes) const {
    if (before_write && !before_write(bytes.size())) return false;
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

bool Journal::rewrite(std::span<const JournalWrite> writes) {
    std::unique_lock lock(mutex_);
    turned_.wait(lock, [&] { return !leading_; });
    const std::string fresh = path_ + ".new";
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    std::string bytes(file_head);
    std::uint64_t written = 0;
    bool good = true;
    for (const JournalWrite& write : writes) {
        append_record(bytes, write.remove ? Kind::remove : Kind::put, write);
        if (bytes.size() < (1u << 20)) continue;
        good = good && write_all(fd, bytes);
        written += bytes.size();
        bytes.clear();
    }
    written += bytes.size();
    good = good && write_all(fd, bytes) && ::fdatasync(fd) == 0 && ::rename(fresh.c_str(), path_.c_str()) == 0;
    if (!good) {
        ::close(fd);
        ::unlink(fresh.c_str());
        return false;
    }
    if (file_ >= 0) ::close(file_);
    file_ = fd;
    size_ = written;
    buffer_.clear();
    // Until its name is on the disk, the file of before may come back.
    broken_ = !sync_folder_of(path_);
    if (!broken_) synced_ = last_;
    turned_.notify_all();
    return !broken_;
}

bool Journal::broken() const {
    const std::lock_guard lock(mutex_);
    return broken_;
}

std::uint64_t Journal::bytes() const {
    const std::lock_guard lock(mutex_);
    return size_ + buffer_.size();
}

}  // namespace larder
