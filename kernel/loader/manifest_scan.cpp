// kernel/loader/manifest_scan.cpp -- finding the manifest's text in a file that may hold anything.
#include "kernel/loader/manifest.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace larder::loader {
namespace {

constexpr std::size_t piece_bytes = std::size_t{1} << 20;
constexpr std::size_t manifest_bytes = std::size_t{256} << 10;
constexpr std::size_t file_bytes = std::size_t{1} << 30;
constexpr std::string_view begin_mark = LARDER_MANIFEST_BEGIN;
constexpr std::string_view end_mark = LARDER_MANIFEST_END;

class File {
  public:
    explicit File(const std::string& path)
        : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
    ~File() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    bool open() const { return fd_ >= 0; }
    bool regular() const {
        struct stat info {};
        return ::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode);
    }
    // As much as there is of `size` bytes at `offset`.
    std::string_view read(std::size_t offset, std::size_t size) {
        buffer_.resize(size);
        std::size_t have = 0;
        while (have < size) {
            const ssize_t n =
                ::pread(fd_, buffer_.data() + have, size - have, static_cast<off_t>(offset + have));
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n <= 0) {
                break;
            }
            have += static_cast<std::size_t>(n);
        }
        return {buffer_.data(), have};
    }

  private:
    int fd_;
    std::string buffer_;
};

// Empty: a shared library that this machine's linker would look at.
std::string_view not_loadable(std::string_view head) {
    Elf64_Ehdr header{};
    if (head.size() < sizeof header || std::memcmp(head.data(), ELFMAG, SELFMAG) != 0) {
        return "is not an ELF file";
    }
    std::memcpy(&header, head.data(), sizeof header);
    if (header.e_ident[EI_CLASS] != (sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32)) {
        return "is an ELF file for another word size";
    }
    if (header.e_type != ET_DYN) {
        return "is an ELF file, but not a shared library";
    }
#if defined(__x86_64__)
    constexpr Elf64_Half machine = EM_X86_64;
#elif defined(__aarch64__)
    constexpr Elf64_Half machine = EM_AARCH64;
#else
    const Elf64_Half machine = header.e_machine;
#endif
    if (header.e_machine != machine) {
        return "is an ELF file for another machine";
    }
    return {};
}

// The offset behind the next begin mark at or after `from`; npos: there is none.
std::size_t find_begin(File& file, std::size_t from) {
    for (std::size_t at = from; at < file_bytes; at += piece_bytes) {
        // A mark that lies across two pieces is whole in the longer view of the first.
        const std::string_view piece = file.read(at, piece_bytes + begin_mark.size() - 1);
        if (const auto hit = piece.find(begin_mark); hit != std::string_view::npos) {
            return at + hit + begin_mark.size();
        }
        if (piece.size() < piece_bytes) {
            break;
        }
    }
    return std::string_view::npos;
}

}  // namespace

std::optional<Manifest> read_manifest(const std::string& path, std::string& problem) {
    File file(path);
    if (!file.open()) {
        problem = std::string("cannot be read: ") + std::strerror(errno);
        return std::nullopt;
    }
    if (!file.regular()) {
        problem = "is not a file";
        return std::nullopt;
    }
    if (const auto reason = not_loadable(file.read(0, sizeof(Elf64_Ehdr))); !reason.empty()) {
        problem = reason;
        return std::nullopt;
    }
    // A program that reads manifests contains the marks as constants: with a NUL behind them.
    for (std::size_t at = find_begin(file, 0); at != std::string_view::npos;
         at = find_begin(file, at)) {
        std::string_view body = file.read(at, manifest_bytes + end_mark.size());
        body = body.substr(0, body.find('\0'));
        if (const auto end = body.find(end_mark); end != std::string_view::npos) {
            return parse_manifest(std::string(body.substr(0, end)), problem);
        }
    }
    problem = "has no manifest: it is not a larder plugin";
    return std::nullopt;
}

}  // namespace larder::loader
