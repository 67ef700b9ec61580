// kernel/replay/replay.cpp -- traffic of a file through one policy, or through two.
#include "kernel/replay/replay.hpp"

#include <ctime>
#include <exception>
#include <thread>

namespace larder::replay {
namespace {

// Of this thread: what others do on the machine is not in it.
double processor_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// One policy's way through the file.
struct Way {
    std::unique_ptr<Stage> stage;
    Tally tally;
    std::string problem;
    std::uint64_t lines = 0, bad = 0;
    std::vector<BadLine> first_bad;
    bool has_costs = false;

    void through_log(std::string_view text, const AccessLogOptions& options) {
        const double began = processor_seconds();
        AccessLog log(text, options);
        Operation op;
        while (log.next(op)) stage->play(op);
        tally = stage->finish();
        tally.seconds = processor_seconds() - began;
        lines = log.lines();
        bad = log.bad();
        first_bad = log.first_bad();
        has_costs = log.has_costs();
    }
};

template <class Run>
void run_both(Way& first, Way* second, const Run& run) {
    const auto guarded = [&](Way& way) {
        try {
            run(way);
        } catch (const std::exception& error) {
            way.problem = error.what();
        }
    };
    if (second == nullptr) return guarded(first);
    std::thread other([&] { guarded(*second); });
    guarded(first);
    other.join();
}

std::optional<Replayed> replay_log(std::string_view text, const ReplayOptions& options, std::string& problem) {
    AccessLogOptions how = options.log;
    const auto format = options.format ? options.format : detect_log_format(text);
    if (!format) {
        problem = "it is neither a trace nor a log in common, combined or uvicorn's format\n";
        return std::nullopt;
    }
    how.format = *format;
    AccessLog first(text, how);
    Operation op;
    if (!first.next(op)) {
        problem = "no line of it is one of a log in " + std::string(name_of(how.format)) + " format\n";
        return std::nullopt;
    }
    Replayed out;
    out.facts.what = "access log, " + std::string(name_of(how.format));
    out.facts.began_ms = first.began_ms();
    StageOptions tried = options.stage;
    if (first.began_ms() != 0) tried.began_ms = first.began_ms();
    Way way, other;
    if (!(way.stage = Stage::open(tried, false, problem))) return std::nullopt;
    if (options.against) {
        StageOptions against = *options.against;
        against.began_ms = tried.began_ms;
        if (!(other.stage = Stage::open(against, false, problem))) return std::nullopt;
    }
    run_both(way, options.against ? &other : nullptr, [&](Way& one) { one.through_log(text, how); });
    if (!way.problem.empty() || !other.problem.empty()) {
        problem = (way.problem.empty() ? other.problem : way.problem) + "\n";
        return std::nullopt;
    }
    out.facts.lines = way.lines;
    out.facts.bad = way.bad;
    out.facts.first_bad = way.first_bad;
    out.tried = std::move(way.tally);
    if (options.against) out.against = std::move(other.tally);
    auto& unknowable = out.facts.unknowable;
    unknowable.push_back("headers and bodies: a rule that takes a value from one drops more here than it would (its whole namespace)");
    if (!first.has_times()) unknowable.push_back("times: lines are taken to come evenly, as many a second as --rate says");
    if (!first.has_times()) unknowable.push_back("sizes: every answer is taken to have as many bytes as --value-bytes says");
    if (!way.has_costs) unknowable.push_back("how long answers took: loads are counted, not timed");
    unknowable.push_back("events, and what the application dropped by itself");
    return out;
}

}  // namespace

std::optional<Replayed> replay(std::string_view text, const ReplayOptions& options, std::string& problem) {
    return replay_log(text, options, problem);
}

}  // namespace larder::replay
