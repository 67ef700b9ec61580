// kernel/kit/map_cache.hpp -- larder.cache/1 over a std::map, for judging and testing gateways and the
// like.
//
// Namespaces are the ones the test declares, numbers from 0. A key template may be given as a
// literal prefix that keys must have. Entries carry a value, a deadline on the host's clock and a
// version. With answer_later(true) every call that has a done answers PENDING and is worked on by
// another thread.
//
// What an invalidation does is the kernel's affair; here a drop removes what its target names, a
// route drops what the test said it does, and everything told is kept for the test to look at.
#pragma once

#include "kernel/kit/answers.hpp"

#include <larder/plugin/services.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::kit {

class MapCache {
  public:
    struct Namespace {
        std::string name;
        std::string must_begin_with;
        std::int64_t ttl_ms = -1;      // -1: entries do not expire
        std::int64_t longest_ms = -1;  // hard limit; -1: none
        std::size_t largest_value = ~std::size_t{0};
    };

    MapCache() { fill(); }
    MapCache(const MapCache&) = delete;
    MapCache& operator=(const MapCache&) = delete;

    // The table is one per process, so the cache in use is too: the last one installed.
    const larder_cache_api* api() {
        current().store(this, std::memory_order_release);
        return &api_;
    }

    std::uint32_t declare(Namespace ns) {
        const std::lock_guard lock(mutex_);
        namespaces_.push_back(std::move(ns));
        return static_cast<std::uint32_t>(namespaces_.size() - 1);
    }
    void answer_later(bool on) { answers_.later(on); }
    // Holds back what answers later until the test lets it go.
    void hold(bool on) { answers_.hold(on); }
    // A request of that method and path drops the namespace.
    void route_drops(std::string request, std::string ns) {
        const std::lock_guard lock(mutex_);
        routes_[std::move(request)] = std::move(ns);
    }
    // The next entries read answer with this status.
    void fail_reads(larder_status status) { read_failure_.store(status); }
    void add_event(std::string type, std::string text) {
        const std::lock_guard lock(mutex_);
        events_.emplace_back(std::move(type), std::move(text));
    }

    // What was told.
    std::vector<std::string> told() const {
        const std::lock_guard lock(mutex_);
        return told_;
    }
    std::size_t get_calls() const { return get_calls_.load(); }
    std::size_t largest_batch() const { return largest_batch_.load(); }
    std::uint32_t last_role() const { return last_role_.load(); }
    // Guarded changes are refused with this as the receipt's JSON; empty: they are not.
    void refuse_guarded(std::string json) { refusal_ = std::move(json); }
    std::size_t pinned() const { return static_cast<std::size_t>(pinned_count().load()); }

  private:
    struct Entry {
        std::shared_ptr<const std::string> value;
        std::int64_t until_ms;  // host's monotonic clock; -1: none
        std::uint64_t version;
        bool absent = false;
    };
    using Key = std::pair<std::uint32_t, std::string>;

    static std::atomic<MapCache*>& current() {
        static std::atomic<MapCache*> cache{nullptr};
        return cache;
    }
    static MapCache& me() { return *current().load(std::memory_order_acquire); }
    static std::atomic<std::int64_t>& pinned_count() {
        static std::atomic<std::int64_t> count{0};
        return count;
    }
    static std::string text(larder_bytes b) {
        return b.size == 0 ? std::string() : std::string(static_cast<const char*>(b.data), b.size);
    }

    // Of one entry, under mutex_.
    Entry* find(const larder_host* h, std::uint32_t ns, larder_bytes key);
    larder_status fits(std::uint32_t ns, larder_bytes key) const;
    void write(std::uint32_t ns, larder_bytes key, std::string value, std::int64_t until_ms);
    static std::int64_t left(const larder_host* h, const Entry& entry);
    static std::int64_t until(const larder_host* h, const Namespace& ns, std::int64_t ttl_ms);
    static bool too_long(const Namespace& ns, std::int64_t ttl_ms);
    static void pin(larder_value* out, const std::shared_ptr<const std::string>& value);
    static void report(larder_value* out, const std::string& bytes);
    static bool glob(std::string_view pattern, std::string_view text);

    // What the table's functions do; these take mutex_.
    void get(const larder_host* h, larder_cache_get& item, std::uint32_t flags);
    void set(const larder_host* h, larder_cache_set& item);
    larder_status update(const larder_host* h, std::uint32_t ns, larder_bytes key,
                         larder_update_fn fn, void* ctx);
    larder_status expire(const larder_host* h, std::uint32_t ns, larder_bytes key,
                         std::int64_t ttl_ms, std::uint32_t flags);
    larder_status scan(const larder_host* h, larder_cache_scan& scan);
    larder_status change(std::uint32_t action, const larder_target& target,
                         larder_receipt* receipt);

    template <class Work>
    larder_status answer(const larder_call* call, Work work) {
        last_role_.store(call->role);
        return answers_.answer(call, std::move(work));
    }
    void fill();  // api_

    larder_cache_api api_{};
    mutable std::mutex mutex_;  // guards what follows
    std::vector<Namespace> namespaces_;
    std::map<Key, Entry> entries_;
    std::map<Key, std::uint64_t> fenced_;
    std::map<std::string, std::string> routes_;
    std::vector<std::string> told_;
    std::vector<std::pair<std::string, std::string>> events_;
    std::uint64_t drops_ = 0, last_version_ = 0;

    std::atomic<larder_status> read_failure_{LARDER_OK};
    std::atomic<std::size_t> get_calls_{0}, largest_batch_{0};
    std::atomic<std::uint32_t> last_role_{0};
    std::string refusal_;  // set before clients come

    Answers answers_;  // ends first
};

}  // namespace larder::kit
