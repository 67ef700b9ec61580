// dsl/format/printer.hpp -- a layout written down in larder's one style.
//
// Everything that decides where a line ends is a fact that the printed text keeps: which blocks were
// on one line, where blank lines and comments were, and how wide the words are. So printing what was
// printed gives the same text again. Columns are code points.
#pragma once

#include "dsl/format/layout.hpp"

#include <string>

namespace larder::dsl::format {

std::string print(const Block& file);

}  // namespace larder::dsl::format
