// plugins/redis_wire/words.hpp -- a request as RESP: a head, then so many words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace larder::redis_wire {

void write_head(std::string& wire, std::size_t words);
void write_word(std::string& wire, std::string_view text);
void write_number(std::string& wire, std::uint64_t value);
// A whole request of texts.
void write_words(std::string& wire, std::initializer_list<std::string_view> words);

}  // namespace larder::redis_wire
