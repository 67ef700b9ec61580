// plugins/postgres_wire/statement.hpp -- `SELECT v FROM t WHERE id = {id}` as Postgres takes it: `... id = $1`.
//
// A name stands for a parameter of the statement, never for a text in it: whatever its value is, it is a
// value. A name that comes twice is one parameter. Doubled braces are braces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace larder::postgres_wire {

struct Statement {
    std::string sql;
    std::vector<std::string> names;  // of $1, $2, ...

    // Empty sql: a brace is open, or a name is empty.
    static Statement parse(std::string_view text);
};

}  // namespace larder::postgres_wire
