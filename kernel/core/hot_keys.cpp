// kernel/core/hot_keys.cpp -- the keys asked for most.
#include "kernel/core/hot_keys.hpp"

#include <algorithm>

namespace larder {

void HotKeys::add(std::uint32_t ns, std::string_view key, std::uint64_t weight) {
    if (key.size() > longest_key) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Key& one : keys_)
        if (one.ns == ns && one.key == key) {
            one.count += weight;
            return;
        }
    if (keys_.size() < places) {
        keys_.push_back({ns, std::string(key), weight});
        return;
    }
    Key& rarest = *std::min_element(keys_.begin(), keys_.end(), [](const Key& a, const Key& b) { return a.count < b.count; });
    rarest = {ns, std::string(key), rarest.count + weight};
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
