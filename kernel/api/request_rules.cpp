// kernel/api/request_rules.cpp -- a request that plugins judge beside the policy.
#include "kernel/api/request_rules.hpp"

#include "kernel/api/cache_service.hpp"

#include <larder/plugin/invalidator.h>

#include <boost/json.hpp>

#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::api {
namespace {

// Targets whose texts are ours, by action.
class Collected {
  public:
    void add(std::uint32_t action, const larder_target& target) {
        if (action >= by_action_.size() || target.kind > LARDER_TARGET_EVERYTHING) return;
        std::string& text = texts_.emplace_back();
        if (target.what.size != 0)
            text.assign(static_cast<const char*>(target.what.data), target.what.size);
        by_action_[action].push_back({target.kind, target.ns, {text.data(), text.size()}});
    }
    const std::vector<larder_target>& of(std::uint32_t action) const { return by_action_[action]; }

    // As a plugin fills it. failed: memory ran out, and a target is missing.
    larder_inv_sink sink() {
        larder_inv_sink out{};
        out.struct_size = sizeof out;
        out.ctx = this;
        out.add = [](void* ctx, std::uint32_t action, const larder_target* target) noexcept {
            auto& me = *static_cast<Collected*>(ctx);
            try {
                me.add(action, *target);
            } catch (...) {
                me.failed = true;
            }
        };
        return out;
    }
    bool failed = false;

  private:
    std::deque<std::string> texts_;
    std::array<std::vector<larder_target>, LARDER_REFRESH + 1> by_action_;
};

boost::json::value taken_json(larder_receipt& receipt) {
    boost::json::value out;
    if (receipt.json.data != nullptr) {
        boost::json::error_code ignored;
        out = boost::json::parse({static_cast<const char*>(receipt.json.data), receipt.json.size},
                                 ignored);
    }
    if (receipt.json.release != nullptr) receipt.json.release(&receipt.json);
    receipt.json = {};
    return out;
}

void merge(larder_receipt& into, larder_receipt& from) {
    into.dropped += from.dropped;
    into.expired += from.expired;
    into.refreshed += from.refreshed;
    into.warmed += from.warmed;
    into.took_ns += from.took_ns;
    boost::json::value part = taken_json(from);
    if (into.want_json == 0) return;
    boost::json::value whole = taken_json(into);
    if (!whole.is_object()) whole = boost::json::object{};
    auto& plugins = whole.as_object()["plugins"];
    if (!plugins.is_array()) plugins = boost::json::array{};
    plugins.as_array().push_back(std::move(part));
    give_text(boost::json::serialize(whole), into.json);
}

}  // namespace

void ask_invalidators(const std::vector<config::Node>& nodes, config::Log& log,
                      const larder_request& request, const KernelSide::Add& add) {
    for (const config::Node& node : nodes) {
        if (node.section != config::Section::invalidator ||
            (node.instance->caps() & LARDER_INV_CAP_RULES) == 0)
            continue;
        Collected collected;
        const larder_inv_sink sink = collected.sink();
        const auto& table = node.instance->table<larder_invalidator_v1>();
        if (table.on_request(node.instance->self(), &request, &sink) != LARDER_OK ||
            collected.failed) {
            log.write(LARDER_LOG_WARN, "kernel",
                      node.instance->title() + " failed on a request and drops nothing for it");
            continue;
        }
        for (std::uint32_t action = LARDER_DROP; action <= LARDER_REFRESH; ++action)
            for (const larder_target& target : collected.of(action)) add(action, target);
    }
}

larder_status request_with_plugins(KernelServices& services, const larder_request& request,
                                   larder_receipt* receipt, const larder_call& call) {
    const larder_status first = services.engine().request(request, receipt, &call);
    if (first < 0) return first;
    Collected collected;
    services.side().ask_request_rules(
        request, [&](std::uint32_t action, const larder_target& target) {
            collected.add(action, target);
        });
    for (std::uint32_t action = LARDER_DROP; action <= LARDER_REFRESH; ++action) {
        const auto& targets = collected.of(action);
        if (targets.empty()) continue;
        larder_receipt part{};
        part.struct_size = sizeof part;
        part.want_json = receipt == nullptr ? 0 : receipt->want_json;
        const larder_status status =
            services.engine().change(action, targets.data(), targets.size(), &part, &call);
        if (receipt != nullptr)
            merge(*receipt, part);
        else
            taken_json(part);
        if (status < 0) return status;
    }
    return first;
}

}  // namespace larder::api
