// kernel/api/state_folder.cpp -- a folder in which a kernel remembers what outlives it.
#include "kernel/api/state_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace larder::api {
namespace {

constexpr const char* lock_name = "lock";
constexpr const char* unfinished = ".new";

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return ::fsync(fd) == 0;
}

// So that the move of a file in it outlives a loss of power.
void sync_folder(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

}  // namespace

std::unique_ptr<StateFolder> StateFolder::open(const std::string& path, std::string& problem) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        problem = path + " cannot be made: " + std::strerror(errno);
        return nullptr;
    }
    const int lock = ::open((path + "/" + lock_name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) {
        problem = path + ": " + std::strerror(errno);
        return nullptr;
    }
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        problem = path + " belongs to another kernel that runs";
        ::close(lock);
        return nullptr;
    }
    std::unique_ptr<StateFolder> out(new StateFolder(path, lock));
    for (const std::string& name : out->names())
        if (name.ends_with(unfinished)) out->remove(name);
    return out;
}

StateFolder::~StateFolder() { ::close(lock_); }

bool StateFolder::write(const std::string& name, std::string_view bytes, std::string& problem) {
    const std::string place = path_ + "/" + name, beside = place + unfinished;
    const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = fd >= 0 && write_all(fd, bytes);
    const int why = errno;
    if (fd >= 0) ::close(fd);
    if (good && ::rename(beside.c_str(), place.c_str()) == 0) {
        sync_folder(path_);
        return true;
    }
    problem = place + ": " + std::strerror(good ? errno : why);
    ::unlink(beside.c_str());
    return false;
}

std::optional<std::string> StateFolder::read(const std::string& name, std::size_t most) const {
    const std::string place = path_ + "/" + name;
    std::error_code error;
    const auto size = std::filesystem::file_size(place, error);
    if (error || size > most) return std::nullopt;
    std::ifstream in(place, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf() || size == 0)) return std::nullopt;
    return text.str();
}

void StateFolder::remove(const std::string& name) { ::unlink((path_ + "/" + name).c_str()); }

std::vector<std::string> StateFolder::names() const {
    std::vector<std::string> out;
    std::error_code error;
    for (std::filesystem::directory_iterator it(path_, error), end; !error && it != end; it.increment(error))
        if (const std::string name = it->path().filename().string(); name != lock_name) out.push_back(name);
    return out;
}

}  // namespace larder::api
