// kernel/api/state_folder.hpp -- a folder in which a kernel remembers what outlives it.
//
// Files are written beside their place and moved there, so that after a crash of any kind each is what it
// was before or what it is after. One kernel at a time: the folder is locked as long as it is open.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::api {

class StateFolder {
  public:
    // Makes the folder (0700) where it is not there. Null: `problem` says why, or who else has it.
    static std::unique_ptr<StateFolder> open(const std::string& path, std::string& problem);
    ~StateFolder();
    StateFolder(const StateFolder&) = delete;
    StateFolder& operator=(const StateFolder&) = delete;

    // Names are plain file names. Blocks for the disk.
    bool write(const std::string& name, std::string_view bytes, std::string& problem);
    std::optional<std::string> read(const std::string& name, std::size_t most) const;  // nullopt: not there, or larger
    void remove(const std::string& name);
    std::vector<std::string> names() const;
    const std::string& path() const { return path_; }

  private:
    StateFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
    std::string path_;
    int lock_;
};

}  // namespace larder::api
