// kernel/loader/options.cpp -- an instance's options, checked against its plugin's manifest and
// typed.
#include "kernel/loader/options.hpp"

#include "dsl/diagnostic.hpp"
#include "kernel/loader/quantity.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace larder::loader {
namespace {

std::string quoted(std::string_view text) {
    std::string all(1, '"');
    all += text;
    all += '"';
    return all;
}

std::string joined(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words) {
        all += (all.empty() ? "" : ", ") + word;
    }
    return all;
}

std::string shown(const GivenValue& value) {
    struct Show {
        std::string operator()(bool v) const { return v ? "true" : "false"; }
        std::string operator()(std::int64_t v) const { return std::to_string(v); }
        std::string operator()(double v) const {
            char text[32];
            std::snprintf(text, sizeof text, "%g", v);
            return text;
        }
        std::string operator()(const std::string& v) const { return quoted(v); }
        std::string operator()(const GivenValue::List&) const { return "a list"; }
        std::string operator()(const SecretRef&) const { return "a secret"; }
    };
    return std::visit(Show{}, value.is);
}

std::string in_unit(OptionType type, double value) {
    char text[48];
    if (type == OptionType::duration) {
        std::snprintf(text, sizeof text, "%gs", value / 1e9);
    } else if (type == OptionType::size) {
        std::snprintf(text, sizeof text, "%.0f bytes", value);
    } else {
        std::snprintf(text, sizeof text, "%g", value);
    }
    return text;
}

// What a person would write, for "expected a duration".
struct Wanted {
    std::string_view what;
    std::string_view help;
};
Wanted wanted(OptionType type) {
    switch (type) {
        case OptionType::boolean:
            return {"true or false", {}};
        case OptionType::integer:
            return {"a whole number", {}};
        case OptionType::real:
            return {"a number", {}};
        case OptionType::size:
            return {"a size", "write \"512B\", \"64KiB\", \"256MiB\" or \"1GB\""};
        case OptionType::duration:
            return {"a duration", "write \"500ms\", \"30s\", \"5m\" or \"1h30m\""};
        case OptionType::list:
            return {"a list", "write \"a\" or [\"a\", \"b\"]"};
        case OptionType::secret:
            return {"a secret by reference", "write { env = \"NAME\" } or { file = \"/path\" }"};
        case OptionType::path:
            return {"a path as text", {}};
        case OptionType::url:
            return {"a URL", "write \"scheme://host\""};
        case OptionType::ref:
            return {"the name of another instance", {}};
        case OptionType::string:
        case OptionType::enumeration:
            break;
    }
    return {"a text", "write it in quotes"};
}

bool refuse(OptionFinding& finding, std::string message, std::string help = {}) {
    finding.message = std::move(message);
    finding.help = std::move(help);
    return false;
}

bool wrong_type(const OptionSpec& spec, OptionType type, const GivenValue& given,
                OptionFinding& finding) {
    const Wanted want = wanted(type);
    return refuse(finding,
                  spec.name + ": expected " + std::string(want.what) + ", found " + shown(given),
                  std::string(want.help));
}

bool in_range(const OptionSpec& spec, OptionType type, double value, OptionFinding& finding) {
    if (spec.min && value < *spec.min) {
        return refuse(finding, spec.name + ": " + in_unit(type, value) + " is below the least, " +
                                   in_unit(type, *spec.min));
    }
    if (spec.max && value > *spec.max) {
        return refuse(finding, spec.name + ": " + in_unit(type, value) + " is above the most, " +
                                   in_unit(type, *spec.max));
    }
    return true;
}

bool check_text(const OptionSpec& spec, OptionType type, const std::string& text,
                OptionFinding& finding) {
    if (text.find('\0') != std::string::npos) {
        return refuse(finding, spec.name + ": a text has no NUL byte");
    }
    if (type == OptionType::enumeration &&
        std::find(spec.values.begin(), spec.values.end(), text) == spec.values.end()) {
        const std::vector<std::string_view> words(spec.values.begin(), spec.values.end());
        const auto near = dsl::nearest(text, words);
        return refuse(
            finding,
            spec.name + ": expected one of " + joined(spec.values) + ", found " + quoted(text),
            near.empty() ? "" : "did you mean " + quoted(near) + "?");
    }
    if (type == OptionType::url) {
        const auto colon = text.find(':');
        const std::string scheme = text.substr(0, colon);
        if (colon == std::string::npos || colon == 0) {
            return wrong_type(spec, type, GivenValue{text, false}, finding);
        }
        if (!spec.schemes.empty() &&
            std::find(spec.schemes.begin(), spec.schemes.end(), scheme) == spec.schemes.end()) {
            return refuse(finding, spec.name + ": a URL begins with " + joined(spec.schemes) +
                                       ", found " + quoted(scheme));
        }
    }
    if ((type == OptionType::path || type == OptionType::ref) && text.empty()) {
        return refuse(finding,
                      spec.name + ": expected " + std::string(wanted(type).what) + ", found \"\"");
    }
    return true;
}

// A value that is not a list or a secret.
bool check_scalar(const OptionSpec& spec, OptionType type, const GivenValue& given, Scalar& out,
                  OptionFinding& finding) {
    const auto* text = std::get_if<std::string>(&given.is);
    const auto* whole = std::get_if<std::int64_t>(&given.is);
    std::optional<std::int64_t> number;
    switch (type) {
        case OptionType::boolean:
            if (const auto* truth = std::get_if<bool>(&given.is)) {
                out = *truth;
                return true;
            }
            if (given.from_text && text && (*text == "true" || *text == "false")) {
                out = *text == "true";
                return true;
            }
            return wrong_type(spec, type, given, finding);
        case OptionType::real: {
            std::optional<double> real;
            if (const auto* value = std::get_if<double>(&given.is);
                value && std::isfinite(*value)) {
                real = *value;
            } else if (whole) {
                real = static_cast<double>(*whole);
            } else if (given.from_text && text) {
                real = real_number(*text);
            }
            if (!real) {
                return wrong_type(spec, type, given, finding);
            }
            out = *real;
            return in_range(spec, type, *real, finding);
        }
        case OptionType::integer:
            number = whole ? std::optional(*whole)
                           : (given.from_text && text ? whole_number(*text) : std::nullopt);
            break;
        case OptionType::size:
            number = whole ? std::optional(*whole) : (text ? size_bytes(*text) : std::nullopt);
            if (!number && given.from_text && text) {
                number = whole_number(*text);
            }
            if (number && *number < 0) {
                number.reset();
            }
            break;
        case OptionType::duration:
            number = text ? duration_ns(*text) : std::nullopt;
            if (!number && whole) {
                return refuse(finding,
                              spec.name + ": a duration needs its unit, found " + shown(given),
                              "write \"" + std::to_string(*whole) + "s\" or \"" +
                                  std::to_string(*whole) + "ms\"");
            }
            break;
        default:
            if (!text) {
                return wrong_type(spec, type, given, finding);
            }
            out = *text;
            return check_text(spec, type, *text, finding);
    }
    if (!number) {
        return wrong_type(spec, type, given, finding);
    }
    out = *number;
    return in_range(spec, type, static_cast<double>(*number), finding);
}

std::string as_text(const Scalar& value) {
    struct Text {
        std::string operator()(bool v) const { return v ? "true" : "false"; }
        std::string operator()(std::int64_t v) const { return std::to_string(v); }
        std::string operator()(double v) const {
            char text[32];
            std::snprintf(text, sizeof text, "%.17g", v);
            return text;
        }
        std::string operator()(const std::string& v) const { return v; }
    };
    return std::visit(Text{}, value);
}

void apply_defaults(const ComponentManifest& component, OptionValues& values) {
    for (const OptionSpec& spec : component.options) {
        if (values.find(spec.name) != nullptr) {
            continue;
        }
        OptionValue value{spec.type, {}, {}};
        if (spec.fallback) {
            std::visit([&](const auto& v) { value.is = v; }, *spec.fallback);
        } else if (spec.fallback_list) {
            std::vector<std::string> all;
            for (const Scalar& one : *spec.fallback_list) {
                all.push_back(as_text(one));
            }
            value.is = std::move(all);
        } else {
            continue;
        }
        values.set(spec.name, std::move(value));
    }
}

OptionFinding unknown(const ComponentManifest& component, std::size_t index,
                      const std::string& name) {
    std::vector<std::string_view> names;
    std::vector<std::string> all;
    for (const OptionSpec& spec : component.options) {
        names.push_back(spec.name);
        all.push_back(spec.name);
    }
    const std::string what = std::string(name_of(component.kind)) + " " + component.name;
    for (const OptionHint& hint : component.hints) {
        if (std::find(hint.names.begin(), hint.names.end(), name) != hint.names.end()) {
            return {index, true, what + " has no option " + quoted(name), hint.help};
        }
    }
    const auto near = dsl::nearest(name, names);
    return {index, true, what + " has no option " + quoted(name),
            !near.empty() ? "did you mean " + quoted(near) + "?"
            : all.empty() ? what + " takes no options"
                          : "its options are " + joined(all)};
}

}  // namespace

const OptionValue* OptionValues::find(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
}

bool CheckedOptions::ok() const {
    return std::none_of(found.begin(), found.end(), [](const OptionFinding& f) { return f.error; });
}

bool check_value(const OptionSpec& spec, const GivenValue& given, OptionValue& out,
                 OptionFinding& finding) {
    out.type = spec.type;
    if (spec.type == OptionType::secret) {
        if (const auto* ref = std::get_if<SecretRef>(&given.is)) {
            out.is = *ref;
            return true;
        }
        return refuse(finding, spec.name + ": a secret does not stand in a configuration file",
                      std::string(wanted(OptionType::secret).help));
    }
    if (spec.type == OptionType::list) {
        // One value stands for a list of it; of what would not fit as an element, a list is wanted.
        const auto* list = std::get_if<GivenValue::List>(&given.is);
        GivenValue::List alone;
        if (list == nullptr) {
            OptionFinding unfit;
            Scalar one;
            if (!check_scalar(spec, spec.element, given, one, unfit)) {
                return wrong_type(spec, spec.type, given, finding);
            }
            alone.push_back(given);
            list = &alone;
        }
        std::vector<std::string> all;
        for (const GivenValue& element : *list) {
            Scalar one;
            if (!check_scalar(spec, spec.element, element, one, finding)) {
                return false;
            }
            all.push_back(as_text(one));
        }
        out.is = std::move(all);
        return true;
    }
    Scalar one;
    if (!check_scalar(spec, spec.type, given, one, finding)) {
        return false;
    }
    std::visit([&](auto& v) { out.is = std::move(v); }, one);
    return true;
}

CheckedOptions check_options(const ComponentManifest& component, const std::string& instance,
                             const std::vector<GivenOption>& given) {
    CheckedOptions checked{OptionValues(instance), {}};
    const std::string what = std::string(name_of(component.kind)) + " " + component.name;
    const auto is_given = [&](const std::string& name) {
        return std::any_of(given.begin(), given.end(),
                           [&](const auto& g) { return g.name == name; });
    };
    for (std::size_t i = 0; i < given.size(); ++i) {
        const OptionSpec* spec = component.option(given[i].name);
        if (spec == nullptr) {
            checked.found.push_back(unknown(component, i, given[i].name));
            continue;
        }
        if (!spec->deprecated.empty()) {
            checked.found.push_back({i, false, spec->name + " is deprecated", spec->deprecated});
        }
        OptionFinding finding{i, true, {}, {}};
        OptionValue value;
        if (check_value(*spec, given[i].value, value, finding)) {
            value.where = given[i].where;
            checked.values.set(spec->name, std::move(value));
        } else {
            checked.found.push_back(std::move(finding));
        }
    }
    for (const OptionSpec& spec : component.options) {
        if (spec.required && !is_given(spec.name)) {
            checked.found.push_back({OptionFinding::instance, true,
                                     what + " needs the option " + quoted(spec.name), spec.doc});
        }
    }
    for (const OptionRule& rule : component.rules) {
        if (std::none_of(rule.require_one_of.begin(), rule.require_one_of.end(), is_given)) {
            checked.found.push_back(
                {OptionFinding::instance,
                 true,
                 what + " needs one of the options " + joined(rule.require_one_of),
                 {}});
        }
    }
    apply_defaults(component, checked.values);
    return checked;
}

std::vector<std::string> changed_options(const OptionValues& before, const OptionValues& after) {
    std::vector<std::string> names;
    for (const auto& [name, value] : after.all()) {
        const OptionValue* old = before.find(name);
        if (old == nullptr || old->is != value.is) {
            names.push_back(name);
        }
    }
    for (const auto& [name, value] : before.all()) {
        if (after.find(name) == nullptr) {
            names.push_back(name);
        }
    }
    return names;
}

}  // namespace larder::loader
