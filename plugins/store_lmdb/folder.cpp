// plugins/store_lmdb/folder.cpp -- see folder.hpp.
#include "folder.hpp"

#include <larder/plugin/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>

namespace larder::store_lmdb {
namespace {

constexpr const char* lock_name = "/larder.lock";
constexpr const char* mark_name = "/unsynced";

[[noreturn]] void refuse(const std::string& what, int error) {
    const larder_status status = error == EACCES || error == EPERM ? LARDER_E_DENIED : LARDER_E_IO;
    throw plugin::Error(status, what + ": " + std::strerror(error));
}

std::string first_line(const std::string& file) {
    std::string line;
    std::ifstream in(file);
    std::getline(in, line);
    return line;
}

void sync_folder(const std::string& path) noexcept {
    const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        static_cast<void>(::fsync(folder));
        ::close(folder);
    }
}

}  // namespace

std::uint64_t Folder::data_bytes() const noexcept {
    struct stat status {};
    return ::stat(data_file().c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

bool Folder::crammed() const noexcept {
    constexpr std::uint64_t little = std::uint64_t{4} << 20;
    struct statvfs disk {};
    rlimit file{};
    return (::statvfs(path_.c_str(), &disk) == 0 && std::uint64_t{disk.f_bavail} * disk.f_frsize < little) ||
           (::getrlimit(RLIMIT_FSIZE, &file) == 0 && file.rlim_cur != RLIM_INFINITY && file.rlim_cur < data_bytes() + little);
}

void Folder::make() const {
    for (std::size_t at = path_.find('/', 1);; at = path_.find('/', at + 1)) {
        const std::string part = path_.substr(0, at);
        if (!part.empty() && ::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
            refuse(part + " cannot be made", errno);
        }
        if (at == std::string::npos) {
            return;
        }
    }
}

bool Folder::claim(std::string& holder) {
    if (lock_ >= 0) {
        return true;
    }
    const std::string file = path_ + lock_name;
    const int opened = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (opened < 0) {
        refuse(file + " cannot be opened", errno);
    }
    if (::flock(opened, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        ::close(opened);
        if (error != EWOULDBLOCK) {
            refuse(file + " cannot be locked", error);
        }
        holder = first_line(file);
        return false;
    }
    const std::string line = "process " + std::to_string(::getpid()) + "\n";
    if (::ftruncate(opened, 0) == 0) {
        static_cast<void>(::pwrite(opened, line.data(), line.size(), 0) < 0);
    }
    lock_ = opened;
    return true;
}

void Folder::release() noexcept {
    if (lock_ >= 0) {
        ::close(lock_);
        lock_ = -1;
    }
}

bool Folder::marked() const noexcept {
    const std::string file = path_ + mark_name;
    return ::access(file.c_str(), F_OK) == 0;
}

bool Folder::torn() const {
    if (!marked()) {
        return false;
    }
    const std::string now = this_boot();
    return now.empty() || first_line(path_ + mark_name) != now;
}

// On the disk before anything else can be, and at no moment half a mark: whoever dies in here leaves what was there.
void Folder::mark() const {
    const std::string mark = path_ + mark_name, file = mark + ".new", text = this_boot() + "\n";
    if (marked() && first_line(mark) + "\n" == text) {
        return;
    }
    const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (opened < 0) {
        refuse(file + " cannot be written", errno);
    }
    const bool written = ::write(opened, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                         ::fsync(opened) == 0;
    const int error = errno;
    ::close(opened);
    if (!written) {
        refuse(file + " cannot be written", error);
    }
    if (::rename(file.c_str(), mark.c_str()) != 0) {
        refuse(mark + " cannot be written", errno);
    }
    sync_folder(path_);
}

void Folder::unmark() const noexcept {
    const std::string file = path_ + mark_name;
    if (::unlink(file.c_str()) == 0) {
        sync_folder(path_);
    }
}

std::string Folder::set_aside() const {
    const std::string aside = data_file() + ".set-aside";
    const bool moved = ::rename(data_file().c_str(), aside.c_str()) == 0;
    const std::string readers = path_ + "/lock.mdb";
    static_cast<void>(::unlink(readers.c_str()));
    unmark();
    return moved ? aside : std::string();
}

void Folder::empty() const noexcept {
    for (const std::string& file : {data_file(), path_ + "/lock.mdb"}) static_cast<void>(::unlink(file.c_str()));
    unmark();
}

std::string this_boot() {
    const std::string told = first_line("/proc/sys/kernel/random/boot_id");
    if (!told.empty()) {
        return told;
    }
    // A unit that hides /proc/sys has it from systemd.
    const char* const given = std::getenv("LARDER_BOOT_ID");
    return given == nullptr ? std::string() : std::string(given);
}

std::string default_folder(const std::string& instance) {
    const auto set = [](const char* name) -> std::string_view {
        const char* const value = std::getenv(name);
        return value != nullptr && value[0] == '/' ? std::string_view(value) : std::string_view();
    };
    if (const std::string_view given = set("STATE_DIRECTORY"); !given.empty()) {
        return std::string(given.substr(0, given.find(':'))) + "/" + instance;
    }
    if (const std::string_view state = set("XDG_STATE_HOME"); !state.empty()) {
        return std::string(state) + "/larder/" + instance;
    }
    if (const std::string_view home = set("HOME"); !home.empty() && ::geteuid() != 0) {
        return std::string(home) + "/.local/state/larder/" + instance;
    }
    return "/var/lib/larder/" + instance;
}

}  // namespace larder::store_lmdb
