// tests/support/fake_cache.hpp -- larder.cache/1 over a std::map, for tests of gateways and the
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

#include <larder/plugin/services.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace larder::test {

class FakeCache {
  public:
    struct Namespace {
        std::string name;
        std::string must_begin_with;
        std::int64_t ttl_ms = -1;      // -1: entries do not expire
        std::int64_t longest_ms = -1;  // hard limit; -1: none
        std::size_t largest_value = ~std::size_t{0};
    };

    FakeCache() { fill(); }
    FakeCache(const FakeCache&) = delete;
    FakeCache& operator=(const FakeCache&) = delete;
    ~FakeCache() {
        {
            const std::lock_guard lock(later_mutex_);
            ending_ = true;
        }
        later_wakes_.notify_all();
        if (worker_.joinable()) {
            worker_.join();
        }
    }

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
    void answer_later(bool on) {
        const std::lock_guard lock(later_mutex_);
        later_ = on;
        if (on && !worker_.joinable()) {
            worker_ = std::thread([this] { work(); });
        }
    }
    // Holds back what answers later until the test lets it go.
    void hold(bool on) {
        {
            const std::lock_guard lock(later_mutex_);
            held_ = on;
        }
        later_wakes_.notify_all();
    }
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
    std::size_t pinned() const { return static_cast<std::size_t>(pinned_count().load()); }

  private:
    struct Entry {
        std::shared_ptr<const std::string> value;
        std::int64_t until_ms;  // host's monotonic clock; -1: none
        std::uint64_t version;
        bool absent = false;
    };
    using Key = std::pair<std::uint32_t, std::string>;

    static std::atomic<FakeCache*>& current() {
        static std::atomic<FakeCache*> cache{nullptr};
        return cache;
    }
    static FakeCache& me() { return *current().load(std::memory_order_acquire); }
    static std::atomic<std::int64_t>& pinned_count() {
        static std::atomic<std::int64_t> count{0};
        return count;
    }
    static std::string text(larder_bytes b) {
        return b.size == 0 ? std::string() : std::string(static_cast<const char*>(b.data), b.size);
    }
    static std::int64_t now(const larder_host* h) {
        return static_cast<std::int64_t>(h->mono_ns(h) / 1'000'000);
    }

    // ---- entries; under mutex_
    Entry* find(const larder_host* h, std::uint32_t ns, larder_bytes key) {
        const auto found = entries_.find({ns, text(key)});
        if (found == entries_.end()) {
            return nullptr;
        }
        if (found->second.until_ms >= 0 && found->second.until_ms <= now(h)) {
            entries_.erase(found);
            return nullptr;
        }
        return &found->second;
    }
    larder_status fits(std::uint32_t ns, larder_bytes key) const {
        return ns < namespaces_.size() && text(key).starts_with(namespaces_[ns].must_begin_with)
                   ? LARDER_OK
                   : LARDER_E_INVALID;
    }
    static void pin(larder_value* out, const std::shared_ptr<const std::string>& value) {
        pinned_count().fetch_add(1);
        out->data = value->data();
        out->size = value->size();
        out->pin = new std::shared_ptr<const std::string>(value);
        out->release = [](larder_value* v) noexcept {
            pinned_count().fetch_sub(1);
            delete static_cast<std::shared_ptr<const std::string>*>(v->pin);
        };
    }
    std::int64_t left(const larder_host* h, const Entry& entry) const {
        return entry.until_ms < 0 ? -1 : entry.until_ms - now(h);
    }
    std::int64_t until(const larder_host* h, const Namespace& ns, std::int64_t ttl_ms) const {
        const std::int64_t ttl = ttl_ms > 0 ? ttl_ms : ttl_ms < 0 ? ns.longest_ms : ns.ttl_ms;
        return ttl < 0 ? -1 : now(h) + ttl;
    }
    static bool too_long(const Namespace& ns, std::int64_t ttl_ms) {
        return ns.longest_ms >= 0 && ttl_ms > ns.longest_ms;
    }

    void get(const larder_host* h, larder_cache_get& item, std::uint32_t flags) {
        const std::lock_guard lock(mutex_);
        if (const larder_status failure = read_failure_.load(); failure != LARDER_OK) {
            item.status = failure;
            return;
        }
        item.status = fits(item.ns, item.key);
        if (item.status != LARDER_OK) {
            return;
        }
        const Entry* entry = find(h, item.ns, item.key);
        if (entry == nullptr) {
            item.status = LARDER_MISS;
            if ((flags & LARDER_GET_FENCE) != 0) {
                fenced_[{item.ns, text(item.key)}] = drops_;
            }
            return;
        }
        item.found = entry->absent ? std::uint32_t{LARDER_FOUND_ABSENT} : 0;
        item.ttl_ms = left(h, *entry);
        item.version = entry->version;
        if ((flags & LARDER_GET_META) == 0) {
            pin(&item.value, entry->value);
        }
    }

    void set(const larder_host* h, larder_cache_set& item) {
        const std::lock_guard lock(mutex_);
        item.status = fits(item.ns, item.key);
        if (item.status != LARDER_OK) {
            return;
        }
        const Namespace& ns = namespaces_[item.ns];
        if (item.value.size > ns.largest_value) {
            item.status = LARDER_E_TOO_LARGE;
            return;
        }
        if (too_long(ns, item.ttl_ms)) {
            item.status = LARDER_E_INVALID;
            return;
        }
        Entry* entry = find(h, item.ns, item.key);
        if ((item.flags & LARDER_SET_RETURN_OLD) != 0 && entry != nullptr) {
            pin(&item.old, entry->value);
        }
        if ((item.flags & LARDER_SET_IF_ABSENT) != 0 && entry != nullptr) {
            item.status = LARDER_EXISTS;
            return;
        }
        if ((item.flags & LARDER_SET_IF_PRESENT) != 0 && entry == nullptr) {
            item.status = LARDER_MISS;
            return;
        }
        if ((item.flags & LARDER_SET_FENCED) != 0) {
            const auto fence = fenced_.find({item.ns, text(item.key)});
            if (fence != fenced_.end()) {
                const bool kept = fence->second == drops_;
                fenced_.erase(fence);
                if (!kept) {
                    return;
                }
            }
        }
        std::string with;
        for (std::uint32_t i = 0; i < item.with_count; ++i) {
            with += " " + text(item.with[i].name) + "=" + text(item.with[i].value);
        }
        if (!with.empty()) {
            told_.push_back("with" + with);
        }
        const std::int64_t kept_until = (item.flags & LARDER_SET_KEEP_TTL) != 0 && entry != nullptr
                                            ? entry->until_ms
                                            : until(h, ns, item.ttl_ms);
        write(item.ns, item.key, text(item.value), kept_until);
        item.kept = 1;
        item.version = last_version_;
    }
    void write(std::uint32_t ns, larder_bytes key, std::string value, std::int64_t until_ms) {
        entries_[{ns, text(key)}] = {std::make_shared<const std::string>(std::move(value)),
                                     until_ms, ++last_version_};
    }

    larder_status update(const larder_host* h, std::uint32_t ns, larder_bytes key,
                         larder_update_fn fn, void* ctx) {
        for (;;) {
            std::shared_ptr<const std::string> old;
            std::uint64_t version = 0;
            std::int64_t ttl_ms = -1;
            {
                const std::lock_guard lock(mutex_);
                if (fits(ns, key) != LARDER_OK) {
                    return LARDER_E_INVALID;
                }
                if (const Entry* entry = find(h, ns, key)) {
                    old = entry->value;
                    version = entry->version;
                    ttl_ms = left(h, *entry);
                } else {
                    ttl_ms = namespaces_[ns].ttl_ms;
                }
            }
            larder_value replacement{};
            const larder_bytes given =
                old ? larder_bytes{old->data(), old->size()} : larder_bytes{};
            const larder_status verdict = fn(ctx, given, &replacement, &ttl_ms);
            const std::string fresh = text({replacement.data, replacement.size});
            if (replacement.release != nullptr) {
                replacement.release(&replacement);
            }
            if (verdict < LARDER_OK) {
                return verdict;
            }
            const std::lock_guard lock(mutex_);
            const Entry* entry = find(h, ns, key);
            if ((entry != nullptr ? entry->version : 0) != version) {
                continue;
            }
            if (verdict == LARDER_OK) {
                write(ns, key, fresh, ttl_ms < 0 ? -1 : now(h) + ttl_ms);
            } else if (verdict == LARDER_MISS) {
                entries_.erase({ns, text(key)});
            }
            return LARDER_OK;
        }
    }

    larder_status expire(const larder_host* h, std::uint32_t ns, larder_bytes key,
                         std::int64_t ttl_ms, std::uint32_t flags) {
        const std::lock_guard lock(mutex_);
        if (fits(ns, key) != LARDER_OK || too_long(namespaces_[ns], ttl_ms)) {
            return LARDER_E_INVALID;
        }
        Entry* entry = find(h, ns, key);
        if (entry == nullptr) {
            return LARDER_MISS;
        }
        const std::int64_t present = left(h, *entry);
        const bool refused =
            ((flags & LARDER_EXPIRE_IF_NONE) != 0 && present >= 0) ||
            ((flags & LARDER_EXPIRE_IF_ANY) != 0 && present < 0) ||
            ((flags & LARDER_EXPIRE_IF_LATER) != 0 && (present < 0 || ttl_ms <= present)) ||
            ((flags & LARDER_EXPIRE_IF_SOONER) != 0 && present >= 0 && ttl_ms >= present);
        if (refused) {
            return LARDER_EXISTS;
        }
        if (ttl_ms <= 0) {
            entries_.erase({ns, text(key)});
        } else {
            entry->until_ms = now(h) + ttl_ms;
        }
        return LARDER_OK;
    }

    // The cursor is the place of the next key in the map's order.
    larder_status scan(const larder_host* h, larder_cache_scan& scan) {
        std::vector<Key> all;
        {
            const std::lock_guard lock(mutex_);
            for (const auto& [key, entry] : entries_) {
                const bool live = entry.until_ms < 0 || entry.until_ms > now(h);
                if (live && (scan.ns == LARDER_NS_NONE || scan.ns == key.first)) {
                    all.push_back(key);
                }
            }
        }
        std::size_t at = scan.cursor;
        const std::size_t end = at + scan.count;
        for (; at < all.size() && at < end; ++at) {
            const auto& [ns, key] = all[at];
            if (scan.glob.size == 0 || glob(text(scan.glob), key)) {
                scan.on_key(scan.ctx, ns, {key.data(), key.size()});
            }
        }
        scan.cursor = at < all.size() ? at : 0;
        return LARDER_OK;
    }
    // `*` and `?` only; no recursion, as keys are long in some tests.
    static bool glob(std::string_view pattern, std::string_view text) {
        std::size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
        while (t < text.size()) {
            if (p < pattern.size() && pattern[p] == '*') {
                star = p++;
                star_text = t;
            } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
                ++p;
                ++t;
            } else if (star != std::string_view::npos) {
                p = star + 1;
                t = ++star_text;
            } else {
                return false;
            }
        }
        return pattern.find_first_not_of('*', p) == std::string_view::npos;
    }

    larder_status change(std::uint32_t action, const larder_target& target,
                         larder_receipt* receipt) {
        const std::lock_guard lock(mutex_);
        constexpr const char* verbs[] = {"drop", "expire", "refresh"};
        constexpr const char* kinds[] = {"key", "namespace", "matching", "tag", "everything"};
        told_.push_back(std::string(verbs[action]) + " " + kinds[target.kind] + " " +
                        (target.ns < namespaces_.size() ? namespaces_[target.ns].name + " " : "") +
                        text(target.what));
        ++drops_;
        std::erase_if(entries_, [&](const auto& entry) {
            const auto& [ns, key] = entry.first;
            switch (target.kind) {
                case LARDER_TARGET_KEY:
                    return ns == target.ns && key == text(target.what);
                case LARDER_TARGET_NAMESPACE:
                    return ns == target.ns;
                case LARDER_TARGET_MATCHING:
                    return ns == target.ns && glob(text(target.what), key);
                case LARDER_TARGET_TAG:
                    return false;
                default:
                    return true;
            }
        });
        if (receipt != nullptr) {
            (action == LARDER_DROP ? receipt->dropped : receipt->expired) += 1;
        }
        return LARDER_OK;
    }
    static void tell(larder_receipt* receipt, std::uint32_t rules, const char* json) {
        if (receipt == nullptr) {
            return;
        }
        receipt->rules = rules;
        receipt->took_ns = 5000;
        if (receipt->want_json != 0) {
            receipt->json = {json, std::strlen(json), nullptr, nullptr};
        }
    }
    static void report(larder_value* out, const std::string& bytes) {
        pin(out, std::make_shared<const std::string>(bytes));
    }

    // ---- answers: now, or by the worker
    template <class Work>
    larder_status answer(const larder_call* call, Work work) {
        last_role_.store(call->role);
        {
            const std::lock_guard lock(later_mutex_);
            if (later_ && call->done != nullptr) {
                waiting_.push_back([work, done = call->done, ctx = call->done_ctx]() mutable {
                    done(ctx, work(), nullptr);
                });
                later_wakes_.notify_all();
                return LARDER_PENDING;
            }
        }
        return work();
    }
    void work() {
        std::unique_lock lock(later_mutex_);
        for (;;) {
            later_wakes_.wait(lock, [&] { return ending_ || (!held_ && !waiting_.empty()); });
            if (ending_ && waiting_.empty()) {
                return;
            }
            auto next = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            next();
            lock.lock();
        }
    }

    void fill();

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

    std::mutex later_mutex_;  // guards what follows
    std::condition_variable later_wakes_;
    std::deque<std::function<void()>> waiting_;
    bool later_ = false, held_ = false, ending_ = false;
    std::thread worker_;
};

inline void FakeCache::fill() {
    api_.struct_size = sizeof api_;
    api_.ns_find = [](const larder_host*, larder_bytes name,
                      std::uint32_t* ns) noexcept -> larder_status {
        const std::lock_guard lock(me().mutex_);
        for (std::size_t i = 0; i < me().namespaces_.size(); ++i) {
            if (me().namespaces_[i].name ==
                std::string_view(static_cast<const char*>(name.data), name.size)) {
                *ns = static_cast<std::uint32_t>(i);
                return LARDER_OK;
            }
        }
        return LARDER_MISS;
    };
    api_.ns_name = [](const larder_host*, std::uint32_t ns,
                      larder_bytes* name) noexcept -> larder_status {
        const std::lock_guard lock(me().mutex_);
        if (ns >= me().namespaces_.size()) {
            return LARDER_MISS;
        }
        const std::string& found = me().namespaces_[ns].name;
        *name = {found.data(), found.size()};
        return LARDER_OK;
    };
    api_.resolve = [](const larder_host*, larder_bytes full, std::uint32_t fallback,
                      std::uint32_t* ns, std::uint32_t* prefix) noexcept -> larder_status {
        const std::lock_guard lock(me().mutex_);
        const std::string_view key(static_cast<const char*>(full.data), full.size);
        std::size_t longest = 0;
        for (std::size_t i = 0; i < me().namespaces_.size(); ++i) {
            const std::string& name = me().namespaces_[i].name;
            bool same = key.size() > name.size() && key[name.size()] == ':';
            for (std::size_t c = 0; same && c < name.size(); ++c) {
                same = key[c] == name[c] || (key[c] == ':' && name[c] == '.');
            }
            if (same && name.size() + 1 > longest) {
                longest = name.size() + 1;
                *ns = static_cast<std::uint32_t>(i);
            }
        }
        *prefix = static_cast<std::uint32_t>(longest);
        if (longest == 0) {
            *ns = fallback;
        }
        return *ns == LARDER_NS_NONE ? LARDER_MISS : LARDER_OK;
    };
    api_.check_key = [](const larder_host*, std::uint32_t ns, larder_bytes key,
                        larder_errbuf* err) noexcept -> larder_status {
        const std::lock_guard lock(me().mutex_);
        const larder_status st = me().fits(ns, key);
        if (st != LARDER_OK && err != nullptr) {
            err->len = static_cast<std::uint32_t>(std::snprintf(
                err->buf, err->cap, "key does not fit \"%s{rest...}\" of namespace %s",
                me().namespaces_[ns].must_begin_with.c_str(), me().namespaces_[ns].name.c_str()));
        }
        return st;
    };
    api_.get_many = [](const larder_host* h, larder_cache_get* items, std::size_t n,
                       const larder_call* call) noexcept -> larder_status {
        ++me().get_calls_;
        me().largest_batch_ = std::max(me().largest_batch_.load(), n);
        return me().answer(call, [h, items, n, flags = call->flags]() -> larder_status {
            for (std::size_t i = 0; i < n; ++i) {
                me().get(h, items[i], flags);
            }
            return LARDER_OK;
        });
    };
    api_.set_many = [](const larder_host* h, larder_cache_set* items, std::size_t n,
                       const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [h, items, n]() -> larder_status {
            for (std::size_t i = 0; i < n; ++i) {
                me().set(h, items[i]);
            }
            return LARDER_OK;
        });
    };
    api_.remove_many = [](const larder_host* h, larder_cache_key* items, std::size_t n,
                          const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [h, items, n]() -> larder_status {
            const std::lock_guard lock(me().mutex_);
            for (std::size_t i = 0; i < n; ++i) {
                items[i].status = me().fits(items[i].ns, items[i].key);
                if (items[i].status == LARDER_OK) {
                    items[i].status =
                        me().find(h, items[i].ns, items[i].key) ? LARDER_OK : LARDER_MISS;
                    me().entries_.erase({items[i].ns, text(items[i].key)});
                }
            }
            return LARDER_OK;
        });
    };
    api_.update = [](const larder_host* h, std::uint32_t ns, larder_bytes key, larder_update_fn fn,
                     void* ctx, const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=] { return me().update(h, ns, key, fn, ctx); });
    };
    api_.expire = [](const larder_host* h, std::uint32_t ns, larder_bytes key, std::int64_t ttl_ms,
                     std::uint32_t flags, const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=] { return me().expire(h, ns, key, ttl_ms, flags); });
    };
    api_.persist = [](const larder_host* h, std::uint32_t ns, larder_bytes key,
                      const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=]() -> larder_status {
            const std::lock_guard lock(me().mutex_);
            Entry* entry = me().find(h, ns, key);
            if (entry == nullptr) {
                return LARDER_MISS;
            }
            if (entry->until_ms < 0) {
                return LARDER_EXISTS;
            }
            entry->until_ms = me().until(h, me().namespaces_[ns], 0);
            return LARDER_OK;
        });
    };
    api_.scan = [](const larder_host* h, larder_cache_scan* scan,
                   const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=] { return me().scan(h, *scan); });
    };
    api_.count = [](const larder_host*, std::uint32_t ns, std::uint64_t* out,
                    const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=]() -> larder_status {
            const std::lock_guard lock(me().mutex_);
            *out = 0;
            for (const auto& [key, entry] : me().entries_) {
                *out += ns == LARDER_NS_NONE || ns == key.first ? 1 : 0;
            }
            return LARDER_OK;
        });
    };
    api_.change = [](const larder_host*, std::uint32_t action, const larder_target* targets,
                     std::size_t n, larder_receipt* receipt,
                     const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=]() -> larder_status {
            for (std::size_t i = 0; i < n; ++i) {
                me().change(action, targets[i], receipt);
            }
            return LARDER_OK;
        });
    };
    api_.request = [](const larder_host*, const larder_request* rq, larder_receipt* receipt,
                      const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=]() -> larder_status {
            const std::string what = text(rq->method) + " " + text(rq->path);
            std::uint32_t rules = 0;
            {
                const std::lock_guard lock(me().mutex_);
                me().told_.push_back("request " + what + " ?" + text(rq->query) + " " +
                                     std::to_string(rq->status));
                const auto route = me().routes_.find(what);
                if (route != me().routes_.end() && rq->status < 400) {
                    rules = 1;
                    ++me().drops_;
                    std::erase_if(me().entries_, [&](const auto& entry) {
                        return me().namespaces_[entry.first.first].name == route->second;
                    });
                }
            }
            tell(receipt, rules, R"({"rules":["test.larder:1"]})");
            return LARDER_OK;
        });
    };
    api_.event = [](const larder_host*, larder_bytes name, const larder_pair* values, std::size_t n,
                    larder_receipt* receipt, const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=]() -> larder_status {
            std::string what = "event " + text(name);
            for (std::size_t i = 0; i < n; ++i) {
                what += " " + text(values[i].name) + "=" + text(values[i].value);
            }
            const std::lock_guard lock(me().mutex_);
            me().told_.push_back(what);
            tell(receipt, 1, "{}");
            return LARDER_OK;
        });
    };
    api_.explain = [](const larder_host*, larder_bytes what, larder_value* out,
                      const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=, asked = text(what)]() -> larder_status {
            report(out, "explained: " + asked);
            return LARDER_OK;
        });
    };
    api_.stats = [](const larder_host*, larder_bytes what, larder_value* out,
                    const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=, asked = text(what)]() -> larder_status {
            report(out, "{\"section\":\"" + asked + "\"}");
            return LARDER_OK;
        });
    };
    api_.warm = [](const larder_host*, std::uint32_t, larder_receipt* receipt,
                   const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=]() -> larder_status {
            receipt->warmed = 3;
            return LARDER_OK;
        });
    };
    api_.reclaim = [](const larder_host*, std::uint32_t ns, std::uint64_t* removed,
                      const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=]() -> larder_status {
            const std::lock_guard lock(me().mutex_);
            me().told_.push_back("reclaim " + (ns < me().namespaces_.size()
                                                   ? me().namespaces_[ns].name
                                                   : std::string("everything")));
            *removed = 4;
            return LARDER_OK;
        });
    };
    api_.reload = [](const larder_host*, larder_value* out,
                     const larder_call* call) noexcept -> larder_status {
        return me().answer(call, [=]() -> larder_status {
            report(out, "reloaded");
            return LARDER_OK;
        });
    };
    api_.events = [](const larder_host*, std::uint64_t* number,
                     void(LARDER_CALL * each)(void*, const larder_event_record*) noexcept,
                     void* ctx) noexcept -> larder_status {
        std::vector<std::pair<std::string, std::string>> fresh;
        {
            const std::lock_guard lock(me().mutex_);
            fresh.assign(me().events_.begin() + static_cast<std::ptrdiff_t>(*number),
                         me().events_.end());
        }
        for (const auto& [type, line] : fresh) {
            const larder_event_record record{sizeof(larder_event_record),
                                             LARDER_LOG_INFO,
                                             ++*number,
                                             1'700'000'000'123,
                                             {type.data(), type.size()},
                                             {line.data(), line.size()}};
            each(ctx, &record);
        }
        return LARDER_OK;
    };
}

}  // namespace larder::test
