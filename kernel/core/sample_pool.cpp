// kernel/core/sample_pool.cpp -- see sample_pool.hpp.
#include "kernel/core/sample_pool.hpp"

namespace larder {

// SplitMix64: which value goes is of no importance to anybody but the picture as a whole.
std::size_t SamplePool::dice() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

bool SamplePool::offer(std::string_view value) {
    constexpr std::uint32_t one_in = 16;
    const std::string_view piece = value.substr(0, limits_.cut);
    const bool full = values() >= limits_.values || bytes() + piece.size() > limits_.bytes;
    if (full && passed_.fetch_add(1, std::memory_order_relaxed) % one_in != 0) return false;
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock || piece.empty()) return false;
    std::size_t bytes = bytes_.load(std::memory_order_relaxed);
    while (!values_.empty() && (values_.size() >= limits_.values || bytes + piece.size() > limits_.bytes)) {
        std::string& gone = values_[dice() % values_.size()];
        bytes -= gone.size();
        gone.swap(values_.back());
        values_.pop_back();
    }
    values_.emplace_back(piece);
    bytes += piece.size();
    count_.store(values_.size(), std::memory_order_relaxed);
    bytes_.store(bytes, std::memory_order_relaxed);
    if (values_.size() < ready_values_ || bytes < ready_bytes_) return false;
    ready_values_ = ready_bytes_ = SIZE_MAX;
    return true;
}

void SamplePool::ready_at(std::size_t values, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    ready_values_ = values;
    ready_bytes_ = bytes;
}

SamplePool::Halves SamplePool::halves(std::size_t most_bytes) const {
    const std::lock_guard lock(mutex_);
    Halves out;
    std::size_t learn = 0, judge = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
        const std::string& value = values_[i];
        const bool judges = i % 4 == 3 || values_.size() < 4;
        std::size_t& sum = judges ? judge : learn;
        if (sum != 0 && sum + value.size() > most_bytes) continue;
        sum += value.size();
        (judges ? out.judge : out.learn).push_back(value);
    }
    return out;
}

void SamplePool::clear() {
    const std::lock_guard lock(mutex_);
    values_.clear();
    count_.store(0, std::memory_order_relaxed);
    bytes_.store(0, std::memory_order_relaxed);
}

}  // namespace larder
