// kernel/kit/map_cache.cpp -- what the map does with entries; its functions run under mutex_ or take it.
#include "kernel/kit/map_cache.hpp"

namespace larder::kit {
namespace {

std::int64_t now(const larder_host* h) {
    return static_cast<std::int64_t>(h->mono_ns(h) / 1'000'000);
}

}  // namespace

MapCache::Entry* MapCache::find(const larder_host* h, std::uint32_t ns, larder_bytes key) {
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

larder_status MapCache::fits(std::uint32_t ns, larder_bytes key) const {
    return ns < namespaces_.size() && text(key).starts_with(namespaces_[ns].must_begin_with)
               ? LARDER_OK
               : LARDER_E_INVALID;
}

void MapCache::pin(larder_value* out, const std::shared_ptr<const std::string>& value) {
    pinned_count().fetch_add(1);
    out->data = value->data();
    out->size = value->size();
    out->pin = new std::shared_ptr<const std::string>(value);
    out->release = [](larder_value* v) noexcept {
        pinned_count().fetch_sub(1);
        delete static_cast<std::shared_ptr<const std::string>*>(v->pin);
    };
}

std::int64_t MapCache::left(const larder_host* h, const Entry& entry) {
    return entry.until_ms < 0 ? -1 : entry.until_ms - now(h);
}

std::int64_t MapCache::until(const larder_host* h, const Namespace& ns, std::int64_t ttl_ms) {
    const std::int64_t ttl = ttl_ms > 0 ? ttl_ms : ttl_ms < 0 ? ns.longest_ms : ns.ttl_ms;
    return ttl < 0 ? -1 : now(h) + ttl;
}

bool MapCache::too_long(const Namespace& ns, std::int64_t ttl_ms) {
    return ns.longest_ms >= 0 && ttl_ms > ns.longest_ms;
}

void MapCache::get(const larder_host* h, larder_cache_get& item, std::uint32_t flags) {
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

void MapCache::set(const larder_host* h, larder_cache_set& item) {
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

void MapCache::write(std::uint32_t ns, larder_bytes key, std::string value, std::int64_t until_ms) {
    entries_[{ns, text(key)}] = {std::make_shared<const std::string>(std::move(value)),
                                 until_ms, ++last_version_};
}

larder_status MapCache::update(const larder_host* h, std::uint32_t ns, larder_bytes key,
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

larder_status MapCache::expire(const larder_host* h, std::uint32_t ns, larder_bytes key,
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
larder_status MapCache::scan(const larder_host* h, larder_cache_scan& scan) {
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
bool MapCache::glob(std::string_view pattern, std::string_view text) {
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

larder_status MapCache::change(std::uint32_t action, const larder_target& target,
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

void MapCache::report(larder_value* out, const std::string& bytes) {
    pin(out, std::make_shared<const std::string>(bytes));
}

}  // namespace larder::kit
