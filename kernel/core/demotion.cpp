// kernel/core/demotion.cpp -- see demotion.hpp.
#include "kernel/core/demotion.hpp"

#include <utility>

namespace larder {

// With a store's locks held: a copy of the key, a push, and perhaps a task.
void Demotions::evicted(const larder_key& key, Pinned value) noexcept {
    const std::string_view canonical{key.data, key.size};
    const std::size_t size = value.bytes().size;
    bool taken = false, wanted = false;
    try {
        Victim victim{key.ns, moves_at(canonical).load(std::memory_order_seq_cst), std::string(canonical), std::move(value)};
        const std::lock_guard lock(mutex_);
        if (!closed_ && queue_.size() < bounds_.entries && bytes_ + size <= bounds_.bytes) {
            queue_.push_back(std::move(victim));
            bytes_ += size;
            taken = true;
            wanted = working_ < tasks && working_ < queue_.size();
            working_ += wanted;
        }
    } catch (...) {
        // No memory: it is lost, like everything else that is evicted.
    }
    // An older one of the same key that waits here would come back in its place.
    if (!taken) {
        moved(canonical);
        lost_(key.ns);
    }
    if (!wanted || executor_.post(true, [this] { work(); })) return;
    const std::lock_guard lock(mutex_);
    --working_;
}

void Demotions::close() {
    std::deque<Victim> pinned;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    pinned.swap(queue_);
    bytes_ = 0;
}

void Demotions::work() {
    for (;;) {
        Victim victim;
        {
            const std::lock_guard lock(mutex_);
            if (queue_.empty()) {
                --working_;
                return;
            }
            victim = std::move(queue_.front());
            queue_.pop_front();
            bytes_ -= victim.value.bytes().size;
        }
        place_(victim);
    }
}

}  // namespace larder
