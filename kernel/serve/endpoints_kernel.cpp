// kernel/serve/endpoints_kernel.cpp -- larder's own endpoints: live figures, the policy, events, metrics.
#include "kernel/serve/endpoints.hpp"
#include "kernel/serve/figures_json.hpp"

#include "kernel/api/version.hpp"

#include <larder/plugin/services.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace larder::serve {
namespace {

namespace json = boost::json;

std::uint64_t after_of(const Ask& ask) {
    const std::string_view text = ask.parameter("after");
    std::uint64_t after = 0;
    std::from_chars(text.data(), text.data() + text.size(), after);
    return after;
}

// Events after a number, of one type or of all (""), the last `most` of them.
json::array events_after(Kernel& kernel, std::uint64_t after, std::string_view type, std::size_t most, std::uint64_t& last) {
    json::array out;
    last = kernel.cache().each_event(after, [&](std::uint64_t at, std::uint64_t at_ms, int severity, std::string_view what, std::string_view text) {
        if (!type.empty() && what != type) return;
        if (out.size() >= most) out.erase(out.begin());
        out.push_back({{"number", at},
                       {"at_ms", at_ms},
                       {"severity", severity},
                       {"type", json::string_view(what.data(), what.size())},
                       {"text", json::string_view(text.data(), text.size())}});
    });
    return out;
}

json::array rules_of(const Figures& figures) {
    json::array out;
    for (const RuleFigures& rule : figures.rules)
        out.push_back({{"file", rule.file}, {"line", rule.line}, {"rule", rule.head}, {"fired", rule.fired}});
    return out;
}

json::object changes_of(const Figures& figures) {
    json::object out;
    for (std::size_t scope = 0; scope < change_scope_words.size(); ++scope) {
        json::object by_cause;
        for (std::size_t cause = 0; cause < change_cause_words.size(); ++cause)
            by_cause[change_cause_words[cause]] = figures.changes[scope][cause];
        out[change_scope_words[scope]] = std::move(by_cause);
    }
    return out;
}

}  // namespace

HttpReply live(const Ask& ask) {
    const Figures figures = ask.kernel.cache().figures();
    json::object spaces, tiers;
    for (const SpaceFigures& space : figures.spaces) spaces[space.counts.name] = space_json(space);
    for (const TierFigures& tier : figures.tiers) tiers[tier.name] = tier_json(tier);
    std::uint64_t last = 0;
    json::array dropped = events_after(ask.kernel, after_of(ask), "invalidate", 100, last);
    return reply({{"at_ms", figures.wall_ms},
                  {"mono_ms", figures.mono_ns / 1'000'000},
                  {"version", version},
                  {"uptime_seconds", ask.kernel.uptime_ms() / 1000},
                  {"overall", summary(under(figures, ""))},
                  {"namespaces", std::move(spaces)},
                  {"tiers", std::move(tiers)},
                  {"rules", rules_of(figures)},
                  {"changes", changes_of(figures)},
                  {"invalidations", std::move(dropped)},
                  {"last_event", last}});
}

HttpReply policy(const Ask& ask) {
    const auto now = ask.kernel.cache().policy();
    json::array files;
    for (const std::string& name : now->files) {
        json::object file{{"name", name}};
        std::ifstream in(name, std::ios::binary);
        std::error_code ignored;
        if (in && std::filesystem::file_size(name, ignored) <= (8u << 20)) {
            std::ostringstream text;
            text << in.rdbuf();
            file["text"] = text.str();
        } else {
            file["text"] = nullptr;
        }
        files.push_back(std::move(file));
    }
    return reply({{"files", std::move(files)},
                  {"profile", now->profile},
                  {"fingerprint", std::to_string(now->fingerprint)},
                  {"rules", rules_of(ask.kernel.cache().figures())}});
}

HttpReply plugins(const Ask& ask) {
    json::error_code error;
    const json::value read = json::parse(ask.kernel.stats("plugins"), error);
    return error || !read.is_object() ? refusal(500, "the kernel failed; its log says more") : reply(read.get_object());
}

HttpReply events(const Ask& ask) {
    std::uint64_t last = 0;
    json::array found = events_after(ask.kernel, after_of(ask), ask.parameter("type"), 1000, last);
    return reply({{"events", std::move(found)}, {"last", last}});
}

HttpReply explain(const Ask& ask) {
    bool ok = false;
    std::string text = ask.kernel.explain(ask.parameter("what"), ok);
    if (!ok) return refusal(400, std::move(text));
    return reply({{"success", true}, {"text", std::move(text)}});
}

HttpReply sessions(const Ask&) { return not_here("sessions are parsed and checked; what runs them is not built yet"); }

HttpReply metrics(const Ask&) { return not_here("no exporter is configured"); }

HttpReply description(const Ask& ask) { return reply(openapi(ask.options)); }

}  // namespace larder::serve
