// examples/plugin_own/store_jar.cpp -- a store that keeps so many entries and no more.
#include <larder/plugin/cpp.hpp>

#include <map>
#include <mutex>
#include <string>

using namespace larder::plugin;

class Jar {
  public:
    static constexpr const char* name = "jar";
    static constexpr std::uint64_t caps = LARDER_STORE_CAP_SYNC;

    Jar(Host, const Config& config) : most_(config.size("most")) {}

    larder_status get(const larder_key& key, const larder_call&, Reply out) {
        const std::lock_guard lock(mutex_);
        const auto found = jar_.find(id(key));
        return found == jar_.end() ? out.miss() : out.owned(found->second);
    }
    larder_status put(const larder_key& key, const larder_put& put, const larder_call&) {
        const std::lock_guard lock(mutex_);
        const bool there = jar_.contains(id(key));
        if (there && (put.flags & LARDER_PUT_IF_ABSENT) != 0) return LARDER_EXISTS;
        if (!there && jar_.size() >= most_) return LARDER_E_TOO_LARGE;
        jar_[id(key)] = text_of(put.value);
        return LARDER_OK;
    }
    larder_status remove(const larder_key& key, std::uint64_t, const larder_call&) {
        const std::lock_guard lock(mutex_);
        return jar_.erase(id(key)) != 0 ? LARDER_OK : LARDER_MISS;
    }
    larder_status touch(const larder_key&, const larder_touch&, const larder_call&) { return LARDER_E_UNSUPPORTED; }

  private:
    static std::string id(const larder_key& k) { return std::to_string(k.ns) + ':' + std::string(text_of(k)); }
    const std::uint64_t most_;
    std::mutex mutex_;
    std::map<std::string, std::string> jar_;
};

LARDER_MODULE(&Store<Jar>::value)
