// kernel/editor/manual.hpp -- docs/policy-language.md by word: the page that explains a statement.
#pragma once

#include <string_view>

namespace larder::editor {

// The section of that word, `ttl` or `on`, without its heading and its rejected examples, in Markdown;
// empty for words without one.
std::string_view manual_of(std::string_view word);
// Its first sentence.
std::string_view summary_of(std::string_view word);

}  // namespace larder::editor
