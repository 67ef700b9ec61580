// kernel/loader/trust.cpp -- who could have put this file here: a plugin has the rights of the
// process.
#include "kernel/loader/trust.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace larder::loader {
namespace {

constexpr const char* remedy = "; install it elsewhere, or set trust_path = true for development";

bool judge(const std::filesystem::path& path, bool is_file, std::string& problem) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        problem = "cannot be judged: " + path.string() + ": " + std::strerror(errno);
        return false;
    }
    const std::string which = is_file ? "it" : path.string();
    if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
        problem = "is not trusted: " + which + " belongs to user " + std::to_string(info.st_uid) +
                  ", neither root nor the user larder runs as" + remedy;
        return false;
    }
    const bool open = (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    const bool sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0 && info.st_uid == 0;
    if (open && !sticky) {
        problem = "is not trusted: " + which + " can be written by others" + remedy;
        return false;
    }
    return true;
}

}  // namespace

bool is_trusted(const std::string& path, std::string& problem) {
    std::error_code error;
    const auto real = std::filesystem::canonical(path, error);
    if (error) {
        problem = "cannot be judged: " + error.message();
        return false;
    }
    if (!judge(real, true, problem)) {
        return false;
    }
    for (auto folder = real.parent_path();; folder = folder.parent_path()) {
        if (!judge(folder, false, problem)) {
            return false;
        }
        if (folder == folder.root_path()) {
            return true;
        }
    }
}

}  // namespace larder::loader
