// kernel/serve/policy_verbs.cpp -- what the admin socket answers about the policy and its changes.
#include "kernel/serve/policy_verbs.hpp"

#include "kernel/api/policy_changes.hpp"
#include "kernel/serve/policy_json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace larder::serve {
namespace {

namespace json = boost::json;

std::optional<PolicySource> source_of(std::span<const std::string> words) {
    PolicySource out;
    if (words.size() == 1 && words[0] == "files") return out;
    if (words.size() == 2 && words[0] == "kept") {
        out.from = PolicySource::From::kept;
        out.kept = words[1];
        return out;
    }
    if (words.size() < 3 || words.size() % 2 == 0 || words[0] != "texts") return std::nullopt;
    out.from = PolicySource::From::texts;
    for (std::size_t i = 1; i + 1 < words.size(); i += 2) out.texts.files.emplace_back(words[i], words[i + 1]);
    return out;
}

std::string ago(std::uint64_t now_ms, std::uint64_t at_ms) {
    const std::uint64_t s = now_ms > at_ms ? (now_ms - at_ms) / 1000 : 0;
    return api::duration_text(std::chrono::seconds(s)) + " ago";
}

std::string names_of(const PolicyTexts& texts) {
    std::string out;
    for (const auto& file : texts.files) (out += out.empty() ? "" : ", ") += file.first;
    return out;
}

std::string came(const PolicyRecord& record) { return record.origin + (record.by.empty() ? "" : " by " + record.by); }

std::string shown(const PolicyRunning& running, std::uint64_t now_ms) {
    const PolicyRecord& now = running.record;
    std::string out = now.id + "  " + came(now) + ", " + ago(now_ms, now.at_ms) + "  " + names_of(now.texts) + "\n";
    if (running.watched)
        out += "  watched for another " + api::duration_text(std::chrono::milliseconds(running.left_ms / 1000 * 1000)) + ": " + running.progress + "\n";
    else if (!running.last_id.empty())
        out += "  " + running.last_id + (running.last_returned ? " was taken back: " : " was watched and stayed: ") + running.last + "\n";
    if (!running.kept.empty()) out += "before it, newest first; `larder rollback` goes back:\n";
    for (const PolicyRecord& one : running.kept) out += "  " + one.id + "  " + came(one) + ", from " + ago(now_ms, one.at_ms) + "  " + names_of(one.texts) + "\n";
    return out;
}

Answer texts_answer(const PolicyRunning& running, const std::string& id, bool as_json) {
    const PolicyRecord* found = id.empty() || id == running.record.id ? &running.record : nullptr;
    for (const PolicyRecord& one : running.kept)
        if (found == nullptr && one.id == id) found = &one;
    if (found == nullptr) return {1, "", "no policy that is kept has the id " + id + "; `larder policy` lists them\n"};
    if (as_json) return {0, json::serialize(json::object{{"id", found->id}, {"files", texts_json(found->texts)}}) + "\n", ""};
    std::string out;
    for (const auto& [name, text] : found->texts.files) {
        if (found->texts.files.size() > 1) out += "# ---- " + name + "\n";
        out += text;
        if (!text.empty() && !text.ends_with('\n')) out += '\n';
    }
    return {0, std::move(out), ""};
}

}  // namespace

Answer policy_verb(Kernel& kernel, std::span<const std::string> words, bool as_json) {
    const PolicyRunning running = kernel.running_policy();
    if (!words.empty() && words[0] == "text" && words.size() <= 2) return texts_answer(running, words.size() == 2 ? words[1] : "", as_json);
    if (!words.empty()) return {2, "", "policy takes `text` and an id, or nothing\n"};
    if (as_json) return {0, json::serialize(running_json(running)) + "\n", ""};
    return {0, shown(running, kernel.clock().wall_ms()), ""};
}

Answer plan_verb(Kernel& kernel, std::span<const std::string> words, bool as_json) {
    const auto source = source_of(words);
    if (!source) return {2, "", "plan takes files, kept and an id, or texts and pairs of names and texts\n"};
    const PolicyPlanned planned = kernel.plan_policy(*source);
    if (!planned.ok) return {2, "", planned.text};
    return {planned.changes ? 1 : 0, as_json ? planned.json : planned.text, ""};
}

Answer apply_verb(Kernel& kernel, std::span<const std::string> words, bool as_json) {
    PolicyOrder order;
    std::int64_t watch_ms = 0;
    const auto source = words.size() < 5 ? std::nullopt : source_of(words.subspan(4));
    if (!source) return {2, "", "apply takes RUNNING CONFIRM WATCH_MS BY and a source\n"};
    const auto [end, error] = std::from_chars(words[2].data(), words[2].data() + words[2].size(), watch_ms);
    if (error != std::errc{} || end != words[2].data() + words[2].size() || watch_ms < 0 || watch_ms > longest_policy_watch.count())
        return {2, "", "apply: a policy is watched for 0 ms to a day\n"};
    order.source = *source;
    order.running = words[0];
    order.confirm = words[1] == "1";
    order.watch = std::chrono::milliseconds(watch_ms);
    order.by = words[3].substr(0, 256);
    const PolicyApplied applied = kernel.apply_policy(order);
    const int exit = applied.good() ? 0 : 1;
    if (as_json) return {exit, json::serialize(applied_json(applied)) + "\n", ""};
    return applied.good() ? Answer{0, applied.text, ""} : Answer{1, "", applied.text};
}

}  // namespace larder::serve
