// kernel/api/foresight.hpp -- between the accesses of a kernel and the plugins that learn from them.
//
// A `warm` with `learn` makes what a plugin foresees. Plugins that observe are told of accesses to the namespaces of
// such items, some at a time, off the way of requests; those that plan are asked what should be made until the next
// run. Without such an item, or such a plugin, nobody listens and nothing is collected.
#pragma once

#include "kernel/core/cache.hpp"
#include "kernel/core/warming.hpp"
#include "kernel/loader/instance.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace larder::api {

class Foresight {
  public:
    struct Parts {
        Cache* cache = nullptr;
        const Clock* clock = nullptr;
        // Instances with LARDER_WARM_CAP_OBSERVE, PLAN or REPORT.
        std::function<std::vector<std::shared_ptr<loader::PluginInstance>>()> learners;
        std::function<void(int severity, std::string text)> note;
    };
    explicit Foresight(Parts parts) : parts_(std::move(parts)) {}

    // What is learnt from now on. REQUIRES: the cache has the policy.
    void follow(const std::shared_ptr<const dsl::Policy>& policy);
    // Tells learners what has gathered, and once a week everybody what they found. [worker]
    void tell();
    // As Warming::Parts::foresee.
    std::vector<Warming::Foreseen> foresee(std::uint32_t ns, const dsl::Warm& warm, std::size_t most);
    // One JSON object of all items that learn; what: "analysis" or "week". Empty: nothing learns. [worker]
    std::string report(std::string_view what, std::size_t most);

  private:
    struct Learning {
        std::uint32_t ns = 0;
        std::string space;
        std::uint32_t warm = 0;  // index into policy_->warms
    };
    void listen();  // REQUIRES: mutex_
    larder_warm_run run_of(const Learning& one, const dsl::Warm& warm, std::size_t most) const;

    const Parts parts_;
    std::mutex telling_;  // one at a time
    mutable std::mutex mutex_;  // guards what follows
    std::shared_ptr<const dsl::Policy> policy_;
    std::vector<Learning> learnings_;
    std::uint64_t week_ms_ = 0;  // when the last report was due
};

}  // namespace larder::api
