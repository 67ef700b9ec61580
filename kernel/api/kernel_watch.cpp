// kernel/api/kernel_watch.cpp -- what a kernel watches of itself: alerts, history, metrics for exporters.
#include "kernel/api/families.hpp"
#include "kernel/api/kernel_impl.hpp"

#include <larder/plugin/exporter.h>
#include <larder/plugin/info.h>

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>

namespace larder {
namespace {

namespace json = boost::json;

std::uint64_t number(std::string_view text) {
    std::uint64_t n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
}

json::object json_of(const AlertNotice& notice) {
    json::array readings;
    for (const AlertReading& reading : notice.state.readings)
        readings.push_back({{"condition", reading.text}, {"value", reading.value ? json::value(*reading.value) : json::value(nullptr)}, {"holds", reading.holds}});
    return {{"type", notice.state.name},
            {"state", notice.state.firing ? "firing" : "resolved"},
            {"condition", notice.state.condition},
            {"doc", notice.state.doc},
            {"where", notice.state.where},
            {"at_ms", notice.at_ms},
            {"readings", std::move(readings)}};
}

std::string line_of(const AlertNotice& notice) {
    std::string out = "alert " + notice.state.name + (notice.state.firing ? " fires: " : " is resolved: ") + notice.state.condition;
    for (const AlertReading& reading : notice.state.readings)
        if (reading.value) out += " (" + std::to_string(*reading.value) + ")";
    return out;
}

}  // namespace

std::vector<StoreInfo> Kernel::Impl::store_infos() const {
    std::vector<StoreInfo> out;
    for (const config::Node& node : nodes()) {
        if (node.section != config::Section::store) continue;
        const auto* table = static_cast<const larder_info_v1*>(node.instance->extension(LARDER_EXT_INFO));
        if (table == nullptr || table->struct_size < sizeof *table || table->info == nullptr) continue;
        larder_value text{};
        if (table->info(node.instance->theirs(), &text) != LARDER_OK) continue;
        StoreInfo made{node.instance->name(), {}};
        std::string_view rest(static_cast<const char*>(text.data), text.size);
        while (!rest.empty()) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(rest.size(), line.size() + 1));
            if (const auto colon = line.find(':'); colon != std::string_view::npos)
                made.fields.emplace_back(line.substr(0, colon), line.substr(colon + 1));
        }
        if (text.release != nullptr) text.release(&text);
        out.push_back(std::move(made));
    }
    return out;
}

StoreCapacities Kernel::Impl::store_capacities() const {
    StoreCapacities out;
    for (const StoreInfo& info : store_infos())
        if (const std::uint64_t used = number(info.find("used_memory")); used != 0)
            out.emplace_back(info.store, std::make_pair(used, number(info.find("maxmemory"))));
    return out;
}

void Kernel::Impl::watch(bool at_once) {
    std::vector<AlertNotice> notices;
    if (alerts.empty() && !watching.load(std::memory_order_acquire) && !history.is_due(clock->mono_ns())) return;
    Figures figures;
    StoreCapacities capacities;
    {
        const std::lock_guard<std::mutex> lock(watch_mutex);
        figures = cache->figures();
        capacities = store_capacities();
        std::vector<std::pair<std::string, std::uint64_t>> used;
        for (const auto& [store, bytes] : capacities) used.emplace_back(store, bytes.first);
        history.look(figures, used);
        notices = alerts.judge(figures, capacities, at_once);
    }
    for (const AlertNotice& notice : notices) tell(notice);
    if (watching.load(std::memory_order_acquire)) judge_policy(figures, capacities);
}

void Kernel::Impl::tell(const AlertNotice& notice) {
    const std::string line = line_of(notice);
    cache->note(notice.state.firing ? LARDER_LOG_WARN : LARDER_LOG_INFO, "alert", line);
    for (const auto& [kind, name] : notice.state.to) {
        if (kind == "log") {
            log->write(notice.state.firing ? LARDER_LOG_WARN : LARDER_LOG_INFO, "alert", line);
            continue;
        }
        for (const config::Node& node : nodes()) {
            const bool meant = (node.section == config::Section::sink || node.section == config::Section::exporter) &&
                               node.instance->component() == kind && (name.empty() || node.instance->name() == name);
            if (!meant || (node.instance->caps() & LARDER_EXP_CAP_EVENTS) == 0) continue;
            deliveries->send(node.instance, {notice.state.firing ? LARDER_LOG_WARN : LARDER_LOG_INFO, notice.at_ms, "alert", notice.state.name,
                                             json::serialize(json_of(notice))});
        }
    }
    std::vector<std::function<void(const AlertNotice&)>> callbacks;
    {
        const std::lock_guard<std::mutex> lock(state_mutex);
        callbacks = on_alert;
    }
    for (const auto& callback : callbacks) callback(notice);
}

bool Kernel::Impl::render_metrics(std::string_view accept, std::string& text, std::string& content_type, std::string& problem) {
    std::vector<api::Exported::Instance> instances;
    std::shared_ptr<loader::PluginInstance> exporter;
    for (const config::Node& node : nodes()) {
        const auto health = node.instance->health();
        instances.push_back({node.instance->title(), node.instance->component(), node.instance->module().manifest().version,
                             std::clamp(health.state, 0, 2), node.instance->sins()});
        const bool pulls = node.section == config::Section::exporter && (node.instance->caps() & LARDER_EXP_CAP_PULL) != 0;
        if (pulls && !exporter) exporter = node.instance;
    }
    if (!exporter) {
        problem = "no exporter is configured; write `[exporter.metrics]` and `plugin = \"prometheus\"` into larder.toml";
        return false;
    }
    const Figures figures = cache->figures();
    const StoreCapacities capacities = store_capacities();
    std::vector<std::pair<std::string, double>> full;
    for (const TierFigures& tier : figures.tiers) {
        std::uint64_t capacity = tier.capacity_bytes;
        for (const auto& [store, said] : capacities)
            if (store == tier.name) capacity = said.second;
        const auto forecast = history.forecast("store:" + tier.name, capacity);
        if (forecast && forecast->full_in_hours) full.emplace_back(tier.name, *forecast->full_in_hours * 3600);
    }
    const auto states = alerts.look(figures, capacities);
    std::map<std::pair<std::string, unsigned>, std::uint64_t> requests;
    std::uint64_t installed = 0;
    {
        const std::lock_guard<std::mutex> lock(state_mutex);
        requests = admin_requests;
        installed = generation;
    }
    const auto sessions_now = session_book->states();
    const api::Families families({figures, services->metrics(), requests, states, instances, installed, reload_failures.load(), log->lost(),
                                  static_cast<double>(clock->mono_ns() - started_ns) / 1e9, full, applies.load(), returns.load(), refusals.load(), sessions_now});
    text.clear();
    larder_text_sink sink{};
    sink.struct_size = sizeof sink;
    sink.ctx = &text;
    sink.write = [](void* ctx, larder_bytes chunk) noexcept -> larder_status {
        static_cast<std::string*>(ctx)->append(static_cast<const char*>(chunk.data), chunk.size);
        return LARDER_OK;
    };
    const char* type = nullptr;
    const larder_status status = exporter->table<larder_exporter_v1>().render(exporter->self(), {accept.data(), accept.size()}, families.view().data(),
                                                                              families.view().size(), &sink, &type);
    if (status != LARDER_OK) {
        problem = exporter->title() + " failed to render (" + std::to_string(status) + ")";
        return false;
    }
    content_type = type == nullptr ? "text/plain" : type;
    return true;
}

std::vector<StoreInfo> Kernel::store_infos() const { return impl_->store_infos(); }
StoreCapacities Kernel::store_capacities() const { return impl_->store_capacities(); }
void Kernel::watch() { impl_->watch(false); }

std::vector<AlertState> Kernel::alerts() const { return impl_->alerts.look(impl_->cache->figures(), impl_->store_capacities()); }

std::vector<AlertState> Kernel::check_alerts() {
    impl_->watch(true);
    return alerts();
}

void Kernel::on_alert(std::function<void(const AlertNotice&)> callback) {
    const std::lock_guard<std::mutex> lock(impl_->state_mutex);
    impl_->on_alert.push_back(std::move(callback));
}

const api::History& Kernel::history() const { return impl_->history; }

bool Kernel::render_metrics(std::string_view accept, std::string& text, std::string& content_type, std::string& problem) {
    return impl_->render_metrics(accept, text, content_type, problem);
}

}  // namespace larder
