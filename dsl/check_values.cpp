// dsl/check_values.cpp -- resolving values, and saying which one is missing or of the wrong kind.
#include "dsl/check_values.hpp"

#include "dsl/rendering.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace larder::dsl {

namespace {

using ast::Unit;

const char* kind_name(Unit u) {
    switch (u) {
        case Unit::duration:
            return "a duration";
        case Unit::size:
            return "a size";
        case Unit::percent:
            return "a percentage";
        case Unit::count:
            return "a number";
        case Unit::clock:
            return "a time of day";
        case Unit::string:
            return "a text";
        case Unit::truth:
            return "true or false";
        case Unit::none:
            break;
    }
    return "a value";
}

const char* example_of(Unit u) {
    switch (u) {
        case Unit::duration:
            return "`90` (seconds), `30s` or `1h30m`";
        case Unit::size:
            return "`1024` (bytes) or `1KiB`";
        case Unit::percent:
            return "`10%` or `10`";
        case Unit::count:
            return "`5`";
        case Unit::truth:
            return "`true` or `false`";
        default:
            return "a value of that kind";
    }
}

// What one of `unit` is worth in ms or bytes; 0: no such unit there.
double worth(std::string_view unit, Unit wanted) {
    struct Named {
        std::string_view name;
        double worth;
    };
    static constexpr std::array<Named, 6> durations{
        {{"ms", 1}, {"s", 1000}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}, {"w", 604800e3}}};
    static constexpr std::array<Named, 7> sizes{{{"B", 1},
                                                 {"KiB", 1024},
                                                 {"MiB", 1048576},
                                                 {"GiB", 1073741824},
                                                 {"KB", 1e3},
                                                 {"MB", 1e6},
                                                 {"GB", 1e9}}};
    const auto find = [unit](const auto& table) {
        for (const Named& n : table) {
            if (n.name == unit) return n.worth;
        }
        return 0.0;
    };
    return wanted == Unit::duration ? find(durations) : find(sizes);
}

// 90 | 1h30m | 1KiB, as the environment may spell it. `bare`: the worth of a number without unit.
std::optional<double> read_amount(std::string_view text, Unit wanted, double bare) {
    double total = 0;
    const char* at = text.data();
    const char* end = at + text.size();
    bool first = true;
    while (at != end) {
        double number = 0;
        const auto [after, bad] = std::from_chars(at, end, number, std::chars_format::fixed);
        if (bad != std::errc() || number < 0) return std::nullopt;
        const char* unit = after;
        while (at = unit, unit != end && std::isalpha(static_cast<unsigned char>(*unit))) ++unit;
        const std::string_view name(after, static_cast<std::size_t>(unit - after));
        at = unit;
        if (name.empty()) {
            if (!first || at != end) return std::nullopt;
            return number * bare;
        }
        const double one = worth(name, wanted);
        if (one == 0) return std::nullopt;
        total += number * one;
        first = false;
    }
    if (first || !std::isfinite(total)) return std::nullopt;
    return total;
}

std::optional<double> read_truth(std::string_view text) {
    std::string lower;
    for (const char c : text) {
        lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (lower == "true" || lower == "yes" || lower == "on" || lower == "1") return 1.0;
    if (lower == "false" || lower == "no" || lower == "off" || lower == "0") return 0.0;
    return std::nullopt;
}

std::optional<double> read_as(std::string_view text, Unit wanted, double factor) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) {
        text.remove_prefix(1);
    }
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) {
        text.remove_suffix(1);
    }
    switch (wanted) {
        case Unit::duration:
            return read_amount(text, wanted, factor > 0 ? factor : 1000);
        case Unit::size:
            return read_amount(text, wanted, factor > 0 ? factor : 1);
        case Unit::truth:
            return read_truth(text);
        case Unit::percent:
            if (text.ends_with('%')) text.remove_suffix(1);
            [[fallthrough]];
        default: {
            double number = 0;
            const char* end = text.data() + text.size();
            const auto [after, bad] =
                std::from_chars(text.data(), end, number, std::chars_format::fixed);
            if (bad != std::errc() || after != end || number < 0) return std::nullopt;
            return number;
        }
    }
}

bool looks_secret(std::string_view name) {
    std::string upper;
    for (const char c : name) {
        upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    const std::size_t under = upper.rfind('_');
    const std::string_view last =
        std::string_view(upper).substr(under == std::string::npos ? 0 : under + 1);
    return last == "KEY" || last == "PASSWORD" || last == "PASSWD" || last == "TOKEN" ||
           last == "SECRET" || last == "CREDENTIALS";
}

}  // namespace

void Values::declare(const ast::Let& let, bool of_profile) {
    const auto [it, fresh] =
        constants_.try_emplace(std::string(let.id.text), Constant{&let, of_profile});
    if (fresh) return;
    if (it->second.of_profile == of_profile) {
        draft_.say
            .error("L0230", let.id.at, "constant " + ticked(let.id.text) + " is declared twice",
                   "again here")
            .more.push_back({it->second.node->id.at, "first here"});
    } else if (of_profile) {
        it->second = {&let, true};
    }
}

void Values::declare_all() {
    for (const ast::Policy* tree : draft_.trees) {
        for (const ast::Item& item : *tree) {
            if (const auto* let = as<ast::Let>(item)) declare(*let, false);
        }
    }
    for (const ast::Policy* tree : draft_.trees) {
        for (const ast::Item& item : *tree) {
            const auto* p = as_forward<ast::Profile>(item);
            if (!p || p->id.text != draft_.options.profile) continue;
            for (const ast::Item& inner : p->body) {
                if (const auto* let = as<ast::Let>(inner)) declare(*let, true);
            }
        }
    }
}

bool Values::fixed(const ast::Scalar& v) const {
    const ast::Scalar* at = &v;
    for (int depth = 0; depth < 16 && !at->let_name.empty(); ++depth) {
        const auto it = constants_.find(at->let_name);
        if (it == constants_.end()) return false;
        at = &it->second.node->value;
    }
    return at->env_name.empty() && at->let_name.empty();
}

std::optional<double> Values::resolve(const ast::Scalar& v, Unit wanted, int depth) {
    if (!v.let_name.empty()) return from_constant(v, wanted, depth);
    if (!v.env_name.empty()) return from_environment(v, wanted);
    if (wanted != Unit::none && v.kind != wanted) {
        draft_.say.error("L0218", v.at, std::string("this place takes ") + kind_name(wanted),
                         std::string("this is ") + kind_name(v.kind));
        return std::nullopt;
    }
    return v.value;
}

std::optional<double> Values::from_constant(const ast::Scalar& v, Unit wanted, int depth) {
    const auto it = constants_.find(v.let_name);
    if (it == constants_.end()) {
        if (draft_.may_be_declared(v.let_name)) return std::nullopt;
        auto& d =
            draft_.say.error("L0221", v.at, "constant " + ticked(v.let_name) + " is not declared");
        if (!draft_.say.suggests()) return std::nullopt;
        std::vector<std::string> all;
        for (const auto& [name, _] : constants_) all.push_back(name);
        if (const std::string near = meant(v.let_name, all); !near.empty()) {
            d.primary.text = "did you mean " + ticked(near) + "?";
            d.more.push_back({constants_.find(near)->second.node->id.at, "declared here"});
            d.fix = Fix{v.at, near};
        } else {
            d.helps.push_back("declare it with " +
                              ticked("let " + std::string(v.let_name) + " = ..."));
        }
        return std::nullopt;
    }
    const ast::Let& let = *it->second.node;
    if (depth == 16) {
        draft_.say.error("L0221", let.id.at,
                         "constant " + ticked(let.id.text) + " is defined by itself");
        return std::nullopt;
    }
    const ast::Scalar& value = let.value;
    const bool literal = value.let_name.empty() && value.env_name.empty();
    if (literal && wanted != Unit::none && value.kind != wanted) {
        auto& d =
            draft_.say.error("L0218", v.at, std::string("this place takes ") + kind_name(wanted),
                             ticked(v.let_name) + " is " + kind_name(value.kind));
        d.more.push_back({let.id.at, "declared here"});
        return std::nullopt;
    }
    return resolve(value, wanted, depth + 1);
}

std::optional<std::string> Values::environment(std::string_view name, Span at) {
    if (looks_secret(name)) {
        auto& d = draft_.say.error("L0222", at, ticked(name) + " looks like a secret",
                                   "a policy is read and shown by people");
        d.helps.push_back("secrets belong in larder.toml: `{ env = \"" + std::string(name) +
                          "\" }`");
        return std::nullopt;
    }
    std::optional<std::string> value;
    if (draft_.options.env) {
        value = draft_.options.env(name);
    } else if (const char* found = std::getenv(std::string(name).c_str())) {
        value = found;
    }
    if (value) draft_.env.emplace_back(name, *value);
    return value;
}

std::optional<double> Values::from_environment(const ast::Scalar& v, Unit wanted) {
    const std::size_t before = draft_.say.errors();
    const auto text = environment(v.env_name, v.at);
    if (draft_.say.errors() != before) return std::nullopt;
    if (!text) {
        if (v.has_literal) return v.value;
        auto& d = draft_.say.error("L0216", v.at,
                                   "environment variable " + ticked(v.env_name) + " is not set");
        d.helps.push_back("set it, or say what holds without it: `env " + std::string(v.env_name) +
                          " or ...`");
        return std::nullopt;
    }
    const auto number = read_as(*text, wanted, v.env_factor);
    if (!number) {
        auto& d = draft_.say.error("L0217", v.at,
                                   "environment variable " + ticked(v.env_name) + " is " +
                                       ticked(*text) + ", which is not " + kind_name(wanted));
        d.helps.push_back(std::string("write ") + example_of(wanted));
    }
    return number;
}

std::optional<Ms> Values::duration(const ast::Scalar& v) {
    const auto value = resolve(v, Unit::duration);
    if (!value) return std::nullopt;
    if (*value > 100.0 * 365 * 86400e3) {
        draft_.say.error("L0232", v.at, "this is longer than a hundred years");
        return std::nullopt;
    }
    return Ms(static_cast<Ms::rep>(*value));
}

std::optional<Ms> Values::positive(const ast::Scalar& v) {
    const auto value = duration(v);
    if (!value || value->count() > 0) return value;
    draft_.say.error("L0232", v.at, "this duration must be longer than nothing")
        .helps.push_back("leave the statement out if that is what you want");
    return std::nullopt;
}

std::optional<std::uint64_t> Values::size(const ast::Scalar& v) {
    const auto value = resolve(v, Unit::size);
    if (!value) return std::nullopt;
    return static_cast<std::uint64_t>(*value);
}

std::optional<double> Values::fraction(const ast::Scalar& v) {
    const auto value = resolve(v, Unit::percent);
    if (!value) return std::nullopt;
    if (*value > 100) {
        draft_.say.error("L0232", v.at, "a share is at most 100%");
        return std::nullopt;
    }
    return *value / 100;
}

std::optional<std::uint32_t> Values::count(const ast::Scalar& v, std::uint32_t least) {
    const auto value = resolve(v, Unit::count);
    if (!value) return std::nullopt;
    if (*value < least || *value > 4e9 || *value != std::floor(*value)) {
        draft_.say.error("L0232", v.at,
                         "this must be a whole number of at least " + std::to_string(least));
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(*value);
}

bool Values::truth(const ast::Maybe<ast::Scalar>& v) {
    if (!v) return true;
    return resolve(*v, Unit::truth).value_or(1) != 0;
}

std::string Values::name(const ast::EnvName& v) {
    if (v.env_name.empty()) return std::string(v.text);
    const std::size_t before = draft_.say.errors();
    const auto text = environment(v.env_name, v.at);
    if (draft_.say.errors() != before) return std::string(v.text);
    if (text) return *text;
    if (v.text.empty()) {
        draft_.say
            .error("L0216", v.at, "environment variable " + ticked(v.env_name) + " is not set")
            .helps.push_back("set it, or say what holds without it: `env " +
                             std::string(v.env_name) + " or ...`");
    }
    return std::string(v.text);
}

std::string Values::option(const ast::Scalar& v) {
    if (!v.env_name.empty()) {
        const auto text = environment(v.env_name, v.at);
        if (text) return *text;
        const std::string_view written = draft_.sources.text(v.at);
        const std::size_t otherwise = written.rfind(" or ");
        return v.has_literal && otherwise != written.npos
                   ? std::string(written.substr(otherwise + 4))
                   : std::string();
    }
    if (!v.let_name.empty()) {
        const auto it = constants_.find(v.let_name);
        return std::string(it == constants_.end() ? v.let_name
                                                  : draft_.sources.text(it->second.node->value.at));
    }
    if (v.kind == Unit::string) return std::string(v.string);
    return std::string(draft_.sources.text(v.at));
}

std::optional<std::string> Values::json(const ast::Scalar& v) {
    const ast::Scalar* at = &v;
    for (int depth = 0; depth < 16 && !at->let_name.empty(); ++depth) {
        const auto it = constants_.find(at->let_name);
        if (it == constants_.end()) break;
        at = &it->second.node->value;
    }
    if (at->let_name == "null") return "null";
    if (at->let_name == "list") return "[]";
    if (at->let_name == "object") return "{}";
    if (at->let_name.empty() && at->env_name.empty()) {
        if (at->kind == Unit::string) {
            std::string text;
            for (std::size_t i = 0; i < at->string.size(); ++i) {
                if (at->string[i] == '\\' && i + 1 < at->string.size()) ++i;
                text += at->string[i];
            }
            return json_string(text);
        }
        if (at->kind == Unit::truth) return at->value != 0 ? "true" : "false";
        std::string number(draft_.sources.text(at->at));
        const bool plain = (at->kind == Unit::none || at->kind == Unit::count) &&
                           number.find_first_not_of("0123456789.") == number.npos &&
                           !number.starts_with('.') && !number.ends_with('.') &&
                           (number.size() == 1 || !number.starts_with('0') || number[1] == '.');
        if (plain) return number;
    }
    draft_.say.error("L0240", v.at, "a value holds nothing like this",
                     "a \"text\", a number, `true`, `false`, `null`, `list` or `object`");
    return std::nullopt;
}

double Values::measure(const ast::Scalar& v) {
    const ast::Scalar* at = &v;
    for (int depth = 0; depth < 16 && !at->let_name.empty(); ++depth) {
        const auto it = constants_.find(at->let_name);
        if (it == constants_.end()) break;
        at = &it->second.node->value;
    }
    const double value = resolve(v, at->kind).value_or(0);
    return at->kind == Unit::percent ? value / 100 : value;
}

}  // namespace larder::dsl
