// kernel/editor/params.cpp -- what a message says at a place of its JSON.
#include "kernel/editor/params.hpp"

#include <algorithm>
#include <limits>

namespace larder::editor {
namespace {

namespace json = boost::json;

const json::value* at(const json::value& from, std::string_view pointer) {
    json::error_code error;
    return from.find_pointer(pointer, error);
}

[[noreturn]] void lacks(std::string_view what, std::string_view pointer) {
    throw BadParams{std::string(what) + " is expected at " + std::string(pointer)};
}

std::uint32_t count_at(const json::value& from, const std::string& pointer) {
    const json::value* const value = at(from, pointer);
    if (value == nullptr || !value->is_int64()) lacks("a number", pointer);
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(value->get_int64(), 0, std::numeric_limits<std::int32_t>::max()));
}

}  // namespace

std::string need_text(const json::value& from, std::string_view pointer) {
    const json::value* const value = at(from, pointer);
    if (value == nullptr || !value->is_string()) lacks("a text", pointer);
    return std::string(value->get_string());
}

const json::array& need_list(const json::value& from, std::string_view pointer) {
    const json::value* const value = at(from, pointer);
    if (value == nullptr || !value->is_array()) lacks("a list", pointer);
    return value->get_array();
}

Position need_position(const json::value& from, std::string_view pointer) {
    const std::string place(pointer);
    return {count_at(from, place + "/line"), count_at(from, place + "/character")};
}

std::string text_in(const json::value& from, std::string_view pointer) {
    const json::value* const value = at(from, pointer);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number_in(const json::value& from, std::string_view pointer) {
    const json::value* const value = at(from, pointer);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

bool truth_in(const json::value& from, std::string_view pointer) {
    const json::value* const value = at(from, pointer);
    return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace larder::editor
