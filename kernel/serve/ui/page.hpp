// kernel/serve/ui/page.hpp -- the files of the page for people, inside the program.
//
// Each is there twice: as it is, and compressed with brotli, which every browser takes from a secure
// address or its own machine. The texts live as long as the program.
#pragma once

#include <span>
#include <string_view>

namespace larder::serve {

struct PageFile {
    std::string_view name;    // "index.html", "views/policy.js"
    std::string_view type;    // of its content, as HTTP says it
    std::string_view tag;     // made of its content, with the quotes of an ETag
    std::string_view plain, brotli;
};

// In the order of their names. Without LARDER_UI: an index.html that says so.
std::span<const PageFile> page_files();

}  // namespace larder::serve
