// kernel/editor/params.hpp -- what a message says at a place of its JSON, or that it does not.
#pragma once

#include "kernel/editor/position.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace larder::editor {

struct BadParams {
    std::string what;
};

// `pointer` is a JSON pointer (RFC 6901). need_... throw BadParams where there is nothing of that kind;
// ..._in take that as empty, 0 or false.
std::string need_text(const boost::json::value& from, std::string_view pointer);
const boost::json::array& need_list(const boost::json::value& from, std::string_view pointer);
Position need_position(const boost::json::value& from, std::string_view pointer);
std::string text_in(const boost::json::value& from, std::string_view pointer);
std::int64_t number_in(const boost::json::value& from, std::string_view pointer);
bool truth_in(const boost::json::value& from, std::string_view pointer);

}  // namespace larder::editor
