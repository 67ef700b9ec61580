// kernel/serve/policy_json.cpp -- which policy runs, and what a change of it came to, as JSON.
#include "kernel/serve/policy_json.hpp"

#include <boost/json.hpp>

#include <array>

namespace larder::serve {
namespace {

namespace json = boost::json;

json::object head_of(const PolicyRecord& record) {
    json::array names;
    for (const auto& file : record.texts.files) names.emplace_back(file.first);
    return {{"id", record.id}, {"origin", record.origin}, {"by", record.by}, {"since_ms", record.at_ms}, {"names", std::move(names)}};
}

}  // namespace

json::array texts_json(const PolicyTexts& texts) {
    json::array out;
    for (const auto& [name, text] : texts.files) out.push_back(json::object{{"name", name}, {"text", text}});
    return out;
}

json::object running_json(const PolicyRunning& running) {
    json::object out = head_of(running.record);
    out["watched"] = running.watched;
    out["watch_ms"] = running.watch_ms;
    out["left_ms"] = running.left_ms;
    out["progress"] = running.progress;
    out["last_watched"] = running.last_id;
    out["last_returned"] = running.last_returned;
    out["last"] = running.last;
    out["applies"] = running.applies;
    out["returns"] = running.returns;
    out["refusals"] = running.refusals;
    json::array kept;
    for (const PolicyRecord& one : running.kept) kept.push_back(head_of(one));
    out["kept"] = std::move(kept);
    return out;
}

std::string_view word_of(PolicyApplied::End end) {
    static constexpr std::array<std::string_view, 6> words{"applied", "nothing", "refused", "conflict", "invalid", "stopped"};
    return words[static_cast<std::size_t>(end)];
}

json::object applied_json(const PolicyApplied& applied) {
    return {{"success", applied.good()},
            {"end", word_of(applied.end)},
            {"running", applied.running},
            {"watched_ms", applied.watched.count()},
            {"message", applied.text}};
}

}  // namespace larder::serve
