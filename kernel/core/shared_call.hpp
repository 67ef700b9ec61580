// kernel/core/shared_call.hpp -- one call of a shared store, with all that it reads and writes.
//
// The store writes its answers into arrays that live until it is done. A caller that stops waiting at its
// deadline must not take them away; so they belong to the call, which is kept for a while when it was given
// up, in case the store is late.
#pragma once

#include "kernel/core/text_arena.hpp"
#include "kernel/core/tier.hpp"

#include <string_view>
#include <vector>

namespace larder {

class SharedCall {
  public:
    SharedCall() = default;
    SharedCall(const SharedCall&) = delete;
    SharedCall& operator=(const SharedCall&) = delete;
    ~SharedCall() {
        for (larder_get_item& item : items)
            if (item.status == LARDER_OK && item.value.release != nullptr) item.value.release(&item.value);
    }

    void add_value(std::string_view key, std::uint32_t ns = 0) { items.push_back({key_of(key, ns), {}, LARDER_MISS, 0}); }
    void add_record(std::string_view key, std::uint64_t drop = 0, std::uint64_t expire = 0, std::uint64_t expired_at_ms = 0) {
        const std::string_view kept = texts_.keep(key);
        records.push_back({{kept.data(), kept.size()}, drop, expire, expired_at_ms, LARDER_MISS, 0});
    }
    void add_key(std::string_view key) { keys.push_back(key_of(key, 0)); }
    // An item's value, which is then the caller's.
    Pinned take(std::size_t item) {
        if (items[item].status != LARDER_OK) return {};
        Pinned value(items[item].value);
        items[item].value = {};
        return value;
    }

    std::vector<larder_get_item> items;
    std::vector<larder_record> records;
    std::vector<larder_key> keys;

  private:
    larder_key key_of(std::string_view key, std::uint32_t ns) {
        const std::string_view kept = texts_.keep(key);
        return {kept.data(), static_cast<std::uint32_t>(kept.size()), ns, 0};
    }
    TextArena texts_;
};

}  // namespace larder
