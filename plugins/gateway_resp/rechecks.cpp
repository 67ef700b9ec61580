// plugins/gateway_resp/rechecks.cpp -- see rechecks.hpp.
#include "rechecks.hpp"

#include "exchange.hpp"

#include <algorithm>

namespace larder::resp {
namespace {

constexpr std::uint64_t period_ns = 50'000'000;
constexpr std::size_t at_once = 256;

// What is known of these entries now, in the same order.
template <class Items, class KeyOf>
std::vector<larder_cache_get> look_at(Gateway& gateway, const Items& items, KeyOf&& key_of) {
    std::vector<larder_cache_get> found(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto [ns, key] = key_of(items[i]);
        found[i].ns = ns;
        found[i].key = bytes_of(key);
        found[i].status = LARDER_E_IO;
    }
    for (std::size_t at = 0; at < found.size(); at += at_once) {
        larder_call call{};
        call.struct_size = sizeof call;
        call.flags = kPeekMeta;
        call.deadline_ns = gateway.now_ns() + gateway.options.call_timeout_ns;
        call.role = LARDER_ROLE_READ;
        gateway.cache->get_many(gateway.host, &found[at], std::min(at_once, found.size() - at),
                                &call);
    }
    return found;
}

}  // namespace

void Rechecks::put(const Key& key, Entry entry) {
    erase(key);
    order_.emplace(entry.deadline_ns, key);
    entries_[key] = std::move(entry);
}

void Rechecks::erase(const Key& key) {
    if (const auto found = entries_.find(key); found != entries_.end()) {
        order_.erase({found->second.deadline_ns, key});
        entries_.erase(found);
    }
}

// ---- what is to be looked at ---------------------------------------------------------------------

void Rechecks::written(std::uint32_t ns, std::string_view key, std::string_view name) {
    if (!gateway_.key_events.wants(kEventExpired) && !gateway_.tracking.broadcasts()) {
        return;
    }
    const std::lock_guard lock(mutex_);
    if (entries_.size() < most_entries) {
        put({ns, std::string(key)}, {std::string(name), 0});
        waiting_.store(true, std::memory_order_relaxed);
    }
}

void Rechecks::removed(std::uint32_t ns, std::string_view key) {
    if (waiting_.load(std::memory_order_relaxed)) {
        const std::lock_guard lock(mutex_);
        erase({ns, std::string(key)});
    }
}

void Rechecks::begin() {
    std::uint64_t number = event_number_.load(std::memory_order_relaxed);
    const auto skip = [](void*, const larder_event_record*) noexcept {};
    gateway_.cache->events(gateway_.host, &number, skip, nullptr);
    event_number_.store(number, std::memory_order_relaxed);
    own_flushes_.store(0, std::memory_order_relaxed);
}

void Rechecks::may_have_changed(std::uint32_t ns) {
    if (gateway_.tracking.idle()) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        scopes_.insert(ns);
    }
    waiting_.store(true, std::memory_order_relaxed);
    start();
}

void Rechecks::beat(std::uint64_t now_ns) noexcept {
    std::uint64_t next = next_ns_.load(std::memory_order_relaxed);
    if (now_ns < next || (!waiting_.load(std::memory_order_relaxed) && gateway_.tracking.idle()) ||
        !next_ns_.compare_exchange_strong(next, now_ns + period_ns, std::memory_order_relaxed)) {
        return;
    }
    start();
}

// ---- looking -------------------------------------------------------------------------------------

void Rechecks::start() noexcept {
    if (looking_.exchange(true, std::memory_order_acq_rel)) {
        return;  // what looks now looks once more: see look()
    }
    const larder_task_fn task = [](void* ctx) noexcept {
        auto& me = *static_cast<Rechecks*>(ctx);
        try {
            me.look();
        } catch (...) {  // no memory: at the next beat
        }
        me.looking_.store(false, std::memory_order_release);
    };
    if (gateway_.executor == nullptr) {
        task(this);
    } else if (gateway_.executor->post(gateway_.host, 1, task, this) != LARDER_OK) {
        looking_.store(false, std::memory_order_release);
    }
}

// A scope that is added while this ends is found by the next beat.
void Rechecks::look() {
    if (!gateway_.tracking.idle()) {
        read_events();
    }
    look_at_scopes();
    const std::uint64_t now = gateway_.now_ns();
    look_at_read(gateway_.tracking.overdue(now));
    look_at_written(now);
    gateway_.tracking.send_broadcasts({});
}

// A drop or a reload by whomever; but those of this gateway's FLUSHALL have been told.
void Rechecks::read_events() {
    struct Heard {
        Rechecks& me;
        bool drop;
    } heard{*this, false};
    const auto each = [](void* ctx, const larder_event_record* event) noexcept {
        auto& h = *static_cast<Heard*>(ctx);
        const std::string_view type = text_of(event->type);
        if (type != "invalidate" && type != "reload") {
            return;
        }
        std::uint32_t own = h.me.own_flushes_.load(std::memory_order_relaxed);
        const bool everything = text_of(event->text).ends_with(": drop everything");
        if (everything && own != 0) {
            h.me.own_flushes_.fetch_sub(1, std::memory_order_relaxed);
        } else {
            h.drop = true;
        }
    };
    std::uint64_t number = event_number_.load(std::memory_order_relaxed);
    gateway_.cache->events(gateway_.host, &number, each, &heard);
    event_number_.store(number, std::memory_order_relaxed);
    if (heard.drop) {
        const std::lock_guard lock(mutex_);
        scopes_.insert(UINT32_MAX);
    }
}

std::vector<std::string> Rechecks::beginnings_of(std::uint32_t ns) const {
    std::vector<std::string> names = gateway_.spellings(ns, {});
    const bool any = std::any_of(names.begin(), names.end(),
                                 [](const std::string& name) { return name.empty(); });
    return any ? std::vector<std::string>() : names;
}

void Rechecks::look_at_scopes() {
    for (;;) {
        std::set<std::uint32_t> scopes;
        {
            const std::lock_guard lock(mutex_);
            scopes.swap(scopes_);
        }
        if (scopes.empty()) {
            return;
        }
        if (scopes.contains(UINT32_MAX)) {
            scopes = {UINT32_MAX};
        }
        for (const std::uint32_t ns : scopes) {
            gateway_.tracking.may_have_changed(ns == UINT32_MAX ? std::vector<std::string>()
                                                                : beginnings_of(ns));
            look_at_read(gateway_.tracking.suspects(ns));
        }
    }
}

void Rechecks::look_at_read(const std::vector<TrackingTable::Suspect>& read) {
    const auto found = look_at(gateway_, read, [](const TrackingTable::Suspect& suspect) {
        return std::pair<std::uint32_t, std::string_view>(suspect.ns, suspect.key);
    });
    for (std::size_t i = 0; i < found.size(); ++i) {
        const larder_cache_get& now = found[i];
        const std::uint64_t version = now.status == LARDER_OK ? now.version : TrackingTable::kNone;
        if (now.status < LARDER_OK && now.status != LARDER_E_INVALID) {
            continue;  // the cache cannot say
        }
        if (version != read[i].version) {
            gateway_.tracking.changed(read[i].ns, read[i].key,
                                      gateway_.spellings(read[i].ns, read[i].key), {});
        } else if (now.status == LARDER_OK && now.ttl_ms >= 0) {
            gateway_.tracking.seen(
                read[i].ns, read[i].key, version,
                gateway_.now_ns() + static_cast<std::uint64_t>(now.ttl_ms) * 1'000'000);
        }
    }
}

// An entry that is not there at the end of its time has expired; before that it was dropped.
void Rechecks::look_at_written(std::uint64_t now_ns) {
    std::vector<std::pair<Key, Entry>> due;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [deadline, key] : order_) {
            if (deadline > now_ns) {
                break;
            }
            due.emplace_back(key, entries_.at(key));
        }
    }
    const auto found = look_at(gateway_, due, [](const std::pair<Key, Entry>& item) {
        return std::pair<std::uint32_t, std::string_view>(item.first);
    });
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto& [key, entry] = due[i];
        {
            const std::lock_guard lock(mutex_);
            const auto at = entries_.find(key);
            if (at == entries_.end() || at->second.deadline_ns != entry.deadline_ns) {
                continue;  // written or removed meanwhile
            }
            if (found[i].status == LARDER_OK && found[i].ttl_ms >= 0) {
                put(key, {entry.name,
                          now_ns + static_cast<std::uint64_t>(found[i].ttl_ms + 1) * 1'000'000});
                continue;
            }
            erase(key);
            waiting_.store(!entries_.empty() || !scopes_.empty(), std::memory_order_relaxed);
        }
        if (found[i].status == LARDER_MISS) {
            gateway_.tracking.changed(key.first, key.second,
                                      gateway_.spellings(key.first, key.second), {});
            gateway_.key_events.publish(kEventExpired, "expired", entry.name);
        }
    }
}

}  // namespace larder::resp
