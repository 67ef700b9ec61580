// tests/support/map_store.hpp -- the plainest store there is, and one that can be made to misbehave.
//
// A std::map behind the C table of <larder/plugin/store.h>, under one mutex. The switches make it fail,
// answer later or on a blocking thread, or lie: what the kernel must survive.
#pragma once

#include "kernel/core/cache.hpp"

#include <larder/plugin/store.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace larder::test {

class MapStore {
  public:
    explicit MapStore(Clock& clock, std::uint64_t caps = default_caps) : clock_(clock), caps_(caps) {}
    ~MapStore() {
        for (auto& t : later_) t.join();
    }

    static constexpr std::uint64_t default_caps = LARDER_STORE_CAP_SYNC | LARDER_STORE_CAP_ZERO_COPY | LARDER_STORE_CAP_TTL |
                                                  LARDER_STORE_CAP_SCAN | LARDER_STORE_CAP_VERSION | LARDER_STORE_CAP_MARK;

    // ---- misbehaviour
    std::atomic<larder_status> fail{LARDER_OK};  // what every call answers instead
    std::atomic<std::uint64_t> capacity{0};      // what stats() says
    std::atomic<bool> silent{false};             // answers PENDING and never calls done
    std::atomic<std::size_t> most{0};            // entries of a namespace that demotes; 0: any number. Then any of the others goes
    std::function<void(std::string& bytes, const std::string& key)> lie;  // changes what get returns

    StoreHandle handle(std::string name) {
        StoreHandle h;
        h.name = std::move(name);
        h.plugin = "map";
        h.table = &table();
        h.self = this;
        h.caps = caps_;
        h.timeout = Ms(200);
        return h;
    }
    std::size_t size() {
        const std::lock_guard lock(mutex_);
        return map_.size();
    }
    std::uint64_t calls() const { return calls_.load(); }
    // Puts raw bytes under a key, as a stranger would.
    void plant(std::uint32_t ns, const std::string& key, const std::string& bytes) {
        const std::lock_guard lock(mutex_);
        map_[{ns, key}] = make(bytes, 0, 1);
    }
    void evict_all() {
        const std::lock_guard lock(mutex_);
        map_.clear();
    }
    // Evicts about one in n.
    void evict_some(std::uint64_t random, unsigned n) {
        const std::lock_guard lock(mutex_);
        for (auto it = map_.begin(); it != map_.end();) {
            random = random * 6364136223846793005ULL + 1442695040888963407ULL;
            it = (random >> 33) % n == 0 ? map_.erase(it) : std::next(it);
        }
    }

    // What the kernel said a namespace may hold here; this store keeps no limit.
    struct Limits {
        std::uint64_t entries = 0, bytes = 0;
    };
    std::map<std::uint32_t, Limits> limits() {
        const std::lock_guard lock(mutex_);
        return limits_;
    }

  private:
    struct Block {  // 8-aligned, writable
        std::vector<std::uint64_t> words;
        std::size_t size = 0;
        std::uint64_t until_ns = 0, version = 0;
        bool headed = false;
        char* data() { return reinterpret_cast<char*>(words.data()); }
    };
    using Shared = std::shared_ptr<Block>;
    using Key = std::pair<std::uint32_t, std::string>;

    // The deadline into the head of a headed value.
    static void set_deadline(Block& block) {
        if (!block.headed) return;
        constexpr std::uint64_t mask = (std::uint64_t{1} << LARDER_HEAD_DEADLINE_BITS) - 1;
        std::atomic_ref<std::uint64_t> word(block.words[2]);
        word.store((word.load() & ~mask) | (block.until_ns / 1'000'000 & mask));
    }
    static Shared make(std::string_view bytes, std::uint64_t until_ns, std::uint64_t version, bool headed = false) {
        auto block = std::make_shared<Block>();
        block->words.resize((bytes.size() + 7) / 8 + 1);
        std::memcpy(block->data(), bytes.data(), bytes.size());
        block->size = bytes.size();
        block->until_ns = until_ns;
        block->version = version;
        block->headed = headed;
        set_deadline(*block);
        return block;
    }
    static Key key_of(const larder_key* k) { return {k->ns, std::string(k->data, k->size)}; }
    static MapStore& self(void* p) { return *static_cast<MapStore*>(p); }

    Shared find(const Key& key) {
        const auto it = map_.find(key);
        if (it == map_.end()) return nullptr;
        if (it->second->until_ns != 0 && clock_.mono_ns() >= it->second->until_ns) {
            map_.erase(it);
            return nullptr;
        }
        return it->second;
    }
    std::uint64_t until(std::uint64_t ttl_ms) const { return ttl_ms == 0 ? 0 : clock_.mono_ns() + ttl_ms * 1'000'000; }
    static void fill(larder_value* out, const Shared& block) {
        out->data = block->data();
        out->size = block->size;
        out->pin = new Shared(block);
        out->release = [](larder_value* v) noexcept { delete static_cast<Shared*>(v->pin); };
    }
    // Runs op here, or later when the store is neither SYNC nor BLOCKING.
    template <class Op>
    larder_status serve(const larder_call* call, larder_value* out, Op op) {
        calls_.fetch_add(1);
        if (silent.load()) return LARDER_PENDING;
        const larder_status refuse = fail.load();
        if ((caps_ & (LARDER_STORE_CAP_SYNC | LARDER_STORE_CAP_BLOCKING)) != 0) return refuse != LARDER_OK ? refuse : op(out);
        const larder_call copy = *call;
        const std::lock_guard lock(later_mutex_);
        later_.emplace_back([copy, op, refuse] {
            larder_value value{};
            const larder_status status = refuse != LARDER_OK ? refuse : op(&value);
            copy.done(copy.done_ctx, status, status == LARDER_OK && value.data != nullptr ? &value : nullptr);
        });
        return LARDER_PENDING;
    }

    // As a full store does: what goes is handed on with the lock held.
    void make_room(const Key& keep) {
        const auto to = demotions_.find(keep.first);
        if (to == demotions_.end() || most.load() == 0) return;
        const auto begin = map_.lower_bound({keep.first, std::string()}), end = map_.lower_bound({keep.first + 1, std::string()});
        auto entries = static_cast<std::size_t>(std::distance(begin, end));
        while (entries-- > most.load()) {
            auto victim = map_.lower_bound({keep.first, std::string()});
            turn_ = turn_ * 6364136223846793005ULL + 1442695040888963407ULL;
            std::advance(victim, (turn_ >> 33) % (entries + 1));
            if (victim->first == keep) victim = map_.lower_bound({keep.first, std::string()});
            if (victim->first == keep) ++victim;
            const Key key = victim->first;
            larder_value value{};
            fill(&value, victim->second);
            map_.erase(victim);
            const larder_key shown{key.second.data(), static_cast<std::uint32_t>(key.second.size()), key.first, 0};
            to->second.evicted(to->second.ctx, &shown, &value);
        }
    }

    static larder_status get(void* p, const larder_key* k, const larder_call* call, larder_value* out) noexcept {
        MapStore& s = self(p);
        return s.serve(call, out, [&s, key = key_of(k)](larder_value* value) -> larder_status {
            const std::lock_guard lock(s.mutex_);
            Shared block = s.find(key);
            if (block == nullptr) return LARDER_MISS;
            if (s.lie) {
                std::string bytes(block->data(), block->size);
                s.lie(bytes, key.second);
                block = make(bytes, 0, block->version);
            }
            fill(value, block);
            return LARDER_OK;
        });
    }
    static larder_status put(void* p, const larder_key* k, const larder_put* put, const larder_call* call) noexcept {
        MapStore& s = self(p);
        const larder_put w = *put;
        return s.serve(call, nullptr, [&s, key = key_of(k), bytes = std::string(static_cast<const char*>(w.value.data), w.value.size), w](larder_value*) -> larder_status {
            const std::lock_guard lock(s.mutex_);
            const Shared old = s.find(key);
            if ((w.flags & LARDER_PUT_IF_ABSENT) != 0 && old != nullptr) return LARDER_EXISTS;
            if ((w.flags & LARDER_PUT_IF_VERSION) != 0 && (old == nullptr ? 0 : old->version) != w.if_version) return LARDER_E_CONFLICT;
            s.map_[key] = make(bytes, s.until(w.ttl_ms), w.version, (w.flags & LARDER_PUT_HEADED) != 0);
            s.make_room(key);
            return LARDER_OK;
        });
    }
    static larder_status remove(void* p, const larder_key* k, std::uint64_t if_version, const larder_call* call) noexcept {
        MapStore& s = self(p);
        return s.serve(call, nullptr, [&s, key = key_of(k), if_version](larder_value*) -> larder_status {
            const std::lock_guard lock(s.mutex_);
            const Shared old = s.find(key);
            if (old == nullptr) return LARDER_MISS;
            if (if_version != 0 && old->version != if_version) return LARDER_E_CONFLICT;
            s.map_.erase(key);
            return LARDER_OK;
        });
    }
    static larder_status touch(void* p, const larder_key* k, const larder_touch* t, const larder_call* call) noexcept {
        MapStore& s = self(p);
        const larder_touch w = *t;
        return s.serve(call, nullptr, [&s, key = key_of(k), patch = std::string(static_cast<const char*>(w.patch.data), w.patch.size), w](larder_value*) -> larder_status {
            const std::lock_guard lock(s.mutex_);
            const Shared old = s.find(key);
            if (old == nullptr) return LARDER_MISS;
            if (w.if_version != 0 && old->version != w.if_version) return LARDER_E_CONFLICT;
            if (w.patch_offset + patch.size() > old->size) return LARDER_E_INVALID;
            Shared fresh = make({old->data(), old->size}, s.until(w.ttl_ms), old->version, old->headed);
            if (!patch.empty()) std::memcpy(fresh->data() + w.patch_offset, patch.data(), patch.size());
            s.map_[key] = fresh;
            return LARDER_OK;
        });
    }
    static larder_status clear_ns(void* p, std::uint32_t ns, const larder_call*) noexcept {
        MapStore& s = self(p);
        const std::lock_guard lock(s.mutex_);
        for (auto it = s.map_.begin(); it != s.map_.end();)
            it = ns == UINT32_MAX || it->first.first == ns ? s.map_.erase(it) : std::next(it);
        return LARDER_OK;
    }
    // The cursor is the position in the sorted map: a key that stays is seen as long as nothing before it
    // goes, so it goes over everything in one call.
    static larder_status scan(void* p, larder_scan* scan, const larder_call*) noexcept {
        MapStore& s = self(p);
        const std::lock_guard lock(s.mutex_);
        for (const auto& [key, block] : s.map_) {
            if (scan->ns != UINT32_MAX && key.first != scan->ns) continue;
            const larder_key k{key.second.data(), static_cast<std::uint32_t>(key.second.size()), key.first, 0};
            scan->on_key(scan->ctx, &k, block->size, -1);
        }
        scan->cursor = 0;
        return LARDER_OK;
    }
    static larder_status stats(void* p, std::uint32_t ns, larder_store_stats* out) noexcept {
        MapStore& s = self(p);
        const std::lock_guard lock(s.mutex_);
        out->capacity_bytes = s.capacity.load();
        for (const auto& [key, block] : s.map_)
            if (ns == UINT32_MAX || key.first == ns) {
                ++out->entries;
                out->bytes += block->size;
            }
        return LARDER_OK;
    }
    static const larder_store_v1& table() {
        static const larder_store_v1 t = [] {
            larder_store_v1 v{};
            v.struct_size = sizeof v;
            v.get = &get;
            v.put = &put;
            v.remove = &remove;
            v.touch = &touch;
            v.visit = [](void*, const larder_key*, const larder_call*, void (*)(void*, larder_bytes) noexcept, void*) noexcept -> larder_status { return LARDER_E_UNSUPPORTED; };
            v.get_many = [](void* p, larder_get_item* items, std::size_t n, const larder_call* call) noexcept -> larder_status {
                for (std::size_t i = 0; i < n; ++i) items[i].status = get(p, &items[i].key, call, &items[i].value);
                return LARDER_OK;
            };
            v.clear_ns = &clear_ns;
            v.scan = &scan;
            v.limits = [](void* p, std::uint32_t ns, std::uint64_t entries, std::uint64_t bytes) noexcept -> larder_status {
                MapStore& s = self(p);
                const std::lock_guard lock(s.mutex_);
                s.limits_[ns] = {entries, bytes};
                return LARDER_OK;
            };
            v.stats = &stats;
            v.demote = [](void* p, std::uint32_t ns, const larder_demotion* to) noexcept -> larder_status {
                MapStore& s = self(p);
                const std::lock_guard lock(s.mutex_);
                if (to != nullptr) s.demotions_[ns] = *to;
                else s.demotions_.erase(ns);
                return LARDER_OK;
            };
            return v;
        }();
        return t;
    }

    Clock& clock_;
    const std::uint64_t caps_;
    std::mutex mutex_;
    std::map<Key, Shared> map_;  // guarded by mutex_
    std::map<std::uint32_t, Limits> limits_;  // guarded by mutex_
    std::map<std::uint32_t, larder_demotion> demotions_;  // guarded by mutex_
    std::uint64_t turn_ = 1;  // guarded by mutex_
    std::mutex later_mutex_;
    std::vector<std::thread> later_;  // guarded by later_mutex_
    std::atomic<std::uint64_t> calls_{0};
};

}  // namespace larder::test
