// kernel/loader/sealed_file.cpp -- a file's bytes as they were once read, which nobody changes any more.
#include "kernel/loader/sealed_file.hpp"

#include <larder/sha256.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>

namespace larder::loader {
namespace {

constexpr off_t most_bytes = off_t{1} << 30;
constexpr unsigned executable = 0x10;  // MFD_EXEC, which kernels before 6.3 do not know

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

int make_memory_file(const std::string& path) {
    const std::string name = path.substr(path.rfind('/') + 1);
    const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    const int fd = ::memfd_create(name.c_str(), flags | executable);
    return fd < 0 && errno == EINVAL ? ::memfd_create(name.c_str(), flags) : fd;
}

bool copy(int from, int to) {
    char piece[1 << 16];
    for (;;) {
        const ssize_t n = ::read(from, piece, sizeof piece);
        if (n == 0) {
            return true;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 || ::write(to, piece, static_cast<std::size_t>(n)) != n) {
            return false;
        }
    }
}

// Of the bytes as they will be loaded: taken from the sealed file itself.
std::string hash_of(int fd) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) {
        return {};
    }
    if (info.st_size == 0) {
        return sha256_hex({});
    }
    const auto size = static_cast<std::size_t>(info.st_size);
    void* const bytes = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        return {};
    }
    std::string hash = sha256_hex({static_cast<const char*>(bytes), size});
    ::munmap(bytes, size);
    return hash;
}

}  // namespace

SealedFile::~SealedFile() { ::close(fd_); }

std::shared_ptr<const SealedFile> SealedFile::read(const std::string& path, std::string& problem) {
    const auto failed = [&](const char* what) {
        problem = std::string(what) + ": " + std::strerror(errno);
        return nullptr;
    };
    const Descriptor from(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat info {};
    if (from.get() < 0 || ::fstat(from.get(), &info) != 0) {
        return failed("cannot be read");
    }
    if (!S_ISREG(info.st_mode) || info.st_size > most_bytes) {
        problem = "is not a file of at most 1 GiB";
        return nullptr;
    }
    const int fd = make_memory_file(path);
    if (fd < 0) {
        return failed("is pinned, and cannot be loaded from memory");
    }
    std::shared_ptr<SealedFile> sealed(new SealedFile(fd));
    constexpr int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    if (!copy(from.get(), fd) || ::fcntl(fd, F_ADD_SEALS, seals) != 0) {
        return failed("is pinned, and cannot be copied into memory");
    }
    sealed->sha256_ = hash_of(fd);
    if (sealed->sha256_.empty()) {
        return failed("cannot be hashed");
    }
    static std::mutex mutex;
    static auto& all = *new std::map<std::string, std::shared_ptr<const SealedFile>, std::less<>>;
    const std::lock_guard lock(mutex);
    return all.try_emplace(sealed->sha256_, sealed).first->second;
}

}  // namespace larder::loader
