// tests/plugins_planted/store_shelf.cpp -- not bad at all: a small store and a warmer, built as
// plugins are, for the loader's tests.
#include <larder/plugin/cpp.hpp>

#include <map>
#include <mutex>
#include <string>

namespace {
using namespace larder::plugin;

class Shelf {
  public:
    static constexpr const char* name = "shelf";
    static constexpr std::uint64_t caps = LARDER_STORE_CAP_SYNC | LARDER_STORE_CAP_BOUNDED;

    Shelf(Host host, const Config& config)
        : host_(host), boards_(config.size("boards")), label_(config.text("label", "none")) {
        if (boards_ == 13) {
            throw Error(LARDER_E_CONFIG,
                        config.where("boards") + ": thirteen boards bring bad luck");
        }
        host.with_secret(config, "key", [&](std::string_view bytes) { key_size_ = bytes.size(); });
    }
    void start() {
        if (label_ == "no start") {
            throw Error(LARDER_E_IO, "the shelf\ndoes not stand");
        }
        host_.log(LARDER_LOG_INFO, {"stands: ", label_});
    }
    void stop(std::uint64_t) { host_.log(LARDER_LOG_INFO, "folded"); }
    void reconfigure(const Config& config) {
        const auto boards = config.size("boards");
        if (boards > 50) {
            throw Error(LARDER_E_CONFIG, "too high");
        }
        boards_ = boards;
    }
    Health health() const { return {LARDER_HEALTH_DEGRADED, label_}; }
    const void* extension(std::string_view id) const {
        return id == "org.larder.shelf/1" ? &label_ : nullptr;
    }

    larder_status get(const larder_key& key, const larder_call&, Reply out) {
        const std::lock_guard lock(mutex_);
        const auto found = books_.find(text_of(key));
        return found == books_.end() ? out.miss() : out.owned(found->second);
    }
    larder_status put(const larder_key& key, const larder_put& put, const larder_call&) {
        const std::lock_guard lock(mutex_);
        books_[std::string(text_of(key))] = text_of(put.value);
        return LARDER_OK;
    }
    larder_status remove(const larder_key& key, std::uint64_t, const larder_call&) {
        const std::lock_guard lock(mutex_);
        const auto found = books_.find(text_of(key));
        if (found == books_.end()) {
            return LARDER_MISS;
        }
        books_.erase(found);
        return LARDER_OK;
    }
    larder_status touch(const larder_key&, const larder_touch&, const larder_call&) {
        throw Error(LARDER_E_BUSY, "do not touch");
    }
    larder_status stats(std::uint32_t, larder_store_stats& out) {
        out.capacity_bytes = boards_;
        out.errors = key_size_;
        return LARDER_OK;
    }

  private:
    Host host_;
    std::uint64_t boards_;
    std::string label_;
    std::size_t key_size_ = 0;
    std::mutex mutex_;
    std::map<std::string, std::string, std::less<>> books_;
};

class Reader {
  public:
    static constexpr const char* name = "reader";
    static constexpr std::uint64_t caps = 0;
    Reader(Host, const Config&) {}
    larder_status fetch(const larder_warm_item& item, const larder_call&, larder_cache_set&,
                        Reply out) {
        return out.owned(std::string(text_of(item.hint)));
    }
};

}  // namespace

LARDER_MODULE(&Store<Shelf>::value, &Warmer<Reader>::value)
