// kernel/editor/policy_text.hpp -- policy texts in the file system: found, read, replaced whole.
#pragma once

#include "dsl/source.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::editor {

// The files themselves, and every *.larder below the folders, in the order of their names. `why`
// says what cannot be looked into. Symbolic links to folders are not followed.
std::optional<std::vector<std::string>> policy_paths(const std::vector<std::string>& files_and_folders,
                                                     std::string& why);

// Nullopt: `why` says what the system said. At most as much as `most` and a little more, which tells
// the reader that the file is longer: of a policy 8 MiB, and the parser then refuses it.
std::optional<std::string> read_text(const std::string& path, std::string& why,
                                     std::size_t most = dsl::SourceMap::max_file_bytes);

// Whoever reads meanwhile sees the old text or the new one, never half of one: it is written beside
// the file, which keeps its mode, and takes its place. A symbolic link stays one: what it points at is
// replaced.
bool replace_text(const std::string& path, std::string_view text, std::string& why);

}  // namespace larder::editor
