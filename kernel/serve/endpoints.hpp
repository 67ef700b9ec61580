// kernel/serve/endpoints.hpp -- what each endpoint does. The table that names them is in endpoints.cpp.
#pragma once

#include "kernel/core/figures.hpp"
#include "kernel/serve/admin_api.hpp"

namespace larder::serve {

// endpoints_health.cpp
HttpReply health(const Ask& ask);
HttpReply health_detailed(const Ask& ask);
HttpReply self_test(const Ask& ask);
HttpReply alive(const Ask& ask);
HttpReply ready(const Ask& ask);
// What health and statistics begin with, and whether every shared store answers.
boost::json::object cache_info(Kernel& kernel, const Figures& figures, bool& available);
boost::json::object key_counts(const std::vector<const SpaceFigures*>& spaces);
HttpReply unavailable();

// endpoints_figures.cpp
HttpReply statistics(const Ask& ask);
HttpReply performance(const Ask& ask);
HttpReply compression(const Ask& ask);
HttpReply memory(const Ask& ask);
HttpReply flow(const Ask& ask);
HttpReply patterns(const Ask& ask);

// endpoints_changes.cpp
HttpReply invalidate(const Ask& ask);
HttpReply invalidate_pattern(const Ask& ask);
HttpReply invalidate_tag(const Ask& ask);
HttpReply invalidate_namespace(const Ask& ask);
HttpReply invalidate_key(const Ask& ask);
HttpReply clear(const Ask& ask);
HttpReply clear_entity(const Ask& ask);
HttpReply warm_one(const Ask& ask);
HttpReply warm_runs(const Ask& ask);
HttpReply warm_some(const Ask& ask);
HttpReply send_event(const Ask& ask);
HttpReply tell_route(const Ask& ask);

// endpoints_policy.cpp
HttpReply policy(const Ask& ask);
HttpReply plan_policy(const Ask& ask);
HttpReply apply_policy(const Ask& ask);
HttpReply roll_back(const Ask& ask);
HttpReply reload(const Ask& ask);

// endpoints_kernel.cpp
HttpReply alerts(const Ask& ask);
HttpReply check_alerts(const Ask& ask);
HttpReply capacity(const Ask& ask);
HttpReply live(const Ask& ask);
HttpReply plugins(const Ask& ask);
HttpReply events(const Ask& ask);
HttpReply explain(const Ask& ask);
HttpReply why(const Ask& ask);
HttpReply metrics(const Ask& ask);
HttpReply description(const Ask& ask);

// endpoints_sessions.cpp
HttpReply sessions(const Ask& ask);
HttpReply run_session(const Ask& ask);

// pages.cpp
HttpReply to_pages(const Ask& ask);
HttpReply page(const Ask& ask);

}  // namespace larder::serve
