// kernel/replay/log_file.cpp -- a file read in place.
#include "kernel/replay/log_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace larder::replay {
namespace {

constexpr std::size_t most_read = std::size_t{4} << 30;  // of what cannot be mapped

// False: `problem` says why.
bool read_all(int fd, std::string& out, std::string& problem) {
    std::string buffer(1u << 20, '\0');
    for (;;) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got == 0) return true;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            problem = std::strerror(errno);
            return false;
        }
        if (out.size() + static_cast<std::size_t>(got) > most_read) {
            problem = "it is larger than 4 GiB and no file: write it to one first";
            return false;
        }
        out.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace

std::optional<LogFile> LogFile::open(const std::string& path, std::string& problem) {
    const int fd = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat facts {};
    if (fd < 0 || ::fstat(fd, &facts) != 0) {
        problem = path + ": " + std::strerror(errno);
        if (fd >= 0) ::close(fd);
        return std::nullopt;
    }
    LogFile out;
    bool good = true;
    if (S_ISDIR(facts.st_mode)) {
        problem = "it is a folder";
        good = false;
    } else if (S_ISREG(facts.st_mode) && facts.st_size > 0) {
        out.size_ = static_cast<std::size_t>(facts.st_size);
        out.mapped_ = ::mmap(nullptr, out.size_, PROT_READ, MAP_PRIVATE, fd, 0);
        if (out.mapped_ == MAP_FAILED) {
            out.mapped_ = nullptr;
            good = read_all(fd, out.read_, problem);
        } else {
            ::madvise(out.mapped_, out.size_, MADV_SEQUENTIAL);
        }
    } else {
        good = read_all(fd, out.read_, problem);
    }
    ::close(fd);
    if (good) return out;
    problem = path + ": " + problem;
    return std::nullopt;
}

LogFile::LogFile(LogFile&& other) noexcept
    : mapped_(std::exchange(other.mapped_, nullptr)), size_(other.size_), read_(std::move(other.read_)) {}

LogFile::~LogFile() {
    if (mapped_ != nullptr) ::munmap(mapped_, size_);
}

std::string_view LogFile::text() const {
    return mapped_ != nullptr ? std::string_view(static_cast<const char*>(mapped_), size_) : std::string_view(read_);
}

}  // namespace larder::replay
