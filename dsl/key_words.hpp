// dsl/key_words.hpp -- how keys should be written, for policies and for keys that are there already.
//
// `menu:item:123`: parts that say from the outside in what it is, parted by `:`, the thing's id among
// them. What can be judged of a text alone stands here; check_keys.cpp looks at the keys of a policy,
// key_list.cpp at a list of live ones.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace larder::dsl {

// Letters, digits and `: _ - . /`; anything else has to be quoted or escaped by somebody.
bool plain_key_byte(char c);
// The first byte that is not, with `%41` taken as the escape that larder writes; npos: none.
std::size_t special_in(std::string_view key);
// A byte as a message shows it: `$`, or byte 0x1B.
std::string shown_byte(char c);

// What two spellings of one word have in common: `Users`, `user`, `USER` are one.
std::string stem_of(std::string_view word);

// Whether a fixed text names one thing of many: `item123`, `data_jan`, `2024-01`.
bool names_one_thing(std::string_view text);

}  // namespace larder::dsl
