// kernel/cli/warm.cpp -- larder warm: makes entries ahead of demand, and shows how far that got.
#include "kernel/cli/host.hpp"

#include <boost/json.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

namespace larder::cli {
namespace {

namespace json = boost::json;

bool all_over(const json::value& answer) {
    for (const json::value& run : answer.as_object().at("runs").as_array()) {
        const auto& state = run.as_object().at("state").as_string();
        if (state == "waiting" || state == "running") return false;
    }
    return true;
}

// One line on a terminal, written over by the next.
std::string progress_line(const json::value& answer) {
    std::uint64_t total = 0, left = 0, errors = 0;
    double rate = 0;
    for (const json::value& one : answer.as_object().at("runs").as_array()) {
        const json::object& run = one.as_object();
        total += run.at("total").to_number<std::uint64_t>();
        left += run.at("left").to_number<std::uint64_t>();
        errors += run.at("errors").to_number<std::uint64_t>();
        if (run.at("ended_ms").is_null()) rate += run.at("per_second").to_number<double>();
    }
    const std::uint64_t percent = total == 0 ? 100 : 100 * (total - left) / total;
    std::string out = std::to_string(percent) + "%  " + std::to_string(total - left) + " of " + std::to_string(total);
    if (rate > 0) {
        out += "  " + std::to_string(static_cast<std::uint64_t>(rate)) + "/s";
        out += "  " + std::to_string(static_cast<std::uint64_t>(static_cast<double>(left) / rate)) + " s remain";
    }
    return out + (errors == 0 ? "" : "  " + std::to_string(errors) + " failed");
}

void show(const std::string& line) {
    std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
    std::fflush(stderr);
}

// Nullopt: it has been said what is wrong, and `status` is the exit.
std::optional<serve::Answer> answer_of(const Remote& remote, Words words, int& status) {
    std::string problem;
    auto answer = remote.try_ask("warm", std::move(words), problem);
    if (!answer) {
        complain("larder warm: " + problem);
        status = exit_unreachable;
        return std::nullopt;
    }
    return answer;
}

int follow(Remote remote, const Words& ids) {
    Words words{"runs"};
    words.insert(words.end(), ids.begin(), ids.end());
    const bool shows = ::isatty(STDERR_FILENO) != 0 && !remote.json;
    Remote asking = remote;
    asking.json = true;
    int status = exit_fine;
    for (;;) {
        const auto answer = answer_of(asking, words, status);
        if (!answer) return status;
        const json::value runs = json::parse(answer->out);
        if (shows) show(progress_line(runs));
        if (all_over(runs)) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    if (shows) complain("");
    return remote.ask("warm", std::move(words));
}

}  // namespace

int run_plan_warm(Words words) {
    CLI::App app;
    describe(app, "plan warm",
             "Tells what warm items that learn would make until their next run, and when. Makes nothing.");
    Remote remote;
    std::string space;
    remote.add_to(app);
    app.add_option("NAMESPACE", space, "else of all that learn");
    if (const auto status = parse(app, std::move(words))) return *status;
    return remote.ask("warm", space.empty() ? Words{"plan"} : Words{"plan", space});
}

int run_warm(Words words) {
    CLI::App app;
    describe(app, "warm",
             "Makes the entries of warm items now, shows how far that got, and ends with a receipt. What\n"
             "is fresh is left as it is.");
    Remote remote;
    Words spaces;
    bool force = false, no_wait = false, runs = false, items = false, patterns = false, week = false;
    remote.add_to(app);
    app.add_option("NAMESPACE", spaces, "with its children; else all warm items");
    app.add_flag("--force", force, "also what is fresh");
    app.add_flag("--no-wait", no_wait, "only begin, and print the numbers of the runs");
    app.add_flag("--runs", runs, "show the runs that go on, and the last that are over");
    app.add_flag("--items", items, "show the warm items of the policy, and when each runs next");
    app.add_flag("--patterns", patterns, "show what was learnt of who asks for what, as JSON");
    app.add_flag("--week", week, "show its weekly report, as JSON");
    if (const auto status = parse(app, std::move(words))) return *status;
    if (patterns || week) return remote.ask("warm", {week ? "week" : "analysis"});
    if (runs) return remote.ask("warm", {"runs"});
    if (items) return remote.ask("warm", {"items"});
    Words start{"start"};
    if (force) start.emplace_back("force");
    start.insert(start.end(), spaces.begin(), spaces.end());
    int status = exit_fine;
    const auto begun = answer_of(remote, std::move(start), status);
    if (!begun) return status;
    if (begun->exit != 0) {
        complain(begun->err);
        return begun->exit;
    }
    if (no_wait) {
        print(begun->out);
        return exit_fine;
    }
    Words ids;
    for (std::size_t at = 0; at < begun->out.size();) {
        const std::size_t end = begun->out.find_first_of(" \n", at);
        ids.push_back(begun->out.substr(at, end - at));
        at = end == std::string::npos ? begun->out.size() : end + 1;
    }
    return follow(std::move(remote), ids);
}

}  // namespace larder::cli
