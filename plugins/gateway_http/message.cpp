// plugins/gateway_http/message.cpp -- see message.hpp.
#include "message.hpp"

namespace larder::http {

std::string_view Head::first(Name name) const noexcept {
    if (present.has(name))
        for (const Field& field : fields)
            if (field.name == name) return value(field);
    return {};
}

std::string_view Head::first(std::string_view wanted) const noexcept {
    for (const Field& field : fields)
        if (same_ignoring_case(name(field), wanted)) return value(field);
    return {};
}

std::string Head::joined(Name name) const {
    std::string out;
    each(name, [&](std::string_view value) {
        if (!out.empty()) out += ", ";
        out += value;
    });
    return out;
}

std::string Head::joined(std::string_view wanted) const {
    std::string out;
    for (const Field& field : fields) {
        if (!same_ignoring_case(name(field), wanted)) continue;
        if (!out.empty()) out += ", ";
        out += value(field);
    }
    return out;
}

bool Head::lists(Name name, std::string_view lower_case) const {
    bool found = false;
    each(name, [&](std::string_view value) {
        each_member(value, [&](std::string_view member) { found = found || same_word(member, lower_case); });
    });
    return found;
}

void Head::add(std::string_view name, std::string_view value) {
    Field field;
    field.at = static_cast<std::uint32_t>(text.size());
    field.name_size = static_cast<std::uint16_t>(name.size());
    field.name = name_of(name);
    text.append(name).append(": ");
    field.value_at = static_cast<std::uint32_t>(text.size());
    field.value_size = static_cast<std::uint32_t>(value.size());
    text.append(value).append("\r\n");
    fields.push_back(field);
    present.add(field.name);
}

}  // namespace larder::http
