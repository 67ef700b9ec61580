// kernel/api/change_events.hpp -- invalidations as events for the exporters that take them.
#pragma once

#include "kernel/api/deliveries.hpp"
#include "kernel/config/wiring.hpp"
#include "kernel/core/cache.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace larder::api {

// As LARDER_EXP_CAP_CHANGES promises: {"changes": [{"action": "drop", "target": "tag", "text": "menu"}]}.
std::string json_of(const std::vector<Change>& changes);

// For CacheParts.changed: one event for each invalidation to every exporter of `graph` with
// LARDER_EXP_CAP_CHANGES. Empty where there is none.
std::function<void(const std::vector<Change>&)> change_events(const config::Graph& graph, std::shared_ptr<Deliveries> deliveries, Clock& clock);

}  // namespace larder::api
