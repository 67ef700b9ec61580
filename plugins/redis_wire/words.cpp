// plugins/redis_wire/words.cpp -- see words.hpp.
#include "words.hpp"

#include <charconv>

namespace larder::redis_wire {
namespace {

void head(std::string& wire, char mark, std::uint64_t number) {
    char text[24];
    text[0] = mark;
    char* const end = std::to_chars(text + 1, text + sizeof text - 2, number).ptr;
    end[0] = '\r';
    end[1] = '\n';
    wire.append(text, static_cast<std::size_t>(end + 2 - text));
}

}  // namespace

void write_head(std::string& wire, std::size_t words) { head(wire, '*', words); }

void write_word(std::string& wire, std::string_view text) {
    head(wire, '$', text.size());
    wire.append(text);
    wire.append("\r\n", 2);
}

void write_number(std::string& wire, std::uint64_t value) {
    char text[24];
    write_word(wire, {text, static_cast<std::size_t>(
                                std::to_chars(text, text + sizeof text, value).ptr - text)});
}

void write_words(std::string& wire, std::initializer_list<std::string_view> words) {
    write_head(wire, words.size());
    for (const std::string_view word : words) {
        write_word(wire, word);
    }
}

}  // namespace larder::redis_wire
