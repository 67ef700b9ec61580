// tests/unit/postgres_wire/statement_test.cpp -- names become parameters, and nothing else does.
#include "plugins/postgres_wire/session.hpp"
#include "plugins/postgres_wire/statement.hpp"
#include "tests/catch.hpp"

using larder::postgres_wire::Statement;

TEST_CASE("each name is a parameter, one that comes twice is the same one", "[sql]") {
    const Statement s = Statement::parse("INSERT INTO t VALUES ({id}, {value}) ON CONFLICT DO UPDATE SET v = {value} WHERE id = {id}");
    CHECK(s.sql == "INSERT INTO t VALUES ($1, $2) ON CONFLICT DO UPDATE SET v = $2 WHERE id = $1");
    CHECK(s.names == std::vector<std::string>{"id", "value"});
}

TEST_CASE("doubled braces are braces, and a text without names has no parameters", "[sql]") {
    CHECK(Statement::parse("SELECT '{{1,2}}'").sql == "SELECT '{1,2}'");
    CHECK(Statement::parse("SELECT 1").names.empty());
    CHECK(Statement::parse("SELECT '{{' || {a} || '}}'").sql == "SELECT '{' || $1 || '}'");
}

TEST_CASE("a brace that is open, closed by nothing or empty makes no statement", "[sql]") {
    for (const char* text : {"SELECT {a", "SELECT a}", "SELECT {}", "{", "}"}) {
        INFO(text);
        CHECK(Statement::parse(text).sql.empty());
    }
}

TEST_CASE("a server's name for messages has no password", "[sql]") {
    using larder::postgres_wire::shown_server;
    CHECK(shown_server("postgresql://me:secret@db:5432/app?sslmode=require&password=x") == "postgres db:5432/app");
    CHECK(shown_server("postgresql:///app?host=/run") == "postgres /app");
    CHECK(shown_server("postgresql://") == "postgres by its defaults");
}
