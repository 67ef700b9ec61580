// plugins/invalidator_route/log_tail.cpp -- following one name through the files it has had.
#include "log_tail.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace larder::invalidator_route {
namespace {

constexpr std::size_t piece = std::size_t{64} << 10;
constexpr int most_pieces = 16;

}  // namespace

std::optional<LogTail::File> LogTail::open_file() const {
    // O_NONBLOCK: a FIFO of that name must not hold us; it is then refused as no regular file.
    FileDescriptor fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat about {};
    if (!fd || ::fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode)) {
        return std::nullopt;
    }
    File file;
    file.fd = std::move(fd);
    file.device = about.st_dev;
    file.inode = about.st_ino;
    return file;
}

void LogTail::open_at_end() {
    current_ = open_file();
    if (!current_) {
        return;
    }
    const off_t end = ::lseek(current_->fd.get(), 0, SEEK_END);
    char last = '\n';
    if (end > 0 && ::pread(current_->fd.get(), &last, 1, end - 1) == 1 && last != '\n') {
        current_->lines.skip_rest_of_line();
    }
    current_->offset = end > 0 ? static_cast<std::uint64_t>(end) : 0;
}

bool LogTail::drain(File& file, const Line& line) {
    struct stat about {};
    if (::fstat(file.fd.get(), &about) == 0 &&
        static_cast<std::uint64_t>(about.st_size) < file.offset) {
        file.offset = 0;
        file.lines.forget();
    }
    std::array<char, piece> bytes;
    for (int i = 0; i < most_pieces; ++i) {
        const ssize_t got =
            ::pread(file.fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(file.offset));
        if (got <= 0) {
            return false;
        }
        file.offset += static_cast<std::uint64_t>(got);
        file.lines.feed({bytes.data(), static_cast<std::size_t>(got)}, line);
    }
    return true;
}

void LogTail::close_retired() noexcept {
    if (retired_) {
        too_long_before_ += retired_->lines.too_long();
        retired_.reset();
    }
}

void LogTail::retire(std::uint64_t now_ns, const Line& line) {
    if (retired_) {
        drain(*retired_, line);
        close_retired();
    }
    retired_ = std::move(current_);
    current_.reset();
    retired_until_ns_ = now_ns + grace_ns;
}

bool LogTail::read(std::uint64_t now_ns, const Line& line) {
    bool more = false;
    if (retired_) {
        more |= drain(*retired_, line);
        if (!more && now_ns >= retired_until_ns_) {
            close_retired();
        }
    }
    if (current_) {
        more |= drain(*current_, line);
        struct stat named {};
        const bool there = ::stat(path_.c_str(), &named) == 0;
        const bool same =
            there && named.st_dev == current_->device && named.st_ino == current_->inode;
        if (more || !there || same) {
            return more;
        }
        retire(now_ns, line);
    }
    current_ = open_file();
    return current_ ? more | drain(*current_, line) : more;
}

std::uint64_t LogTail::too_long() const noexcept {
    return too_long_before_ + (current_ ? current_->lines.too_long() : 0) +
           (retired_ ? retired_->lines.too_long() : 0);
}

}  // namespace larder::invalidator_route
