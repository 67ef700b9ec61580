// kernel/replay/stage_kernel.hpp -- a whole kernel on virtual time: the policy of somebody's files, memory for
// every store it names, no gateway, no thread of its own.
//
// It is the kernel that serves: the same policy, cache and memory plugin. What differs is passed in: a clock
// that the owner moves, one fixed sequence of random numbers, and timers that run when the owner says so or
// once a minute. A kernel that serves looks after its memory every second; hours that are played in a second
// would be spent on that, so it is done once for so many operations: entries that are over keep their memory
// a little longer, and nothing else differs.
#pragma once

#include "kernel/api/kernel.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace larder::replay {

struct StageOptions {
    std::vector<std::string> policy;           // files
    std::map<std::string, std::string> texts;  // instead of what stands in files of these names
    std::string profile;
    std::vector<std::string> plugin_path;      // where the memory store is; empty: config::default_plugin_path()
    bool trust_path = false;
    bool memory_given = false;                 // somebody said memory_bytes: it holds whatever a trace says
    std::uint64_t memory_bytes = 256u << 20;   // of the first store a policy names, and of those without a tier
    std::uint64_t below_bytes = 1u << 30;      // of each other: what is shared or on disk when the policy serves
    std::map<std::string, std::uint64_t> store_bytes;  // of these stores
    std::uint64_t began_ms = 1'700'000'000'000;        // since 1970
};

class StageKernel {
  public:
    // Null: `problem` says why, ready to print.
    static std::unique_ptr<StageKernel> open(const StageOptions& options, std::string& problem);
    ~StageKernel();
    StageKernel(const StageKernel&) = delete;
    StageKernel& operator=(const StageKernel&) = delete;

    Kernel& kernel() { return *kernel_; }
    Cache& cache() { return kernel_->cache(); }
    const dsl::Policy& policy() const { return *policy_; }
    void advance_to(std::uint64_t at_ms);  // after the beginning; never back [hot]
    void run_due();                        // what is posted, and each timer that is due
    const std::vector<std::string>& stores() const { return stores_; }

  private:
    StageKernel();
    ManualClock clock_;
    ManualExecutor executor_;
    SeededRandom random_;
    std::uint64_t now_ms_ = 0, ran_ms_ = 0;
    std::vector<std::string> stores_;
    std::unique_ptr<Kernel> kernel_;
    std::shared_ptr<const dsl::Policy> policy_;
};

}  // namespace larder::replay
