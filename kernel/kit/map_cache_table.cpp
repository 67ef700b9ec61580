// kernel/kit/map_cache_table.cpp -- the functions of larder.cache/1 over the map.
#include "kernel/kit/map_cache.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace larder::kit {
namespace {

void tell(larder_receipt* receipt, std::uint32_t rules, const char* json) {
    if (receipt == nullptr) {
        return;
    }
    receipt->rules = rules;
    receipt->took_ns = 5000;
    if (receipt->want_json != 0) {
        receipt->json = {json, std::strlen(json), nullptr, nullptr};
    }
}

}  // namespace

void MapCache::fill() {
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
        const bool guarded = (call->flags & LARDER_CALL_GUARDED) != 0;
        return me().answer(call, [=]() -> larder_status {
            if (guarded && !me().refusal_.empty()) {
                receipt->json = {me().refusal_.data(), me().refusal_.size(), nullptr, nullptr};
                return LARDER_E_REFUSED;
            }
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

}  // namespace larder::kit
