// kernel/embed/state.hpp -- a kernel as hosts hold it, and what every function of the C face begins and ends with.
//
//   enter.cpp    open, close, reload, virtual time, names: the life of a kernel
//   gets.cpp     get, read, fill, fail: looking up, and who loads
//   writes.cpp   put, drop, expire, ttl, depend, keys
//   changes.cpp  invalidate, route, event, serve, warm
//   reports.cpp  reports and sessions
//   loops.cpp    loops as hosts hold them
//
// Nothing throws across: each function is called through guarded(), which also refuses the child of a fork.
#pragma once

#include "kernel/api/kernel.hpp"
#include "kernel/embed/leases.hpp"
#include "kernel/embed/loop.hpp"

#include <larder/larder.h>
#include <larder/plugin/services.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace larder::serve {
class AdminServer;
}

namespace larder::embed {

// What lookups need of a namespace and its policy.
struct SpaceFacts {
    bool sourced = false;  // the policy says where its values come from: hosts are given no lease
    std::uint64_t revalidating_ns = 0, on_error_ns = 0;
    std::uint64_t patience_ns = 0;  // of who waits for another's load; 0: the deadline of [limits]
};

struct FactsTable {
    std::shared_ptr<const dsl::Policy> policy;
    std::vector<SpaceFacts> spaces;  // by the cache's number
};

std::uint32_t forks() noexcept;  // how often this process is the child of a fork

// The reason of the thread's last failure.
std::string& problem();
larder_result refuse(larder_result result, std::string why);
larder_result result_of(larder_status status);

inline std::string_view text(const char* p, std::size_t n) noexcept { return p == nullptr ? std::string_view() : std::string_view(p, n); }
inline std::string_view text(larder_str s) noexcept { return text(s.p, s.n); }
inline larder_bytes bytes(std::string_view t) noexcept { return {t.data(), t.size()}; }

}  // namespace larder::embed

struct larder_kernel {
    // Of virtual time.
    std::unique_ptr<larder::ManualClock> clock;
    std::unique_ptr<larder::ManualExecutor> executor;
    std::unique_ptr<larder::Kernel> kernel;
    struct Admin;
    std::shared_ptr<Admin> admin;
    std::uint32_t forks = 0;
    std::uint64_t deadline_ns = 5'000'000'000;
    const larder_executor_api* tasks = nullptr;

    larder::embed::LeaseBook leases;
    std::atomic<std::uint64_t> lease_ids{(1ull << 63) + 1};  // never a gateway's connection

    std::mutex facts_mutex;
    std::atomic<const larder::embed::FactsTable*> facts{nullptr};
    // All there were: a thread may still read an earlier one. One for each policy that ran.
    std::vector<std::unique_ptr<const larder::embed::FactsTable>> facts_made;  // guarded by facts_mutex

    std::mutex watchers_mutex;
    std::vector<std::pair<std::weak_ptr<larder::embed::LoopQueue>, std::uint64_t>> watchers;  // guarded by watchers_mutex

    larder::Cache& cache() { return kernel->cache(); }
    std::uint64_t now_ns() const { return kernel->clock().mono_ns(); }
    // Of the policy as it was when somebody last asked for fresh ones. [hot]
    larder::embed::SpaceFacts facts_of(std::uint32_t ns) const noexcept {
        const larder::embed::FactsTable* const table = facts.load(std::memory_order_acquire);
        return table != nullptr && ns < table->spaces.size() ? table->spaces[ns] : larder::embed::SpaceFacts{};
    }
    // True: the policy is another one than facts_of() knew.
    bool refresh_facts();
    // Runs work soon on a thread that may wait. False: the queue is full.
    bool post(std::function<void()> work);
    void after(std::uint64_t delay_ns, std::function<void()> work);
    // Virtual time: does what is due. Nothing with the machine's.
    void run_due() {
        if (executor != nullptr) executor->run();
    }
};

struct larder_loop {
    larder_kernel* kernel = nullptr;
    std::shared_ptr<larder::embed::LoopQueue> queue;
};

namespace larder::embed {

// Everything of the C face that has a kernel goes through here.
template <class F>
larder_result guarded(larder_kernel* k, F&& work) noexcept {
    try {
        if (k == nullptr) return refuse(LARDER_R_INVALID, "the kernel is NULL");
        if (k->forks != forks()) [[unlikely]]
            return refuse(LARDER_R_FORKED, "this process is a child of the one that opened the kernel: its threads are not here. Open one after fork()");
        return work();
    } catch (const std::bad_alloc&) {
        return LARDER_R_NO_MEMORY;
    } catch (const std::exception& error) {
        if (k != nullptr) k->kernel->log(LARDER_LOG_ERROR, "embed", error.what());
        return refuse(LARDER_R_FAILED, error.what());
    } catch (...) {
        return LARDER_R_FAILED;
    }
}

// Does work here without a loop; else soon on a thread that may wait, and what it comes to arrives on the loop.
larder_result here_or_later(larder_kernel* k, larder_loop* loop, std::uint64_t user, HeldRef& ref, std::function<Outcome()> work);

// Tells the loop, if it still wants to hear; a lease that nobody hears of is failed.
void deliver(larder_kernel* k, LoopQueue& queue, std::uint64_t ticket, Outcome outcome);
// Its waiters look again.
void give_up(larder_kernel* k, std::uint64_t lease);

}  // namespace larder::embed
