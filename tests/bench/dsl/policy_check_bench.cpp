// tests/bench/dsl/policy_check_bench.cpp -- parse and full check of a policy of 10,000 lines.
//
// Generated: 500 namespaces with tags and dependencies, rules that drop by key, tag and pattern,
// warm items, alerts, guarantees. Wanted: at most 150 ms.
#include "dsl/compile.hpp"
#include "dsl/parser.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

using namespace larder::dsl;

namespace {

std::string generated(std::size_t lines) {
    std::string out = "larder 1\n\ndefaults {\n    tiers l1 1m -> l2\n}\n";
    for (std::size_t k = 0;
         static_cast<std::size_t>(std::count(out.begin(), out.end(), '\n')) < lines; ++k) {
        const std::string n = std::to_string(k);
        out += "\n## Entries of resource " + n + ".\nnamespace resource" + n +
               " {\n    key \"{id}:t{tenant}\"\n    tag \"resource" + n +
               ":{id}\", \"tenant:{tenant}\"\n    ttl 5m jitter 10%\n    stale 30s while "
               "revalidating\n";
        if (k % 4 == 3)
            out += "    depends on resource" + std::to_string(k - 1) + " \"{id}:t{tenant}\"\n";
        out += "}\n\non write \"/api/v1/resource" + n +
               "/{id}\" {\n    let tenant = header \"X-Tenant\"\n    drop resource" + n +
               " \"{id}:t{tenant}\"\n    drop tag \"resource" + n +
               ":{id}\"\n}\n\non event \"changed_" + n + "\" (id) {\n    drop resource" + n +
               " matching \"{id}:*\"\n}\n";
        if (k % 10 == 0) {
            out += "guarantee \"g" + n + "\" {\n    on write \"/api/v1/resource" + n +
                   "/{id}\" always drops tag \"resource" + n + ":{id}\"\n}\n";
            out += "on write \"/api/v1/resource" + n + "/**\" {\n    expire tag \"resource" + n +
                   ":all\"\n}\n";
        }
    }
    return out + "on event \"tenant_removed\" (tenant) {\n    drop tag \"tenant:{tenant}\"\n}\n";
}

double ms_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
        .count();
}

}  // namespace

int main() {
    const std::string text = generated(10'000);
    const auto lines = std::count(text.begin(), text.end(), '\n');
    double parse_ms = 1e9, all_ms = 1e9;
    std::size_t rules = 0, findings = 0;
    for (int pass = 0; pass < 7; ++pass) {
        SourceMap sources;
        const FileId file = sources.add("generated.larder", text);
        auto begin = std::chrono::steady_clock::now();
        const Parsed parsed = parse(sources, file);
        parse_ms = std::min(parse_ms, ms_since(begin));
        begin = std::chrono::steady_clock::now();
        const Compiled c = compile_text("generated.larder", text, {});
        all_ms = std::min(all_ms, ms_since(begin));
        findings = c.found.size();
        if (!c.ok()) {
            std::puts(render_text(*c.sources, c.found, false).substr(0, 4000).c_str());
            return 1;
        }
        rules = c.policy->rules.size();
    }
    std::printf("%ld lines, %zu KiB, %zu rules, %zu findings\n", static_cast<long>(lines),
                text.size() / 1024, rules, findings);
    std::printf("parse       %8.2f ms  %8.1f MB/s\n", parse_ms,
                static_cast<double>(text.size()) / 1e3 / parse_ms);
    std::printf("full check  %8.2f ms  (wanted: 150)\n", all_ms);
}
