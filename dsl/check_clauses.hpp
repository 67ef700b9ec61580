// dsl/check_clauses.hpp -- the statements of a namespace: what each one sets, and how often it may.
//
// A namespace is made of layers: what `defaults` say, its own body, then the bodies that the chosen
// profile has for it. `tag` and `with` add, all else replaces what a layer below has set.
#pragma once

#include "dsl/check_draft.hpp"
#include "dsl/check_values.hpp"

#include <map>
#include <string>
#include <vector>

namespace larder::dsl {

enum class Layer : std::uint8_t { defaults, own, profile };

class Clauses {
  public:
    Clauses(Draft& draft, Values& values) : draft_(draft), values_(values) {}

    void apply(Namespace& n, Space& space, const std::vector<ast::Clause>& body, Layer layer);
    // A copy that is said to outlive its entry. Only what the namespace itself says is held against
    // it. Once, after its layers.
    void check_tiers(const Namespace& n, const Space& space);

  private:
    using Seen = std::map<std::string, Span>;  // first places in one body

    // Whether one more fits; an error at it otherwise.
    bool fits(std::size_t size, Span at, const char* code, const char* what);
    void once(Seen& seen, const std::string& what, Span at, const std::string& whose);
    void apply_ttl(Namespace& n, Space& space, const ast::TtlClause& k, bool& begun);
    void apply_limit(Namespace& n, const ast::LimitClause& k, bool& begun, Seen& seen,
                     const std::string& whose);
    void apply_tiers(Namespace& n, const ast::TiersClause& k);
    void apply_stale(Namespace& n, const ast::StaleClause& k);
    void apply_rest(Namespace& n, Space& space, const ast::Clause& c, Seen& seen, const std::string& whose,
                    Layer layer);
    void apply_version(Namespace& n, const ast::VersionClause& k);
    // Values of another version need other migrations: what was inherited is not for them.
    static void forget_migrations(Namespace& n, Space& space, const std::vector<ast::Clause>& body);

    Draft& draft_;
    Values& values_;
    const ast::TiersClause* own_tiers_ = nullptr;  // of the namespace that is being made
};

// What larder.toml would have to offer; silent without a catalog.
void check_store(Draft& draft, std::string_view name, Span at);
void check_codec(Draft& draft, const Compression& c, Span at,
                 const std::vector<ast::Option>& options);

// Shared with sessions and warm items.
Ttl ttl_of(Values& values, const ast::TtlClause& clause, const Draft& draft);
NeverStore withheld_by(Draft& draft, const ast::NeverStoreClause& clause);
Compression compression_of(Draft& draft, Values& values, const ast::CompressClause& clause);
std::vector<Option> options_of(Draft& draft, Values& values,
                               const std::vector<ast::Option>& options);

}  // namespace larder::dsl
