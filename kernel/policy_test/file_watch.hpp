// kernel/policy_test/file_watch.hpp -- waits until somebody has saved a policy.
//
// Folders are watched, not files: most editors write a new file and rename it over the old one, and a
// watch on the old one would see nothing ever after (inotify(7)). A file that comes and goes under the
// same name is the same file to us.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace larder::policy_test {

class FileWatch {
  public:
    FileWatch();
    ~FileWatch();
    FileWatch(const FileWatch&) = delete;
    FileWatch& operator=(const FileWatch&) = delete;

    // Adds what is not watched yet: these files, and every *.larder right in these folders. A folder
    // that cannot be watched is left out. False: nothing can be watched here.
    bool add(const std::vector<std::string>& files, const std::vector<std::string>& folders);
    // True: one of them was written, renamed or removed since the last call, and nothing more of it came
    // for `quiet`. False: `most` is over; a negative one never is.
    bool wait(std::chrono::milliseconds most, std::chrono::milliseconds quiet);

  private:
    struct Folder {
        bool all = false;  // every policy in it
        std::set<std::string> names;
    };
    bool drain();  // whether one of ours was among the events
    bool poll(std::chrono::milliseconds most) const;

    int fd_;
    std::map<int, Folder> folders_;  // by watch descriptor
};

}  // namespace larder::policy_test
