// kernel/core/run_or_post.hpp -- work that may have to wait, on whose thread.
#pragma once

#include "kernel/core/cache_impl.hpp"

#include <utility>

namespace larder {

// Runs `work` here, or later where something may make it wait and the caller asked for that. What it uses
// lives until done.
template <class Work>
larder_status run_or_post(Cache::Impl& impl, bool waits, const larder_call* call, Work&& work) {
    if (!waits || call == nullptr || call->done == nullptr) return work(call);
    const bool taken = impl.executor.post(true, [work = std::forward<Work>(work), copy = *call]() mutable {
        const larder_status status = work(&copy);
        copy.done(copy.done_ctx, status, nullptr);
    });
    return taken ? LARDER_PENDING : LARDER_E_BUSY;
}

}  // namespace larder
