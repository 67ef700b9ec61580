// kernel/cli/bench_keys.cpp -- see bench_keys.hpp.
#include "kernel/cli/bench_keys.hpp"

#include <string_view>

namespace larder::cli {

std::string bench_key(const dsl::Namespace& ns, std::uint64_t n) {
    const std::string number = std::to_string(n);
    const std::vector<std::string_view> values(ns.fields, number);
    return ns.key->pattern().fill(values);
}

std::string bench_tag(const dsl::Namespace& ns, std::uint64_t n) {
    if (ns.tags.empty()) return {};
    const std::string number = std::to_string(n);
    const std::vector<std::string_view> values(ns.parameters.size(), number);
    return ns.tags.front().fill(values);
}

}  // namespace larder::cli
