// plugins/warmer_predictive/history_file.hpp -- what was learnt, as one file that is whole or the one before.
//
// "larder patterns 1\n", the size and the hash of what follows, and that. It is written beside itself, synced and
// renamed. One that is cut, damaged or of another version is not read, and said to be so.
#pragma once

#include <string>
#include <string_view>

namespace larder::warmer_predictive {

// False: why says what is wrong. A file that is not there is an empty text.
bool read_history(const std::string& path, std::string& text, std::string& why);
bool write_history(const std::string& path, std::string_view text, std::string& why);

}  // namespace larder::warmer_predictive
