// kernel/loader/lock_file.cpp -- which bytes a plugin had when somebody looked at it.
#include "kernel/loader/lock_file.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace larder::loader {
namespace {

constexpr std::size_t digits = 64;

bool is_line(std::string_view line) {
    return line.size() > digits + 2 && line.substr(digits, 2) == "  " &&
           line.substr(0, digits).find_first_not_of("0123456789abcdef") == line.npos;
}

}  // namespace

std::optional<LockedPlugins> read_lock_file(const std::string& path, std::string& problem) {
    std::ifstream file(path);
    if (!file) {
        problem = path + " cannot be read: " + std::strerror(errno);
        return std::nullopt;
    }
    LockedPlugins out;
    std::size_t number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        if (line.empty() || line.front() == '#') {
            continue;
        }
        if (!is_line(line)) {
            problem = path + ":" + std::to_string(number) +
                      ": expected a SHA-256, two blanks and a path, as `larder plugin lock` and "
                      "sha256sum write them";
            return std::nullopt;
        }
        out[line.substr(digits + 2)] = line.substr(0, digits);
    }
    return out;
}

std::string lock_text(const LockedPlugins& all) {
    std::string text;
    for (const auto& [path, hash] : all) {
        text.append(hash).append("  ").append(path).append("\n");
    }
    return text;
}

bool write_lock_file(const std::string& path, const LockedPlugins& all, std::string& problem) {
    const std::string beside = path + ".new";
    {
        std::ofstream file(beside, std::ios::trunc);
        file << lock_text(all);
        file.flush();
        if (!file) {
            problem = beside + " cannot be written: " + std::strerror(errno);
            return false;
        }
    }
    std::error_code error;
    std::filesystem::rename(beside, path, error);
    if (error) {
        problem = path + " cannot be written: " + error.message();
    }
    return !error;
}

std::string unlocked(const LockedPlugins& all, const std::string& lock_file,
                     const std::string& path, const std::string& sha256) {
    const auto known = all.find(path);
    if (known == all.end()) {
        return "is not in " + lock_file +
               ": when you have looked at it, `larder plugin lock --write` puts it there";
    }
    if (known->second != sha256) {
        return "is not what was locked: " + lock_file + " has sha256 " + known->second +
               ", the file has " + sha256 +
               "; put the old file back, or `larder plugin lock --write` when the change is meant";
    }
    return {};
}

}  // namespace larder::loader
