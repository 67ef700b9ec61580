// kernel/api/kernel_reports.cpp -- what a kernel says of itself.
#include "kernel/api/explanation.hpp"
#include "kernel/api/kernel_impl.hpp"

#include <larder/plugin/gateway.h>

#include <boost/json.hpp>

#include <algorithm>

namespace larder {

std::string Kernel::Impl::explain(std::string_view what, bool& ok) const {
    const auto now = cache->policy();
    if (!now) {
        ok = false;
        return "no policy is installed\n";
    }
    return api::explanation(*now, cache.get(), what, ok);
}

std::string Kernel::Impl::stats(std::string_view section) const {
    namespace json = boost::json;
    const bool all = section.empty();
    json::object out;
    if (all || (section != "kernel" && section != "plugins")) {
        json::error_code error;
        json::value engine = json::parse(cache->stats_json(section), error);
        if (!all) return json::serialize(engine);
        if (engine.is_object()) out = std::move(engine.as_object());
    }
    if (all || section == "kernel") {
        const auto now = cache->policy();
        json::object kernel{{"version", larder::version}};
        kernel["uptime_ms"] = started ? (clock->mono_ns() - started_ns) / 1'000'000 : 0;
        kernel["log_lines_lost"] = log->lost();
        if (now) {
            kernel["policy"] = json::array(now->files.begin(), now->files.end());
            kernel["profile"] = now->profile;
            kernel["namespaces"] = now->namespaces.size();
            kernel["rules"] = now->rules.size();
        }
        const PolicyRunning runs = running_policy();
        kernel["policy_id"] = runs.record.id;
        kernel["policy_origin"] = runs.record.origin;
        kernel["policy_by"] = runs.record.by;
        kernel["policy_since_ms"] = runs.record.at_ms;
        kernel["policy_watched"] = runs.watched;
        kernel["policy_applies"] = runs.applies;
        kernel["policy_returns"] = runs.returns;
        kernel["policy_refusals"] = runs.refusals;
        const std::lock_guard<std::mutex> lock(state_mutex);
        kernel["policy_generation"] = generation;
        kernel["warnings"] = json::array(warnings.begin(), warnings.end());
        out["kernel"] = std::move(kernel);
    }
    if (all || section == "plugins") {
        static constexpr const char* states[] = {"ok", "degraded", "down"};
        json::object instances;
        for (const config::Node& node : nodes()) {
            const auto health = node.instance->health();
            const auto state = static_cast<std::size_t>(std::clamp(health.state, 0, 2));
            instances[node.instance->title()] = {{"plugin", node.instance->component()},
                                                 {"id", node.instance->module().manifest().id},
                                                 {"version", node.instance->module().manifest().version},
                                                 {"health", states[state]},
                                                 {"message", health.message},
                                                 {"misbehaved", node.instance->sins()}};
        }
        out["plugins"] = std::move(instances);
        json::error_code ignored;
        out["plugin_metrics"] = json::parse(services->metrics().json(), ignored);
    }
    return json::serialize(out);
}

const Clock& Kernel::clock() const { return *impl_->clock; }

std::uint64_t Kernel::uptime_ms() const {
    return impl_->started_ns == 0 ? 0 : (impl_->clock->mono_ns() - impl_->started_ns) / 1'000'000;
}

void Kernel::log(int level, std::string_view source, std::string_view text) const {
    impl_->log->write(level, source, text);
}

void Kernel::count_admin(std::string_view endpoint, unsigned status) {
    const std::lock_guard<std::mutex> lock(impl_->state_mutex);
    ++impl_->admin_requests[{std::string(endpoint), status}];
}

std::vector<std::string> Kernel::warnings() const {
    const std::lock_guard<std::mutex> lock(impl_->state_mutex);
    return impl_->warnings;
}

std::vector<std::pair<std::string, std::string>> Kernel::addresses() const {
    std::vector<std::pair<std::string, std::string>> out;
    for (const config::Node& node : impl_->nodes()) {
        if (node.section != config::Section::gateway) continue;
        const auto& table = node.instance->table<larder_gateway_v1>();
        char text[256];
        for (std::uint32_t i = 0;
             i < 64 && table.address(node.instance->self(), i, text, sizeof text) == LARDER_OK; ++i)
            out.emplace_back(node.instance->name(), text);
    }
    return out;
}

std::string Kernel::explain(std::string_view what, bool& ok) const {
    return impl_->explain(what, ok);
}
std::string Kernel::stats(std::string_view section) const { return impl_->stats(section); }

}  // namespace larder
