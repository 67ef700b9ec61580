// kernel/replay/replay.cpp -- traffic of a file through one policy, or through two.
#include "kernel/replay/replay.hpp"

#include "kernel/replay/trace_reader.hpp"

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
    bool has_costs = false, cut = false;

    void through_trace(std::string_view file, std::uint64_t most) {
        TraceReader trace(file);
        if (!trace.open()) return;  // replay_trace() has opened it
        const double began = processor_seconds();
        std::uint64_t version = 0;
        Operation op;
        for (; most > 0 && trace.next(op); --most) {
            if (trace.version() != version) [[unlikely]] {
                stage->bind(trace.spaces());
                version = trace.version();
            }
            stage->play(op);
        }
        cut = most == 0 && trace.next(op);
        tally = stage->finish();
        tally.seconds = processor_seconds() - began;
    }
    void through_log(std::string_view text, const AccessLogOptions& options, std::uint64_t most) {
        const double began = processor_seconds();
        AccessLog log(text, options);
        Operation op;
        for (; most > 0 && log.next(op); --most) stage->play(op);
        cut = most == 0 && log.next(op);
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

// Nullopt: what went wrong in one of them is in `problem`.
template <class Run>
bool run_ways(Way& way, Way* other, const Run& run, std::string& problem) {
    run_both(way, other, run);
    if (way.problem.empty() && (other == nullptr || other->problem.empty())) return true;
    problem = (way.problem.empty() ? other->problem : way.problem) + "\n";
    return false;
}

// What was recorded, as a tally.
Tally recorded(TraceReader& trace, std::uint64_t most) {
    Tally out;
    const auto space = [&](std::uint32_t at) -> SpaceTally& {
        const std::string& name = trace.spaces()[at].name;
        if (at < out.spaces.size() && out.spaces[at].name == name) return out.spaces[at];
        for (SpaceTally& one : out.spaces)
            if (one.name == name) return one;
        SpaceTally made;
        made.name = name;
        out.spaces.push_back(std::move(made));
        return out.spaces.back();
    };
    for (Operation op; most > 0 && trace.next(op); --most) {
        ++out.operations;
        out.lasted_ms = op.at_ms;
        const bool known = op.space < trace.spaces().size();
        switch (op.kind) {
            case OperationKind::get:
                if (!known) break;
                ++(op.outcome == Outcome::hit ? space(op.space).hits
                   : op.outcome == Outcome::miss ? space(op.space).misses
                   : op.outcome == Outcome::stale ? space(op.space).stale
                                                  : space(op.space).absent);
                break;
            case OperationKind::put: {
                if (!known) break;
                SpaceTally& tally = space(op.space);
                ++tally.puts;
                if (!op.fill) break;
                ++tally.loads;
                tally.load_us += op.cost_us;
                tally.timed_loads += op.cost_us != 0 ? 1 : 0;
                break;
            }
            case OperationKind::remove:
                if (known) ++space(op.space).removes;
                break;
            case OperationKind::request: ++out.requests; break;
            case OperationKind::ask: out.passed += op.served ? 0 : 1; break;
            case OperationKind::event: ++out.events; break;
            case OperationKind::change: ++out.changes; break;
            case OperationKind::lost: out.lost += op.count; break;
            default: break;
        }
    }
    return out;
}

// Stores have the sizes they had, unless somebody said others; of one key in so many, as many times less.
StageOptions sized(StageOptions options, const TraceHead& head) {
    if (options.memory_given) return options;
    for (const auto& [name, bytes] : head.stores)
        if (bytes != 0) options.store_bytes.emplace(name, bytes / head.sample);
    options.memory_bytes /= head.sample;
    options.below_bytes /= head.sample;
    return options;
}

std::optional<Replayed> replay_trace(std::string_view text, const ReplayOptions& options, std::string& problem) {
    TraceReader trace(text);
    if (!trace.open()) {
        problem = trace.problem() + "\n";
        return std::nullopt;
    }
    const TraceHead& head = trace.head();
    const auto stage_of = [&](const StageOptions& given) {
        StageOptions with = sized(given, head);
        with.began_ms = head.began_ms;
        return Stage::open(with, head.fingerprint, problem);
    };
    Way way, other;
    if (!(way.stage = stage_of(options.stage))) return std::nullopt;
    if (options.against && !(other.stage = stage_of(*options.against))) return std::nullopt;
    if (!run_ways(way, options.against ? &other : nullptr, [&](Way& one) { one.through_trace(text, options.most); }, problem)) return std::nullopt;
    Replayed out;
    out.facts.what = "trace";
    out.facts.is_trace = true;
    out.facts.began_ms = head.began_ms;
    out.facts.sample = head.sample;
    out.facts.recorded_policy = head.fingerprint;
    out.tried = std::move(way.tally);
    out.facts.cut = way.cut;
    if (options.against) {
        out.against = std::move(other.tally);
        Operation op;
        while (trace.next(op)) {}
    } else {
        out.against = recorded(trace, options.most);
        out.against_is_recorded = true;
    }
    out.facts.problem = trace.problem();
    return out;
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
    if (!(way.stage = Stage::open(tried, 0, problem))) return std::nullopt;
    if (options.against) {
        StageOptions against = *options.against;
        against.began_ms = tried.began_ms;
        if (!(other.stage = Stage::open(against, 0, problem))) return std::nullopt;
    }
    if (!run_ways(way, options.against ? &other : nullptr, [&](Way& one) { one.through_log(text, how, options.most); }, problem)) return std::nullopt;
    out.facts.lines = way.lines;
    out.facts.bad = way.bad;
    out.facts.first_bad = way.first_bad;
    out.tried = std::move(way.tally);
    out.facts.cut = way.cut;
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
    return is_trace(text) ? replay_trace(text, options, problem) : replay_log(text, options, problem);
}

}  // namespace larder::replay
