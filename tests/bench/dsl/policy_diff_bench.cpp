// tests/bench/dsl/policy_diff_bench.cpp -- the table of a policy of 10,000 lines, and the
// difference of two.
//
// 500 namespaces, 1,100 rules; the second has some rules changed, and all of its captures renamed.
// Wanted: two files compiled and compared in at most 300 ms of processor time.
#include "dsl/analysis/policy_difference.hpp"
#include "dsl/analysis/request_classes.hpp"
#include "dsl/compile.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>

using namespace larder::dsl;

namespace {

std::string generated(std::size_t lines, bool changed) {
    const std::string id = changed ? "number" : "id";
    std::string out = "larder 1\n\ndefaults {\n    tiers l1 1m -> l2\n}\n";
    for (std::size_t k = 0;
         static_cast<std::size_t>(std::count(out.begin(), out.end(), '\n')) < lines; ++k) {
        const std::string n = std::to_string(k);
        out += "\nnamespace resource" + n + " {\n    key \"{id}:t{tenant}\"\n    tag \"resource" +
               n +
               ":{id}\", \"tenant:{tenant}\"\n    ttl 5m jitter 10%\n    stale 30s while "
               "revalidating\n}\n";
        out += std::string("\non ") + (changed && k % 50 == 0 ? "POST, PUT" : "write") +
               " \"/api/v1/resource" + n + "/{" + id +
               "}\" {\n    let tenant = header \"X-Tenant\"\n    drop resource" + n + " \"{" + id +
               "}:t{tenant}\"\n    drop tag \"resource" + n + ":{" + id +
               "}\"\n}\n\non event \"changed_" + n + "\" (id) {\n    drop resource" + n +
               " matching \"{id}:*\"\n}\n";
        if (k % 10 == 0)
            out += "on write \"/api/v1/resource" + n + "/**\" {\n    expire tag \"resource" + n +
                   ":all\"\n}\n";
    }
    return out;
}

// Of this process: others that run meanwhile are not measured.
double processor_ms() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

}  // namespace

int main() {
    const std::string old = generated(10'000, false), now = generated(10'000, true);
    double table_ms = 1e9, diff_ms = 1e9, all_ms = 1e9;
    std::size_t classes = 0, changes = 0, rules = 0;
    for (int pass = 0; pass < 7; ++pass) {
        const double begin = processor_ms();
        const Compiled a = compile_text("old.larder", old, {}),
                       b = compile_text("new.larder", now, {});
        if (!a.ok() || !b.ok()) {
            std::puts(render_text(*a.sources, a.found, false).substr(0, 4000).c_str());
            return 1;
        }
        const double compared = processor_ms();
        const PolicyDifference d = difference(*a.policy, *b.policy);
        diff_ms = std::min(diff_ms, processor_ms() - compared);
        all_ms = std::min(all_ms, processor_ms() - begin);
        const double listed = processor_ms();
        const Policy* const one[] = {a.policy.get()};
        const RequestClasses table = classes_of(one);
        table_ms = std::min(table_ms, processor_ms() - listed);
        classes = d.classes;
        changes = d.requests.size() + d.events.size();
        rules = a.policy->rules.size();
        if (!d.complete || !table.complete) std::puts("not complete");
    }
    std::printf("%zu rules, %zu classes of both, %zu changed\n", rules, classes, changes);
    std::printf("table of one           %8.2f ms\n", table_ms);
    std::printf("difference             %8.2f ms\n", diff_ms);
    std::printf("compiled and compared  %8.2f ms  (wanted: 300)\n", all_ms);
}
