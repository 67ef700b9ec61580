// kernel/policy_test/file_watch.cpp -- folders under inotify.
#include "kernel/policy_test/file_watch.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace larder::policy_test {
namespace {

constexpr std::uint32_t changes =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
constexpr auto longest_quiet = std::chrono::milliseconds(2000);  // somebody who never stops is heard, too

std::string folder_of(const std::filesystem::path& file) {
    const std::string folder = file.parent_path().string();
    return folder.empty() ? "." : folder;
}

}  // namespace

FileWatch::FileWatch() : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

FileWatch::~FileWatch() {
    if (fd_ >= 0) ::close(fd_);
}

bool FileWatch::add(const std::vector<std::string>& files, const std::vector<std::string>& folders) {
    const auto folder = [&](const std::string& name) -> Folder* {
        const int wd = fd_ < 0 ? -1 : ::inotify_add_watch(fd_, name.c_str(), changes);
        return wd < 0 ? nullptr : &folders_[wd];
    };
    for (const std::string& name : folders)
        if (Folder* const of = folder(name)) of->all = true;
    for (const std::string& file : files) {
        const std::filesystem::path path(file);
        if (Folder* const of = folder(folder_of(path))) of->names.insert(path.filename().string());
    }
    return !folders_.empty();
}

bool FileWatch::drain() {
    alignas(inotify_event) char buffer[16384];
    bool ours = false;
    for (ssize_t size = ::read(fd_, buffer, sizeof buffer); size > 0;
         size = ::read(fd_, buffer, sizeof buffer)) {
        for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
            inotify_event event{};
            std::memcpy(&event, buffer + at, sizeof event);
            const std::string_view name(event.len == 0 ? "" : buffer + at + sizeof event);
            at += sizeof event + event.len;
            if ((event.mask & IN_Q_OVERFLOW) != 0) ours = true;  // who knows
            const auto folder = folders_.find(event.wd);
            if (folder == folders_.end()) continue;
            ours = ours || (folder->second.all && name.ends_with(".larder")) ||
                   folder->second.names.count(std::string(name)) != 0;
        }
    }
    return ours;
}

bool FileWatch::poll(std::chrono::milliseconds most) const {
    pollfd one{fd_, POLLIN, 0};
    return ::poll(&one, 1, most.count() < 0 ? -1 : static_cast<int>(most.count())) > 0;
}

bool FileWatch::wait(std::chrono::milliseconds most, std::chrono::milliseconds quiet) {
    if (fd_ < 0) return false;
    bool ours = drain();
    while (!ours) {
        if (!poll(most)) return false;
        ours = drain();
        if (most.count() >= 0) break;  // a foreign file moved: who set a limit is asked again
    }
    if (!ours) return false;
    if (quiet.count() <= 0) return true;
    for (auto waited = std::chrono::milliseconds(0); waited < longest_quiet && poll(quiet);
         waited += quiet)
        drain();
    return true;
}

}  // namespace larder::policy_test
