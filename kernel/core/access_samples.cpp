// kernel/core/access_samples.cpp -- who asks for what, for those who learn from it.
#include "kernel/core/access_samples.hpp"

#include <algorithm>
#include <utility>

namespace larder {

void AccessSamples::listen(bool on) {
    const std::lock_guard<std::mutex> lock(mutex_);
    on_.store(on, std::memory_order_relaxed);
    if (on) taken_.reserve(most / 16);
    else std::vector<Access>().swap(taken_);
}

void AccessSamples::add(std::uint32_t ns, std::uint32_t what, std::string_view key, std::uint64_t hash, std::uint32_t weight, std::uint32_t cost_us,
                        std::uint64_t at_ms) noexcept {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || taken_.size() >= most || key.size() > longest_key || !on()) {
        lost_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    try {
        taken_.push_back({at_ms, hash, ns, what, weight, cost_us, std::string(key)});
    } catch (...) {
        lost_.fetch_add(1, std::memory_order_relaxed);
    }
}

std::vector<AccessSamples::Access> AccessSamples::take() {
    std::vector<Access> out;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        out.swap(taken_);
        taken_.reserve(std::min(most, out.size()));
    }
    return out;
}

void AccessSamples::watch(std::uint64_t hash, std::uint64_t until_ms) {
    const std::lock_guard<std::mutex> lock(watched_mutex_);
    if (watched_.size() >= most_watched && watched_.find(hash) == watched_.end()) return;
    watched_[hash] = until_ms;
    bits_[word_of(hash)].fetch_or(bit_of(hash), std::memory_order_relaxed);
    watched_any_.store(true, std::memory_order_relaxed);
}

bool AccessSamples::seen(std::uint64_t hash, std::uint64_t now_ms) {
    const std::lock_guard<std::mutex> lock(watched_mutex_);
    const auto found = watched_.find(hash);
    if (found == watched_.end()) return false;
    const bool in_time = now_ms <= found->second;
    watched_.erase(found);
    if (watched_.empty() || ++erased_ >= std::max<std::size_t>(64, watched_.size() / 4)) forget_over(now_ms);
    return in_time;
}

// The bits are made anew from what is still waited for: a bit may stand for several.
void AccessSamples::forget_over(std::uint64_t now_ms) {
    erased_ = 0;
    std::array<std::uint64_t, words> left{};
    for (auto at = watched_.begin(); at != watched_.end();) {
        if (at->second < now_ms) {
            at = watched_.erase(at);
            continue;
        }
        left[word_of(at->first)] |= bit_of(at->first);
        ++at;
    }
    for (std::size_t i = 0; i < words; ++i) bits_[i].store(left[i], std::memory_order_relaxed);
    watched_any_.store(!watched_.empty(), std::memory_order_relaxed);
}

}  // namespace larder
