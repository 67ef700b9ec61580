// kernel/editor/policy_text.cpp -- policy texts in the file system.
#include "kernel/editor/policy_text.hpp"

#include "dsl/source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace larder::editor {
namespace {

namespace fs = std::filesystem;

std::string reason() { return std::strerror(errno); }

// Closed and, unless kept, gone with its scope.
class Draft {
  public:
    explicit Draft(const std::string& target) : path_(target + ".XXXXXX") {
        fd_ = ::mkostemp(path_.data(), O_CLOEXEC);
    }
    ~Draft() {
        if (fd_ < 0) return;
        ::close(fd_);
        if (!kept_) ::unlink(path_.c_str());
    }
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;

    bool is_open() const { return fd_ >= 0; }
    bool write(std::string_view text) {
        while (!text.empty()) {
            const ssize_t written = ::write(fd_, text.data(), text.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(written));
        }
        return true;
    }
    // A reader after a crash must not find an empty file: data first, name second.
    bool take_place_of(const std::string& target) {
        struct stat old {};
        const bool known = ::stat(target.c_str(), &old) == 0;
        kept_ = ::fchmod(fd_, known ? old.st_mode & 07777 : 0644) == 0 && ::fsync(fd_) == 0 &&
                ::rename(path_.c_str(), target.c_str()) == 0;
        return kept_;
    }

  private:
    std::string path_;
    int fd_;
    bool kept_ = false;
};

}  // namespace

std::optional<std::vector<std::string>> policy_paths(const std::vector<std::string>& files_and_folders,
                                                     std::string& why) {
    std::vector<std::string> out;
    for (const std::string& path : files_and_folders) {
        std::error_code error;
        if (!fs::is_directory(path, error)) {
            out.push_back(path);
            continue;
        }
        std::vector<std::string> inside;
        for (fs::recursive_directory_iterator i(path, error), end; !error && i != end; i.increment(error)) {
            std::error_code ignored;
            if (i->path().extension() == ".larder" && i->is_regular_file(ignored))
                inside.push_back(i->path().string());
        }
        if (error) {
            why = path + ": " + error.message();
            return std::nullopt;
        }
        std::sort(inside.begin(), inside.end());
        out.insert(out.end(), inside.begin(), inside.end());
    }
    return out;
}

std::optional<std::string> read_text(const std::string& path, std::string& why, std::size_t most) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        why = reason();
        return std::nullopt;
    }
    std::string text;
    std::string part(std::size_t{64} << 10, '\0');
    ssize_t size = 0;
    while (text.size() <= most) {
        size = ::read(fd, part.data(), part.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        text.append(part, 0, static_cast<std::size_t>(size));
    }
    if (size < 0) why = reason();
    ::close(fd);
    if (size < 0) return std::nullopt;
    return text;
}

bool replace_text(const std::string& path, std::string_view text, std::string& why) {
    std::error_code error;
    const fs::path target = fs::canonical(path, error);
    const std::string name = error ? path : target.string();
    Draft draft(name);
    if (draft.is_open() && draft.write(text) && draft.take_place_of(name)) return true;
    why = reason();
    return false;
}

}  // namespace larder::editor
