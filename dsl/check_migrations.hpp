// dsl/check_migrations.hpp -- what turns values of an older version into values of the next.
#pragma once

#include "dsl/check_draft.hpp"
#include "dsl/check_values.hpp"

#include <optional>
#include <string>
#include <vector>

namespace larder::dsl {

// "address.zip" as the names it is made of; nothing: it has been said what is wrong with it.
std::optional<std::vector<std::string>> member_path(Draft& draft, const ast::Text& text);

// What a `migrate` clause says, whatever versions the namespace has.
Migration migration_of(Draft& draft, Values& values, const ast::MigrateClause& clause);

// Its versions are those of the namespace. Once, when all layers have been laid over it.
void check_migrations(Draft& draft, const Namespace& n, const Space& space);

}  // namespace larder::dsl
