// dsl/check_draft.hpp -- a policy on its way from trees to Policy, with the place of everything.
//
// The passes (check_*.cpp) fill the Policy and note here where each part was written; what only a
// message needs stays here and never reaches the kernel. A pass that finds a mistake says so and
// goes on with what it can: the Policy of a draft with errors is thrown away, but its findings are
// whole.
#pragma once

#include "dsl/ast.hpp"
#include "dsl/compile.hpp"
#include "dsl/policy.hpp"
#include "dsl/policy_test.hpp"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace larder::dsl {

// `x` in messages.
std::string ticked(std::string_view text);
std::string braced(std::string_view name);  // {x}
// 90000 ms as "1m30s".
std::string spoken(Ms duration);
std::string joined(std::span<const std::string> names);  // "`a`, `b`"

// The findings of the checks. The same thing about the same place is said once, however often it is
// looked at (a clause in `defaults` is applied to every namespace).
class Findings {
  public:
    explicit Findings(std::vector<Diagnostic>& out) : out_(out) {}

    // The returned diagnostic may be completed until the next call.
    Diagnostic& error(const char* code, Span at, std::string message, std::string label = {});
    Diagnostic& warning(const char* code, Span at, std::string message, std::string label = {});
    std::size_t errors() const { return errors_; }
    // Finding the name that was meant costs the number of names: not for the thousandth mistake.
    bool suggests() const { return out_.size() < 200; }
    const std::vector<Diagnostic>& all() const { return out_; }

  private:
    Diagnostic& add(Severity severity, const char* code, Span at, std::string message,
                    std::string label);

    std::vector<Diagnostic>& out_;
    std::set<std::tuple<std::string, std::uint32_t, std::string>> said_;
    Diagnostic again_;
    std::size_t errors_ = 0;
};

// A tag as a namespace carries it.
struct TagPlace {
    const ast::Text* text = nullptr;
    bool inherited = false;
};

struct DependsPlace {
    const ast::DependsClause* clause = nullptr;
    NamespaceIndex on = none;
    std::optional<Template> key;  // aligned to the key of `on`
};

// What is known of Policy::namespaces[i] beside what the kernel needs.
struct Space {
    const ast::Namespace* node = nullptr;
    bool leaf = true;
    bool broken = false;  // some statement of it did not parse
    bool reachable = false;
    const ast::Text* key = nullptr;
    std::vector<TagPlace> tags;
    std::vector<const ast::Name*> with;
    std::vector<DependsPlace> depends;
    const ast::SourceClause* source = nullptr;
    const ast::WriteClause* write = nullptr;
    Span ttl_at;
    Span version_at;
    std::vector<Span> migrate_at;  // of each of Namespace::migrations
    bool ttl_fixed = false;  // does not come from the environment
    std::vector<std::pair<const ast::TtlClause*, Ms>> dated;
};

struct ChangePlace {
    Span at;  // the whole target
    Span verb;
    bool dead = false;  // reaches nothing
};

struct RulePlace {
    const ast::Rule* node = nullptr;
    bool sound = true;                 // nothing in it was wrong
    bool other = false;                // does something beside dropping
    std::vector<ChangePlace> changes;  // as Rule::changes
};

struct Draft {
    const SourceMap& sources;
    const CompileOptions& options;
    Findings say;
    std::vector<const ast::Policy*> trees;
    bool syntax_errors = false;
    bool incomplete = false;  // a file could not be read: any name may be declared in it
    Policy policy{};

    std::vector<Space> spaces{};     // as policy.namespaces
    std::vector<RulePlace> rules{};  // as policy.rules
    std::vector<PolicyTest> tests{};
    std::map<std::string, Span, std::less<>> sessions{};
    std::vector<Span> broken{};  // lines of items that did not parse: what they declare is unknown
    std::vector<std::pair<std::string, std::string>> env{};  // what was read

    Where where(Span at);
    // The span of a view into a source that lies in the same file as `near`.
    Span span_of(std::string_view view, Span near) const;
    // Where a statement can be put into a block: behind the `{` that follows its name.
    Span behind_brace(const ast::Name& head) const;
    // The namespace of that name, or an error at it, with the one that was probably meant.
    std::optional<NamespaceIndex> known(const ast::Name& name, bool marks_reach = false);
    // Whether an item that did not parse mentions this word: then nothing is said about it.
    bool may_be_declared(std::string_view word) const;

    // The place that where() gave last. Passes go from left to right, so that the column of the
    // next one is counted from there: a policy may be one line of megabytes.
    struct Cursor {
        std::uint32_t line_begin = UINT32_MAX, offset = 0;
        Place place;
    } cursor{};
};

// The name that was probably meant, or empty.
std::string meant(std::string_view word, const std::vector<std::string>& candidates);

template <class T, class Variant>
const T* as(const Variant& v) {
    return boost::get<T>(&v.get());
}
template <class T, class Variant>
const T* as_forward(const Variant& v) {
    const auto* p = boost::get<boost::spirit::x3::forward_ast<T>>(&v.get());
    return p ? &p->get() : nullptr;
}

}  // namespace larder::dsl
