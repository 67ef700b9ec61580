// plugins/gateway_http/message.hpp -- the head of a request or an answer: its first line and its fields.
//
// One text and places in it, so that a head can be kept, moved and copied without a pointer to mend, and
// so that a connection parses request after request into the same memory.
#pragma once
#include "field_names.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::http {

struct Field {
    std::uint32_t at = 0;          // of the name, in the head's text
    std::uint16_t name_size = 0;
    Name name = Name::other;
    std::uint32_t value_at = 0, value_size = 0;
};

class Head {
  public:
    void clear() noexcept {
        text.clear();
        fields.clear();
        present.clear();
        status = 0;
        minor = 1;
        method_size = target_at = target_size = reason_at = reason_size = 0;
    }

    [[nodiscard]] std::string_view method() const noexcept { return part(0, method_size); }
    [[nodiscard]] std::string_view target() const noexcept { return part(target_at, target_size); }
    [[nodiscard]] std::string_view reason() const noexcept { return part(reason_at, reason_size); }
    [[nodiscard]] std::string_view name(const Field& field) const noexcept { return part(field.at, field.name_size); }
    [[nodiscard]] std::string_view value(const Field& field) const noexcept { return part(field.value_at, field.value_size); }

    [[nodiscard]] bool has(Name name) const noexcept { return present.has(name); }
    // Of the first field of that name; data() is NULL when there is none.
    [[nodiscard]] std::string_view first(Name name) const noexcept;
    [[nodiscard]] std::string_view first(std::string_view name) const noexcept;
    // All fields of that name joined with ", " (RFC 9110 5.3).
    [[nodiscard]] std::string joined(Name name) const;
    [[nodiscard]] std::string joined(std::string_view name) const;
    // Calls with the value of each.
    template <class F>
    void each(Name name, F&& call) const {
        if (!present.has(name)) return;
        for (const Field& field : fields)
            if (field.name == name) call(value(field));
    }
    // Whether one of the words in a list such as `Connection: close, TE` is this one.
    [[nodiscard]] bool lists(Name name, std::string_view lower_case) const;
    void add(std::string_view name, std::string_view value);

    std::string text;
    std::vector<Field> fields;
    Names present;
    std::uint16_t status = 0;  // of an answer
    std::uint8_t minor = 1;    // HTTP/1.minor
    std::uint32_t method_size = 0, target_at = 0, target_size = 0;  // of a request
    std::uint32_t reason_at = 0, reason_size = 0;                   // of an answer

  private:
    [[nodiscard]] std::string_view part(std::size_t at, std::size_t size) const noexcept { return {text.data() + at, size}; }
};

// Calls with each member of a comma-separated list, commas inside quoted strings left alone; empty
// members are skipped (RFC 9110 5.6.1).
template <class F>
void each_member(std::string_view list, F&& call) {
    std::size_t begin = 0;
    bool quoted = false;
    for (std::size_t i = 0; i <= list.size(); ++i) {
        if (i < list.size() && (quoted || list[i] != ',')) {
            if (quoted && list[i] == '\\') ++i;
            else if (list[i] == '"') quoted = !quoted;
            continue;
        }
        const std::string_view member = trimmed(list.substr(begin, std::min(i, list.size()) - begin));
        if (!member.empty()) call(member);
        begin = i + 1;
    }
}

}  // namespace larder::http
