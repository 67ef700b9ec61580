// kernel/serve/endpoints_policy.cpp -- the policy over HTTP: which one runs, plans, changes, the way back.
#include "kernel/loader/quantity.hpp"
#include "kernel/serve/endpoints.hpp"
#include "kernel/serve/figures_json.hpp"
#include "kernel/serve/policy_json.hpp"

#include <optional>

namespace larder::serve {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& from, const char* name) {
    const auto* const value = from.if_contains(name);
    const auto* const text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

// The body's `files`: [{"name": ..., "text": ...}]; none: those of larder.toml. Nullopt: they are none.
std::optional<PolicySource> source_of(const json::object& body) {
    PolicySource out;
    if (const std::string kept = text_of(body, "kept"); !kept.empty()) {
        out.from = PolicySource::From::kept;
        out.kept = kept == "newest" ? "" : kept;
        return out;
    }
    const auto* const files = body.if_contains("files");
    if (files == nullptr || files->is_null()) return out;
    if (!files->is_array()) return std::nullopt;
    out.from = PolicySource::From::texts;
    for (const json::value& one : files->get_array()) {
        const auto* const file = one.if_object();
        if (file == nullptr || file->if_contains("name") == nullptr || file->if_contains("text") == nullptr) return std::nullopt;
        out.texts.files.emplace_back(text_of(*file, "name"), text_of(*file, "text"));
    }
    return out;
}

// "1m", "0" for not at all; nullopt: neither.
std::optional<std::chrono::milliseconds> watch_of(const json::object& body, std::chrono::milliseconds usual) {
    const auto* const value = body.if_contains("watch");
    if (value == nullptr || value->is_null()) return usual;
    const std::string text = text_of(body, "watch");
    if (text == "0" || (value->is_int64() && value->get_int64() == 0)) return std::chrono::milliseconds(0);
    const auto ns = loader::duration_ns(text);
    if (!ns || *ns < 0) return std::nullopt;
    return std::chrono::milliseconds(*ns / 1'000'000);
}

unsigned code_of(PolicyApplied::End end) {
    switch (end) {
        case PolicyApplied::End::refused: return 428;
        case PolicyApplied::End::conflict: return 409;
        case PolicyApplied::End::invalid: return 422;
        case PolicyApplied::End::stopped: return 503;
        default: return 200;
    }
}

HttpReply change(const Ask& ask, PolicyOrder order) {
    order.by = std::string(ask.who);
    const PolicyApplied applied = ask.kernel.apply_policy(order);
    json::object out = applied_json(applied);
    if (!applied.good()) out["error"] = applied.text;
    return reply(std::move(out), code_of(applied.end));
}

constexpr const char* bad_files = "files is a list of {\"name\", \"text\"}";
constexpr const char* bad_watch = "watch is a duration like \"1m\", or 0";

}  // namespace

HttpReply policy(const Ask& ask) {
    const auto now = ask.kernel.cache().policy();
    const PolicyRunning running = ask.kernel.running_policy();
    json::object out = running_json(running);
    out["files"] = texts_json(running.record.texts);
    out["profile"] = now->profile;
    out["fingerprint"] = std::to_string(now->fingerprint);
    out["rules"] = rules_json(ask.kernel.cache().figures());
    return reply(std::move(out));
}

HttpReply plan_policy(const Ask& ask) {
    const auto source = source_of(ask.body);
    if (!source) return refusal(400, bad_files);
    const PolicyPlanned planned = ask.kernel.plan_policy(*source);
    if (!planned.ok) return reply({{"success", false}, {"error", planned.text}}, 422);
    json::error_code error;
    return reply({{"success", true},
                  {"changes", planned.changes},
                  {"needs_confirm", planned.needs_confirm},
                  {"plan", json::parse(planned.json, error)}});
}

HttpReply apply_policy(const Ask& ask) {
    const auto source = source_of(ask.body);
    const auto watch = watch_of(ask.body, std::chrono::minutes(1));
    if (!source || source->from == PolicySource::From::kept) return refusal(400, bad_files);
    if (!watch) return refusal(400, bad_watch);
    const auto* const confirm = ask.body.if_contains("confirm");
    PolicyOrder order;
    order.source = *source;
    order.watch = *watch;
    order.running = text_of(ask.body, "running");
    order.confirm = ask.confirmed || (confirm != nullptr && confirm->is_bool() && confirm->get_bool());
    return change(ask, std::move(order));
}

HttpReply roll_back(const Ask& ask) {
    const auto watch = watch_of(ask.body, std::chrono::milliseconds(0));
    if (!watch) return refusal(400, bad_watch);
    PolicyOrder order;
    order.source.from = PolicySource::From::kept;
    order.source.kept = text_of(ask.body, "to");
    order.watch = *watch;
    return change(ask, std::move(order));
}

HttpReply reload(const Ask& ask) {
    const ReloadResult result = ask.kernel.reload();
    if (!result.ok) return reply({{"success", false}, {"error", result.text}}, 422);
    return reply({{"success", true}, {"message", result.text}});
}

}  // namespace larder::serve
