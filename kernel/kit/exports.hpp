// kernel/kit/exports.hpp -- the names that a shared library offers to others and needs of them, read from the file.
#pragma once

#include <string>
#include <vector>

namespace larder::kit {

// The defined dynamic symbols of a 64-bit ELF file, by name; empty also where it is none. Runs nothing of it, and reads
// nothing outside of it whatever it holds.
std::vector<std::string> exported_symbols(const std::string& path);

// The libraries it names (DT_NEEDED), in their order; as above.
std::vector<std::string> needed_libraries(const std::string& path);

}  // namespace larder::kit
