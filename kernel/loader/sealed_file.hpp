// kernel/loader/sealed_file.hpp -- a file's bytes as they were once read, which nobody changes any more.
//
// A hash that is taken of a path says nothing of what the dynamic linker reads from that path a moment
// later. So what is pinned is read once into a sealed memory file (memfd_create(2)), hashed there, and
// loaded from there. Its name is /proc/self/fd/N, and the linker takes equal names for the same
// library: each content is kept once, and for as long as the process, as its code is.
//
// The price: the plugin's size in memory that no other process shares, and a library that looks for
// others beside itself ($ORIGIN) does not find them.
#pragma once

#include <memory>
#include <string>

namespace larder::loader {

class SealedFile {
  public:
    // Null: `problem` is one line without the file's name. [any thread]
    static std::shared_ptr<const SealedFile> read(const std::string& path, std::string& problem);
    SealedFile(const SealedFile&) = delete;
    SealedFile& operator=(const SealedFile&) = delete;
    ~SealedFile();

    const std::string& path() const { return path_; }      // "/proc/self/fd/7"
    const std::string& sha256() const { return sha256_; }  // 64 hexadecimal digits

  private:
    explicit SealedFile(int fd) : fd_(fd), path_("/proc/self/fd/" + std::to_string(fd)) {}
    int fd_;
    std::string path_;
    std::string sha256_;
};

}  // namespace larder::loader
