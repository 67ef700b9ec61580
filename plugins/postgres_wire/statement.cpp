// plugins/postgres_wire/statement.cpp -- see statement.hpp.
#include "statement.hpp"

#include <algorithm>

namespace larder::postgres_wire {

Statement Statement::parse(std::string_view text) {
    Statement out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c != '{' && c != '}') {
            out.sql += c;
            continue;
        }
        if (i + 1 < text.size() && text[i + 1] == c) {
            out.sql += c;
            ++i;
            continue;
        }
        const std::size_t end = c == '{' ? text.find('}', i) : std::string_view::npos;
        if (end == std::string_view::npos || end == i + 1) {
            return {};
        }
        const std::string_view name = text.substr(i + 1, end - i - 1);
        auto at = std::find(out.names.begin(), out.names.end(), name);
        if (at == out.names.end()) {
            at = out.names.insert(at, std::string(name));
        }
        out.sql += "$" + std::to_string(at - out.names.begin() + 1);
        i = end;
    }
    return out;
}

}  // namespace larder::postgres_wire
