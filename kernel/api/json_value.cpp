// kernel/api/json_value.cpp -- see json_value.hpp.
#include "kernel/api/json_value.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>

namespace larder {
namespace {

namespace json = boost::json;

// Builds what the parser comes upon. Its names are the parser's.
class Builder {
  public:
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::uint32_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::uint32_t>::max();

    bool on_document_begin(json::error_code&) {
        stack_.reset();
        return true;
    }
    bool on_document_end(json::error_code&) { return true; }
    bool on_array_begin(json::error_code&) { return true; }
    bool on_array_end(std::size_t n, json::error_code&) {
        stack_.push_array(n);
        return true;
    }
    bool on_object_begin(json::error_code&) { return true; }
    bool on_object_end(std::size_t n, json::error_code&) {
        stack_.push_object(n);
        return true;
    }
    bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
        stack_.push_chars(part);
        return true;
    }
    bool on_string(json::string_view rest, std::size_t, json::error_code&) {
        stack_.push_string(rest);
        return true;
    }
    bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
        stack_.push_chars(part);
        return true;
    }
    bool on_key(json::string_view rest, std::size_t, json::error_code&) {
        stack_.push_key(rest);
        return true;
    }
    bool on_number_part(json::string_view part, json::error_code&) {
        number_.append(part.data(), part.size());
        return true;
    }
    bool on_int64(std::int64_t number, json::string_view, json::error_code&) {
        number_.clear();
        stack_.push_int64(number);
        return true;
    }
    bool on_uint64(std::uint64_t number, json::string_view, json::error_code&) {
        number_.clear();
        stack_.push_uint64(number);
        return true;
    }
    bool on_double(double near, json::string_view rest, json::error_code&) {
        number_.append(rest.data(), rest.size());
        double exact = near;  // beyond what doubles hold it is an infinity, or 0
        const auto read = std::from_chars(number_.data(), number_.data() + number_.size(), exact);
        if (read.ec != std::errc{}) exact = near;
        number_.clear();
        stack_.push_double(exact);
        return true;
    }
    bool on_bool(bool truth, json::error_code&) {
        stack_.push_bool(truth);
        return true;
    }
    bool on_null(json::error_code&) {
        stack_.push_null();
        return true;
    }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }

    json::value take() { return stack_.release(); }

  private:
    json::value_stack stack_;
    std::string number_;
};

}  // namespace

std::optional<json::value> read_json(std::string_view text) {
    constexpr std::size_t deepest = 64;
    json::parse_options options;
    options.max_depth = deepest;
    json::basic_parser<Builder> parser(options);
    json::error_code error;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
    if (error || read != text.size() || !parser.done()) return std::nullopt;
    return parser.handler().take();
}

}  // namespace larder
