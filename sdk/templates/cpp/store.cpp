// store_@NAME@.cpp -- a store that keeps so many entries and no more.
//
// What a store owes is in <larder/plugin/store.h>: bytes under keys, borrowed until a function returns. Tags, versions of
// values, ttl and compression are the kernel's.
#include <larder/plugin/cpp.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>

using namespace larder::plugin;

class @CLASS@ {
  public:
    static constexpr const char* name = "@NAME@";
    static constexpr std::uint64_t caps = LARDER_STORE_CAP_SYNC;

    @CLASS@(Host, const Config& config) : most_(static_cast<std::size_t>(config.integer("most"))) {}

    larder_status get(const larder_key& key, const larder_call&, Reply out) {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(id(key));
        return found == entries_.end() ? out.miss() : out.owned(found->second);
    }

    larder_status put(const larder_key& key, const larder_put& put, const larder_call&) {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(id(key));
        if (found != entries_.end() && (put.flags & LARDER_PUT_IF_ABSENT) != 0) return LARDER_EXISTS;
        if (found == entries_.end() && entries_.size() >= most_) return LARDER_E_TOO_LARGE;
        entries_[id(key)] = text_of(put.value);
        return LARDER_OK;
    }

    larder_status remove(const larder_key& key, std::uint64_t, const larder_call&) {
        const std::lock_guard lock(mutex_);
        return entries_.erase(id(key)) != 0 ? LARDER_OK : LARDER_MISS;
    }

    larder_status touch(const larder_key& key, const larder_touch& touch, const larder_call&) {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(id(key));
        if (found == entries_.end()) return LARDER_MISS;
        if (touch.patch_offset + touch.patch.size > found->second.size()) return LARDER_E_INVALID;
        found->second.replace(touch.patch_offset, touch.patch.size, text_of(touch.patch));
        return LARDER_OK;
    }

  private:
    static std::string id(const larder_key& key) { return std::to_string(key.ns) + ':' + std::string(text_of(key)); }

    const std::size_t most_;
    std::mutex mutex_;
    std::map<std::string, std::string> entries_;
};

LARDER_MODULE(&Store<@CLASS@>::value)
