// tests/bench/policy/policy_parse_bench.cpp -- how fast a policy becomes a tree.
//
// The policy is generated: every construct, in the proportions of the shipped policies, names and
// numbers from a seeded generator. Each round parses the whole text into a fresh tree and throws
// the tree away; the median of the rounds is what counts, the best shows how much noise there was.
// The allocator keeps its memory between rounds: whether it returns it to the system is luck, and
// worth a fifth of the time.
//
//     bench_policy_parse [lines = 10000] [rounds = 301]
#include "dsl/parser.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace {

using Clock = std::chrono::steady_clock;

class Generator {
  public:
    std::string policy(std::size_t lines) {
        text_ = "larder 1\n\nlet live = 1m\nlet reference = 1h\n\n";
        while (static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '\n')) < lines) {
            const std::string name = "ns_" + std::to_string(number_++);
            add_namespace(name);
            add_rules(name);
            if (number_ % 4 == 0) {
                add_warm(name);
            }
            if (number_ % 8 == 0) {
                add_test(name);
            }
        }
        return text_;
    }

  private:
    std::string any(std::size_t most) { return std::to_string(1 + random_() % most); }

    void add_namespace(const std::string& name) {
        text_ += "## Totals of " + name + ", shown on the first page.\nnamespace " + name +
                 " {\n  key \"{user_id}:{page}\"\n  tag \"user:{user_id}\", \"all_" + name +
                 "\"\n  ttl " + any(90) + "m jitter 10%\n  tiers l1 " + any(60) +
                 "s -> l2\n  compress brotli above " + any(64) +
                 "KiB\n  stale 30s while revalidating, 1h on error\n}\n\n";
    }

    void add_rules(const std::string& name) {
        text_ += "on write \"/v1." + any(9) + "/" + name +
                 "/update/{user_id}\" {\n  let tenant = header \"X-Tenant-Id\"\n  drop tag "
                 "\"user:{user_id}\"\n  expire " +
                 name + "\n}\n\non POST, PUT \"/v1.0/" + name + "/**\" { drop " + name +
                 " }   # the lists are short\non event \"" + name + "_changed\" (sku) { drop " +
                 name + " matching \"{sku}:*\" }\n\n";
    }

    void add_warm(const std::string& name) {
        text_ += "warm " + name + " \"{range}\" {\n  at startup\n  every " + any(50) +
                 "m\n  from http \"http://127.0.0.1:8000/" + name +
                 "?range={range}\" { timeout 5s }\n  for range in \"today\", \"week\"\n}\n\n"
                 "alert low_" +
                 name + " when hit_rate(" + name + ") < 80% for 5m -> webhook ops\n\n";
    }

    void add_test(const std::string& name) {
        text_ += "test \"updating drops " + name + "\" {\n  put " + name +
                 " \"7:1\"\n  PUT \"/v1.0/" + name + "/update/7\" status 200\n  expect dropped " +
                 name + " \"7:1\"\n}\n\n";
    }

    std::mt19937 random_{20};  // the same policy every time
    std::string text_;
    std::size_t number_ = 0;
};

struct Round {
    double seconds = 0;
    std::size_t items = 0;
    std::size_t found = 0;
};

Round parse_once(const larder::dsl::SourceMap& sources) {
    const auto begin = Clock::now();
    const larder::dsl::Parsed parsed = larder::dsl::parse(sources, larder::dsl::FileId{0});
    const std::chrono::duration<double> taken = Clock::now() - begin;
    return {taken.count(), parsed.tree.size(), parsed.found.size()};
}

std::size_t argument(int argc, char** argv, int at, std::size_t otherwise) {
    return argc > at ? std::strtoul(argv[at], nullptr, 10) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
#if defined(__GLIBC__)
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
#endif
    const std::size_t lines = argument(argc, argv, 1, 10'000);
    const std::size_t rounds = std::max<std::size_t>(argument(argc, argv, 2, 301), 1);

    larder::dsl::SourceMap sources;
    const std::string text = Generator().policy(lines);
    sources.add("generated.larder", text);
    const std::size_t real_lines = sources.file(larder::dsl::FileId{0}).lines();

    std::vector<double> seconds;
    Round last;
    for (std::size_t i = 0; i < rounds; ++i) {
        last = parse_once(sources);
        seconds.push_back(last.seconds);
    }
    std::sort(seconds.begin(), seconds.end());
    const double median = seconds[seconds.size() / 2];
    const auto rate = [](double amount, double time) { return amount / time / 1e6; };
    const auto bytes = static_cast<double>(text.size());
    std::printf("%zu lines, %.1f KiB, %zu items, %zu findings, %zu rounds\n", real_lines,
                bytes / 1024, last.items, last.found, rounds);
    std::printf("median %.3f ms  %.1f MB/s  %.2f M lines/s\n", median * 1e3, rate(bytes, median),
                rate(static_cast<double>(real_lines), median));
    std::printf("best   %.3f ms  %.1f MB/s\n", seconds.front() * 1e3, rate(bytes, seconds.front()));
    return last.found == 0 ? 0 : 1;
}
