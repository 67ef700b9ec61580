// dsl/check_values.hpp -- what a written value is worth: literals, constants and the environment.
//
// A value is typed by its place: the same `env MENU_TTL or 5m` is read as a duration where a
// duration is asked for. A bare number in the environment is seconds or bytes, unless the policy
// names a unit
// (`env MENU_MINUTES minutes`). Nothing is replaced as text, so a value can never become a
// statement.
#pragma once

#include "dsl/check_draft.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace larder::dsl {

class Values {
  public:
    explicit Values(Draft& draft) : draft_(draft) {}

    // `let NAME = value`; one of the chosen profile replaces one of the file.
    void declare(const ast::Let& let, bool of_profile);
    // All there are in the draft's trees, and in the chosen profile.
    void declare_all();

    // Each says what is wrong and answers nothing if the value is of no use.
    std::optional<Ms> duration(const ast::Scalar& v);
    std::optional<Ms> positive(const ast::Scalar& v);  // a duration that is not zero
    std::optional<std::uint64_t> size(const ast::Scalar& v);
    std::optional<double> fraction(const ast::Scalar& v);  // 10% is 0.10; at most 1
    std::optional<std::uint32_t> count(const ast::Scalar& v, std::uint32_t least = 0);
    bool truth(const ast::Maybe<ast::Scalar>& v);  // absent: true
    std::string name(const ast::EnvName& v);
    // A value of an option as its owner gets it, in the policy's spelling.
    std::string option(const ast::Scalar& v);
    // A text, a number, `true`, `false`, or one of the words `null`, `list` and `object`, as JSON.
    std::optional<std::string> json(const ast::Scalar& v);
    double measure(const ast::Scalar& v);  // in an alert: whatever unit it has; percent as 0..1

    // Whether the environment has no say in it.
    bool fixed(const ast::Scalar& v) const;

  private:
    struct Constant {
        const ast::Let* node = nullptr;
        bool of_profile = false;
    };

    std::optional<double> resolve(const ast::Scalar& v, ast::Unit wanted, int depth = 0);
    std::optional<double> from_constant(const ast::Scalar& v, ast::Unit wanted, int depth);
    std::optional<double> from_environment(const ast::Scalar& v, ast::Unit wanted);
    std::optional<std::string> environment(std::string_view name, Span at);

    Draft& draft_;
    std::map<std::string, Constant, std::less<>> constants_;
};

}  // namespace larder::dsl
