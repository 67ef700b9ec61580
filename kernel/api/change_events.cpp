// kernel/api/change_events.cpp -- from changes to JSON, and into the queues of exporters.
#include "kernel/api/change_events.hpp"

#include <larder/plugin/exporter.h>

#include <boost/json.hpp>

#include <string_view>
#include <utility>

namespace larder::api {
namespace {

namespace json = boost::json;

std::string_view name_of(dsl::Action action) {
    switch (action) {
        case dsl::Action::drop: return "drop";
        case dsl::Action::expire: return "expire";
        case dsl::Action::refresh: break;
    }
    return "refresh";
}

std::string_view name_of(dsl::TargetKind kind) {
    switch (kind) {
        case dsl::TargetKind::key: return "key";
        case dsl::TargetKind::namespace_: return "namespace";
        case dsl::TargetKind::matching: return "matching";
        case dsl::TargetKind::tag: return "tag";
        case dsl::TargetKind::everything: break;
    }
    return "everything";
}

}  // namespace

std::string json_of(const std::vector<Change>& changes) {
    json::array list;
    for (const Change& change : changes) {
        json::object one{{"action", name_of(change.action)}, {"target", name_of(change.kind)}};
        if (!change.text.empty()) one["text"] = change.text;
        if (!change.namespaces.empty()) one["namespaces"] = json::array(change.namespaces.begin(), change.namespaces.end());
        list.push_back(std::move(one));
    }
    return json::serialize(json::object{{"changes", std::move(list)}});
}

std::function<void(const std::vector<Change>&)> change_events(const config::Graph& graph, std::shared_ptr<Deliveries> deliveries, Clock& clock) {
    constexpr std::uint64_t wanted = LARDER_EXP_CAP_EVENTS | LARDER_EXP_CAP_CHANGES;
    std::vector<std::shared_ptr<loader::PluginInstance>> to;
    for (const config::Node& node : graph.nodes) {
        const bool exports = node.section == config::Section::sink || node.section == config::Section::exporter;
        if (exports && (node.instance->caps() & wanted) == wanted) to.push_back(node.instance);
    }
    if (to.empty()) return {};
    return [to = std::move(to), deliveries = std::move(deliveries), &clock](const std::vector<Change>& changes) {
        const OutgoingEvent event{LARDER_LOG_INFO, clock.wall_ms(), "invalidate", "", json_of(changes)};
        for (const auto& exporter : to) deliveries->send(exporter, event);
    };
}

}  // namespace larder::api
