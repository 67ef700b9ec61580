// kernel/editor/manual_page.hpp -- docs/policy-language.md, as the build found it.
#pragma once

#include <string_view>

namespace larder::editor {

std::string_view manual_page();

}  // namespace larder::editor
