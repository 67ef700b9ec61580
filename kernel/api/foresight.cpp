// kernel/api/foresight.cpp -- see foresight.hpp.
#include "kernel/api/foresight.hpp"

#include "kernel/core/access_samples.hpp"

#include <larder/plugin/warmer.h>

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace larder::api {
namespace {

namespace json = boost::json;

constexpr std::uint64_t week = 7ull * 86'400'000;
constexpr std::uint64_t usual_horizon_ms = 30 * 60'000;

larder_bytes bytes_of(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

void Foresight::follow(const std::shared_ptr<const dsl::Policy>& policy) {
    std::vector<Learning> found;
    for (std::uint32_t i = 0; i < policy->warms.size(); ++i) {
        const dsl::Warm& warm = policy->warms[i];
        Learning one;
        one.space = policy->namespaces[warm.ns].name;
        one.warm = i;
        if (warm.learn_window && parts_.cache->ns_find(one.space, &one.ns) == LARDER_OK) found.push_back(std::move(one));
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    policy_ = policy;
    learnings_ = std::move(found);
    if (week_ms_ == 0) week_ms_ = parts_.clock->wall_ms();
    listen();
}

// Instances come and go with configurations, so this is looked at again and again.
void Foresight::listen() {
    const auto learners = parts_.learners();
    const bool observed = std::any_of(learners.begin(), learners.end(), [](const auto& one) { return (one->caps() & LARDER_WARM_CAP_OBSERVE) != 0; });
    const bool wanted = observed && !learnings_.empty();
    if (wanted != parts_.cache->accesses().on()) parts_.cache->accesses().listen(wanted);
}

void Foresight::tell() {
    const std::lock_guard<std::mutex> one(telling_);
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        listen();
    }
    if (!parts_.cache->accesses().on()) return;
    const AccessSamples::Batch taken = parts_.cache->accesses().take();
    std::vector<std::uint32_t> wanted;
    bool report_due = false;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        for (const Learning& learning : learnings_) wanted.push_back(learning.ns);
        const std::uint64_t now = parts_.clock->wall_ms();
        report_due = now >= week_ms_ + week;
        if (report_due) week_ms_ = now;
    }
    std::vector<larder_access> batch;
    batch.reserve(taken.accesses.size());
    for (const AccessSamples::Access& access : taken.accesses)
        if (std::find(wanted.begin(), wanted.end(), access.ns) != wanted.end())
            batch.push_back({access.at_ms, access.hash, bytes_of(taken.key_of(access)), access.ns, access.what, access.weight, access.cost_us});
    if (!batch.empty())
        for (const auto& learner : parts_.learners())
            if ((learner->caps() & LARDER_WARM_CAP_OBSERVE) != 0) learner->table<larder_warmer_v1>().observe(learner->self(), batch.data(), batch.size());
    if (report_due && parts_.note) parts_.note(LARDER_LOG_INFO, "the week: " + report("week", 50));
}

larder_warm_run Foresight::run_of(const Learning& one, const dsl::Warm& warm, std::size_t most) const {
    larder_warm_run run{};
    run.struct_size = sizeof run;
    run.reason = LARDER_WARM_SCHEDULE;
    run.ns = one.ns;
    run.max_items = static_cast<std::uint32_t>(std::min<std::size_t>(most, UINT32_MAX));
    run.window_ms = static_cast<std::uint64_t>(warm.learn_window.value_or(Ms{0}).count());
    run.horizon_ms = warm.every ? static_cast<std::uint64_t>(warm.every->count()) : usual_horizon_ms;
    run.min_accesses = warm.learn_hits;
    run.min_priority = warm.learn_priority;
    return run;
}

std::vector<Warming::Foreseen> Foresight::foresee(std::uint32_t ns, const dsl::Warm& warm, std::size_t most) {
    tell();  // what came until now counts
    std::vector<Warming::Foreseen> out;
    Learning one;
    one.ns = ns;
    larder_warm_run run = run_of(one, warm, most);
    if (const auto policy = parts_.cache->policy(); policy != nullptr && warm.ns < policy->namespaces.size() && policy->namespaces[warm.ns].ttl)
        run.ttl_ms = static_cast<std::uint64_t>(policy->namespaces[warm.ns].ttl->ttl.count());
    larder_warm_sink sink{};
    sink.struct_size = sizeof sink;
    struct To {
        std::vector<Warming::Foreseen>* out;
        std::uint32_t ns;
        std::size_t most;
    } to{&out, ns, most};
    sink.ctx = &to;
    sink.item = [](void* ctx, const larder_warm_item* item) noexcept -> std::int32_t {
        auto& into = *static_cast<To*>(ctx);
        if (into.out->size() >= into.most) return 1;
        if (item->ns != into.ns && item->ns != LARDER_NS_NONE) return 0;
        try {
            into.out->push_back({std::string(static_cast<const char*>(item->key.data), item->key.size), LARDER_HAS(item, due_ms) ? item->due_ms : 0, item->priority});
        } catch (...) {
            return 1;
        }
        return 0;
    };
    for (const auto& learner : parts_.learners())
        if ((learner->caps() & LARDER_WARM_CAP_PLAN) != 0) learner->table<larder_warmer_v1>().plan(learner->self(), &run, &sink);
    return out;
}

std::string Foresight::report(std::string_view what, std::size_t most) {
    std::vector<Learning> learnings;
    std::shared_ptr<const dsl::Policy> policy;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        learnings = learnings_;
        policy = policy_;
    }
    json::array patterns, recommendations;
    json::object spaces;
    for (const Learning& one : learnings) {
        const dsl::Warm& warm = policy->warms[one.warm];
        larder_warm_run run = run_of(one, warm, most);
        if (policy->namespaces[warm.ns].ttl) run.ttl_ms = static_cast<std::uint64_t>(policy->namespaces[warm.ns].ttl->ttl.count());
        for (const auto& learner : parts_.learners()) {
            if ((learner->caps() & LARDER_WARM_CAP_REPORT) == 0) continue;
            larder_value text{};
            if (learner->table<larder_warmer_v1>().report(learner->self(), bytes_of(what), &run, &text) != LARDER_OK) continue;
            json::error_code error;
            json::value said = json::parse(json::string_view(static_cast<const char*>(text.data), text.size), error);
            if (text.release != nullptr) text.release(&text);
            if (error || !said.is_object()) continue;
            json::object& of = said.as_object();
            if (json::value* list = of.if_contains("patterns"); list != nullptr && list->is_array()) {
                for (json::value& pattern : list->as_array()) patterns.push_back(std::move(pattern));
                of.erase("patterns");
            }
            const json::value* proposed = of.if_contains("proposed_threshold");
            if (proposed != nullptr && proposed->is_number() && proposed->to_number<std::uint32_t>() != warm.learn_priority)
                recommendations.push_back(json::string(one.space + ": priority " + std::to_string(proposed->to_number<std::uint32_t>()) + " in the place of " +
                                                       std::to_string(warm.learn_priority) + " (" + warm.where.file + ":" + std::to_string(warm.where.line) + ")"));
            spaces[one.space] = std::move(said);
        }
    }
    if (spaces.empty()) return {};
    return json::serialize(json::object{{"patterns", std::move(patterns)}, {"recommendations", std::move(recommendations)}, {"by_namespace", std::move(spaces)}});
}

}  // namespace larder::api
