// kernel/cli/bench.cpp -- larder bench: what an operation costs here, with one's own policy and stores.
//
// Without --server the kernel runs in this process, with the stores of larder.toml and without its
// gateways. With --server a running gateway is asked over its socket, or a Redis or a memcached beside
// it, so that they can be compared.
#include "kernel/cli/bench_kernel.hpp"
#include "kernel/cli/bench_keys.hpp"
#include "kernel/cli/host.hpp"
#include "kernel/cli/server_load.hpp"
#include "kernel/loader/quantity.hpp"

#include <boost/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace larder::cli {
namespace {

struct Asked {
    HostOptions host;
    std::string space, server, keys, size = "100B", each = "1s", dialect = "resp", password_env;
    std::uint64_t entries = 0;
    unsigned clients = 50;
    std::vector<unsigned> depths{1, 16, 64};
    bool json = false;
};

// Said on standard error, over itself on a terminal.
class Progress {
  public:
    void operator()(const std::string& what) {
        if (::isatty(STDERR_FILENO) == 0) return;
        std::fprintf(stderr, "\r\033[K%s ...", what.c_str());
        std::fflush(stderr);
        shown_ = true;
    }
    ~Progress() {
        if (shown_) std::fputs("\r\033[K", stderr);
    }

  private:
    bool shown_ = false;
};

std::string time_text(std::uint64_t ns) {
    char text[32];
    const auto value = static_cast<double>(ns);
    if (ns < 1000) std::snprintf(text, sizeof text, "%.0f ns", value);
    else if (ns < 1'000'000) std::snprintf(text, sizeof text, "%.1f us", value / 1e3);
    else std::snprintf(text, sizeof text, "%.1f ms", value / 1e6);
    return text;
}

std::string grouped(double value) {
    std::string digits = std::to_string(static_cast<std::uint64_t>(value));
    for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
    return digits;
}

void print_rows(const std::vector<BenchRow>& rows) {
    char line[200];
    std::snprintf(line, sizeof line, "%-28s%16s%12s%12s\n", "", "a second", "half in", "99 % in");
    print(line);
    for (const BenchRow& row : rows) {
        std::snprintf(line, sizeof line, "%-28s%16s%12s%12s", row.what.c_str(),
                      grouped(row.per_second).c_str(), time_text(row.p50_ns).c_str(),
                      time_text(row.p99_ns).c_str());
        print(line);
        print(row.remark.empty() ? "\n" : "   " + row.remark + "\n");
    }
}

boost::json::object as_json(const std::vector<BenchRow>& rows) {
    boost::json::array all;
    for (const BenchRow& row : rows)
        all.push_back(boost::json::object{{"what", row.what},
                                          {"per_second", row.per_second},
                                          {"p50_ns", row.p50_ns},
                                          {"p99_ns", row.p99_ns},
                                          {"remark", row.remark}});
    return {{"rows", std::move(all)}};
}

int finish(boost::json::object facts, const std::vector<BenchRow>& rows, const std::string& heading,
           bool json) {
    if (json) {
        for (auto& [name, value] : as_json(rows)) facts[name] = value;
        print(boost::json::serialize(facts) + "\n");
        return exit_fine;
    }
    print(heading + "\n\n");
    print_rows(rows);
    return exit_fine;
}

// ---- in this process ----------------------------------------------------------------------------

int in_process(const Asked& asked, BenchPlan plan) {
    auto config = asked.host.load();
    if (!config) return exit_findings;
    if (config->policy.empty()) {
        complain("larder bench: no policy is named: give `--policy FILE`, or ask a running gateway with "
                 "`--server HOST:PORT`");
        return exit_usage;
    }
    std::erase_if(config->instances, [](const config::Instance& one) {
        return one.section != config::Section::store && one.section != config::Section::codec;
    });
    config->admin.enabled = false;
    config->journal = {};  // a running kernel's
    config->log.level = LARDER_LOG_ERROR;
    KernelOptions options;
    options.config = std::move(*config);
    options.allow_missing = true;
    std::string problem;
    const auto kernel = Kernel::open(std::move(options), problem);
    BenchReport report;
    bool done = kernel != nullptr && kernel->start(problem);
    if (done) {
        Progress progress;
        plan.progress = [&](const std::string& what) { progress(what); };
        done = bench_kernel(*kernel, plan, report, problem);
    }
    if (!done) {
        complain("larder bench: " + problem);
        return exit_findings;
    }
    std::string heading = "namespace " + report.space + ", key \"" + report.key_template + "\"; " +
                          grouped(static_cast<double>(plan.entries)) + " entries of " +
                          std::to_string(plan.value_bytes) + " bytes; one thread of " +
                          std::to_string(std::thread::hardware_concurrency());
    if (report.bytes_per_entry > 0)
        heading += "; " + std::to_string(static_cast<int>(report.bytes_per_entry + 0.5)) +
                   " bytes of memory for each";
    return finish({{"namespace", report.space},
                   {"entries", plan.entries},
                   {"value_bytes", plan.value_bytes},
                   {"bytes_per_entry", report.bytes_per_entry}},
                  report.rows, heading, asked.json);
}

// ---- over a socket ------------------------------------------------------------------------------

int run_load(const LoadPlan& plan, const std::string& what, std::vector<BenchRow>& rows,
             std::string& problem) {
    LoadResult result;
    if (!load_server(plan, result, problem)) return exit_unreachable;
    if (result.errors != 0) {
        problem = plan.address + " refuses `" + what + "`: " + result.first_error +
                  "\n`--keys` says how keys look that it takes: --keys 'menu:{n}'";
        return exit_findings;
    }
    BenchRow row;
    row.what = what;
    row.per_second = static_cast<double>(result.answers) / std::max(result.seconds, 1e-9);
    row.p50_ns = result.latencies.within(0.5);
    row.p99_ns = result.latencies.within(0.99);
    rows.push_back(std::move(row));
    return exit_fine;
}

int over_socket(const Asked& asked, const BenchPlan& given) {
    LoadPlan plan;
    plan.address = asked.server;
    plan.dialect = asked.dialect == "resp" ? LoadPlan::Dialect::resp : LoadPlan::Dialect::memcached;
    if (const char* const word =
            asked.password_env.empty() ? nullptr : std::getenv(asked.password_env.c_str()))
        plan.password = word;
    plan.keys = asked.keys;
    plan.entries = given.entries;
    plan.value_bytes = given.value_bytes;
    plan.clients = asked.clients;
    plan.time = given.each;

    std::vector<BenchRow> rows, aside;
    std::string problem;
    const auto all_of = [&](LoadPlan::What what, const std::string& name) {
        LoadPlan once = plan;
        once.what = what;
        once.depth = 64;
        once.count = plan.entries;
        return run_load(once, name, aside, problem);
    };
    int status = exit_fine;
    {
        Progress progress;
        progress("putting " + std::to_string(plan.entries) + " entries");
        status = all_of(LoadPlan::What::set, "SET");
        for (const unsigned depth : asked.depths)
            for (const auto what : {LoadPlan::What::get, LoadPlan::What::set}) {
                if (status != exit_fine) break;
                plan.depth = depth;
                plan.what = what;
                const std::string name = std::string(what == LoadPlan::What::get ? "GET" : "SET") +
                                         ", " + std::to_string(depth) + " at a time";
                progress(name);
                status = run_load(plan, name, rows, problem);
            }
        if (status == exit_fine) {
            progress("removing them");
            status = all_of(LoadPlan::What::remove, "UNLINK");
        }
    }
    if (status != exit_fine) {
        complain("larder bench: " + problem);
        return status;
    }
    const std::string heading = asked.server + ", keys \"" + plan.keys + "\"; " +
                                std::to_string(plan.clients) + " clients, " +
                                grouped(static_cast<double>(plan.entries)) + " entries of " +
                                std::to_string(plan.value_bytes) + " bytes";
    return finish({{"server", asked.server},
                   {"clients", plan.clients},
                   {"entries", plan.entries},
                   {"value_bytes", plan.value_bytes}},
                  rows, heading, asked.json);
}

bool read_plan(const Asked& asked, BenchPlan& plan) {
    const auto size = loader::size_bytes(asked.size);
    const auto each = loader::duration_ns(asked.each);
    constexpr std::uint64_t largest = 64u << 20;
    if (!size || static_cast<std::uint64_t>(*size) > largest) {
        complain("larder bench: `" + asked.size + "` is no size up to 64MiB; write 100B, 4KiB");
        return false;
    }
    constexpr std::int64_t ms = 1'000'000;
    if (!each || *each < ms) {
        complain("larder bench: `" + asked.each + "` is no duration; write 500ms, 1s");
        return false;
    }
    plan.space = asked.space;
    plan.value_bytes = static_cast<std::size_t>(*size);
    plan.each = std::chrono::milliseconds(*each / ms);
    plan.entries = asked.entries != 0 ? asked.entries : asked.server.empty() ? 100'000 : 10'000;
    return true;
}

}  // namespace

int run_bench(Words words) {
    CLI::App app;
    describe(app, "bench",
             "Measures, in about ten seconds, what getting, putting and dropping cost: in this process\n"
             "with the policy and stores of larder.toml, or with --server over a socket. Over a socket\n"
             "it writes entries under --keys and removes them again.");
    Asked asked;
    asked.host.add_to(app);
    app.add_option("--namespace", asked.space, "whose entries; else one that has a tag")->type_name("NAME");
    app.add_option("--entries", asked.entries, "how many; else 100000, over a socket 10000")
        ->type_name("N")->check(CLI::Range(1, 100'000'000));
    app.add_option("--size", asked.size, "of a value; else 100B")->type_name("SIZE");
    app.add_option("--each", asked.each, "how long each line is measured; else 1s")->type_name("TIME");
    app.add_option("--server", asked.server, "ask this one: HOST:PORT or unix:/PATH")->type_name("ADDRESS");
    app.add_option("--keys", asked.keys, "keys to use there, {n} is a number; else bench:{n}")
        ->type_name("TEXT");
    app.add_option("--clients", asked.clients, "connections at once; else 50")->check(CLI::Range(1, 10'000));
    app.add_option("--pipeline", asked.depths, "requests sent at once, one or several; else 1 16 64")
        ->check(CLI::Range(1, 10'000));
    app.add_option("--dialect", asked.dialect, "resp or memcached")
        ->check(CLI::IsMember({"resp", "memcached"}));
    app.add_option("--password-env", asked.password_env, "environment variable with the server's password")
        ->type_name("NAME");
    app.add_flag("--json", asked.json, "one JSON object");
    if (const auto status = parse(app, std::move(words))) return *status;
    if (asked.keys.empty()) asked.keys = "bench:{n}";

    BenchPlan plan;
    if (!read_plan(asked, plan)) return exit_usage;
    return asked.server.empty() ? in_process(asked, std::move(plan)) : over_socket(asked, plan);
}

}  // namespace larder::cli
