// kernel/api/explanation.cpp -- one question about a policy, answered in words.
#include "kernel/api/explanation.hpp"

#include "dsl/diagnostic.hpp"
#include "dsl/explain.hpp"
#include "kernel/config/codes.hpp"
#include "kernel/core/cache.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace larder::api {
namespace {

constexpr std::string_view usage =
    "ask for one of\n"
    "  METHOD PATH [STATUS] [name=value]...   which rules a request fires\n"
    "  event NAME [name=value]...             which rules an event fires\n"
    "  entry NAMESPACE KEY                    how long an entry lives and who can drop it\n"
    "  L0202                                  what a code of `larder check` means\n";

// The next word; `text` begins behind the blank that ends it.
std::string_view take_word(std::string_view& text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

bool take_pairs(std::string_view text, Pairs& out) {
    for (auto word = take_word(text); !word.empty(); word = take_word(text)) {
        const auto equals = word.find('=');
        if (equals == std::string_view::npos || equals == 0) return false;
        out.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
    return true;
}

std::string request(const dsl::Policy& policy, std::string_view method, std::string_view rest,
                    bool& ok) {
    dsl::ExplainRequest asked;
    asked.method = method;
    asked.path = take_word(rest);
    std::string_view after = rest;
    const auto word = take_word(after);
    if (!word.empty() && word.find('=') == std::string_view::npos) {
        const auto [end, error] =
            std::from_chars(word.data(), word.data() + word.size(), asked.status);
        if (error != std::errc{} || end != word.data() + word.size() || asked.status < 100 ||
            asked.status > 599) {
            ok = false;
            return std::string("`").append(word) +
                   "` is no HTTP status; it is a number from 100 to 599\n";
        }
        rest = after;
    }
    ok = asked.path.starts_with('/') && dsl::method_of(asked.method) != 0 &&
         take_pairs(rest, asked.values);
    return ok ? dsl::explain_request(policy, asked) : std::string(usage);
}

std::string unknown_namespace(const dsl::Policy& policy, std::string_view name) {
    std::vector<std::string_view> known;
    for (const dsl::Namespace& space : policy.namespaces) known.push_back(space.name);
    const auto meant = dsl::nearest(name, known);
    return "the policy has no namespace `" + std::string(name) + "`" +
           (meant.empty() ? "" : "; did you mean `" + std::string(meant) + "`?") + "\n";
}

std::string entry(const dsl::Policy& policy, const Cache* cache, std::string_view name,
                  std::string_view key, bool& ok) {
    ok = policy.find(name).has_value();
    if (!ok) return unknown_namespace(policy, name);
    std::string out = dsl::explain_entry(policy, name, key);
    std::uint32_t ns = 0;
    if (cache != nullptr && cache->ns_find(name, &ns) == LARDER_OK)
        out += cache->explain_entry(ns, key);
    return out;
}

}  // namespace

std::string code_page(std::string_view code) {
    if (auto page = dsl::explain_code(code)) return std::move(*page);
    return std::string(config::explain_code(code));
}

std::string explanation(const dsl::Policy& policy, const Cache* cache, std::string_view what,
                        bool& ok) {
    std::string_view rest = what;
    std::string_view first = take_word(rest);
    ok = true;
    if (first == "entry") {
        const auto name = take_word(rest);
        if (!rest.empty()) return entry(policy, cache, name, rest, ok);
    } else if (first == "event") {
        const auto name = take_word(rest);
        Pairs values;
        if (!name.empty() && take_pairs(rest, values))
            return dsl::explain_event(policy, name, values);
    } else if (auto page = code_page(first); !page.empty() && rest.empty()) {
        return page;
    } else {
        if (first == "request") first = take_word(rest);
        if (!first.empty()) return request(policy, first, rest, ok);
    }
    ok = false;
    return std::string(usage);
}

}  // namespace larder::api
