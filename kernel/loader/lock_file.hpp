// kernel/loader/lock_file.hpp -- which bytes a plugin had when somebody looked at it.
//
// A line each, as sha256sum writes and checks them: 64 hexadecimal digits, two blanks, the path.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace larder::loader {

using LockedPlugins = std::map<std::string, std::string>;  // path -> SHA-256

// Nullopt: `problem` is one line with the file's name, and the line's number where one is wrong.
std::optional<LockedPlugins> read_lock_file(const std::string& path, std::string& problem);
// Beside its place first, then moved there. False: `problem` as above.
bool write_lock_file(const std::string& path, const LockedPlugins& all, std::string& problem);
std::string lock_text(const LockedPlugins& all);

// Empty: `path` is in the list with this hash. Else what is wrong and what to do, without its name.
std::string unlocked(const LockedPlugins& all, const std::string& lock_file,
                     const std::string& path, const std::string& sha256);

}  // namespace larder::loader
