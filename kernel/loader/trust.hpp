// kernel/loader/trust.hpp -- who could have put this file here: a plugin has the rights of the
// process.
#pragma once

#include <string>

namespace larder::loader {

// Whether nobody but root and the user of this process can change what `path` leads to: the file
// and every folder above it are owned by one of the two, and neither group nor others may write
// them. Sticky folders of root (/tmp) pass: nobody can rename another's file there. Symbolic links
// are followed first. False: `problem` is one line without the file's name.
bool is_trusted(const std::string& path, std::string& problem);

}  // namespace larder::loader
