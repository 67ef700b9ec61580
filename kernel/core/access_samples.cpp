// kernel/core/access_samples.cpp -- who asks for what, for those who learn from it.
#include "kernel/core/access_samples.hpp"

#include <algorithm>
#include <utility>

namespace larder {

namespace {

AccessSamples::Batch roomy() {
    AccessSamples::Batch out;
    out.accesses.reserve(AccessSamples::most);
    out.text.reserve(AccessSamples::most_text);
    return out;
}

}  // namespace

void AccessSamples::listen(bool on) {
    Batch room = on ? roomy() : Batch{};
    const std::lock_guard<std::mutex> lock(mutex_);
    if (on_.exchange(on, std::memory_order_relaxed) != on) std::swap(taken_, room);
}

void AccessSamples::add(std::uint32_t ns, std::uint32_t what, std::string_view key, std::uint64_t hash, std::uint32_t weight, std::uint32_t cost_us,
                        std::uint64_t at_ms) noexcept {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || !on() || taken_.accesses.size() >= most || key.size() > longest_key || taken_.text.size() + key.size() > most_text) {
        lost_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    // Within what is reserved: neither can throw.
    taken_.accesses.push_back({at_ms, hash, ns, what, weight, cost_us, static_cast<std::uint32_t>(taken_.text.size()), static_cast<std::uint32_t>(key.size())});
    taken_.text.append(key);
}

AccessSamples::Batch AccessSamples::take() {
    if (!on()) return {};
    Batch out = roomy();
    const std::lock_guard<std::mutex> lock(mutex_);
    if (on()) std::swap(out, taken_);
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
