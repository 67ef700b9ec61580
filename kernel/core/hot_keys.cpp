// kernel/core/hot_keys.cpp -- the keys asked for most.
#include "kernel/core/hot_keys.hpp"

#include <algorithm>
#include <utility>

namespace larder {

HotKeys::HotKeys() {
    keys_.reserve(places);
    room_.resize(places);
    for (std::string& text : room_) text.reserve(longest_key);
}

void HotKeys::add(std::uint32_t ns, std::string_view key, std::uint64_t weight) {
    if (key.size() > longest_key) return;
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return;
    for (Key& one : keys_)
        if (one.ns == ns && one.key == key) {
            one.count += weight;
            return;
        }
    if (keys_.size() < places) {
        room_.back().assign(key);
        keys_.push_back({ns, std::move(room_.back()), weight});
        room_.pop_back();
        return;
    }
    Key& rarest = *std::min_element(keys_.begin(), keys_.end(), [](const Key& a, const Key& b) { return a.count < b.count; });
    rarest.ns = ns;
    rarest.key.assign(key);
    rarest.count += weight;
}

std::vector<HotKeys::Key> HotKeys::top(std::size_t n) const {
    std::vector<Key> out;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        out = keys_;
    }
    std::sort(out.begin(), out.end(), [](const Key& a, const Key& b) { return a.count > b.count; });
    out.resize(std::min(n, out.size()));
    return out;
}

}  // namespace larder
