// kernel/api/cache_service.cpp -- larder.cache/1: the engine behind a table of C functions.
#include "kernel/api/cache_service.hpp"

#include "kernel/api/kernel_services.hpp"
#include "kernel/api/request_rules.hpp"
#include "kernel/loader/host_visit.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace larder::api {
namespace {

std::string_view view(larder_bytes bytes) {
    return {static_cast<const char*>(bytes.data), bytes.size};
}

bool may(const larder_call* call, std::uint32_t role) noexcept {
    return call == nullptr || call->role == LARDER_ROLE_TRUSTED || call->role >= role;
}

// How deep this thread is in calls of larder.cache/1. A gateway asks, a source that loads for it asks in its
// turn: two. A store that asks the cache which asks that store would go on until the stack is used up.
constexpr std::uint32_t most_nested = 8;
constinit thread_local std::uint32_t nested LARDER_FAST_TLS = 0;

class Nesting {
  public:
    Nesting() noexcept { ++nested; }
    ~Nesting() { --nested; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    bool too_deep() const noexcept { return nested > most_nested; }
};

[[gnu::cold, gnu::noinline]] larder_status refuse_nesting(KernelServices& services) noexcept {
    static std::atomic<std::uint64_t> said_ns{0};
    const std::uint64_t now = services.mono_ns();
    std::uint64_t before = said_ns.load(std::memory_order_relaxed);
    constexpr std::uint64_t every_ns = 1'000'000'000;
    if (now - before < every_ns || !said_ns.compare_exchange_strong(before, now, std::memory_order_relaxed)) return LARDER_E_BUSY;
    const loader::Crumb* const crumb = loader::current_crumb;
    try {
        std::string line = "a call of the cache from within a call of the cache, " + std::to_string(most_nested) + " deep, is refused";
        if (crumb != nullptr) line.append(": ").append(crumb->instance).append(" ").append(crumb->operation).append(" asks whoever asks it");
        services.log("kernel", LARDER_LOG_ERROR, line);
        services.engine().note(LARDER_LOG_ERROR, "plugin", std::move(line));
    } catch (...) {
        // No memory for the line.
    }
    return LARDER_E_BUSY;
}

// The one place where exceptions end.
template <class F>
larder_status at_any_time(const larder_host* host, F&& work) noexcept {
    const loader::HostVisit visit;
    KernelServices* const services = KernelServices::find(host);
    if (services == nullptr) [[unlikely]] return LARDER_E_CLOSED;
    const Nesting here;
    if (here.too_deep()) [[unlikely]] return refuse_nesting(*services);
    try {
        return work(*services);
    } catch (const std::bad_alloc&) {
        return LARDER_E_NOMEM;
    } catch (const std::exception& error) {
        services->log("kernel", LARDER_LOG_ERROR, error.what());
        return LARDER_E_INTERNAL;
    } catch (...) {
        return LARDER_E_INTERNAL;
    }
}

// What needs a policy.
template <class F>
larder_status guarded(const larder_host* host, F&& work) noexcept {
    return at_any_time(host, [&](KernelServices& services) -> larder_status {
        return services.is_open() ? work(services) : larder_status{LARDER_E_CLOSED};
    });
}

template <class F>
larder_status allowed(const larder_host* host, const larder_call* call, std::uint32_t role,
                      F&& work) noexcept {
    return may(call, role) ? guarded(host, std::forward<F>(work)) : LARDER_E_DENIED;
}

// Runs work here, or on a thread that may wait when the caller takes PENDING for an answer. What work
// uses lives until done, as larder.cache/1 says.
template <class F>
larder_status here_or_later(KernelServices& services, const larder_call* call, F work) {
    if (call == nullptr || call->done == nullptr) return work();
    const larder_done_fn done = call->done;
    void* const ctx = call->done_ctx;
    const bool taken = services.executor().post(true, [work = std::move(work), done, ctx, &services] {
        larder_status status = LARDER_E_INTERNAL;
        try {
            status = work();
        } catch (const std::exception& error) {
            services.log("kernel", LARDER_LOG_ERROR, error.what());
        }
        done(ctx, status, nullptr);
    });
    return taken ? LARDER_PENDING : LARDER_E_BUSY;
}

// A call that is not answered later: the same caller and deadline.
larder_call blocking(const larder_call* call) {
    larder_call out{};
    out.struct_size = sizeof out;
    if (call == nullptr) return out;
    out.flags = call->flags;
    out.deadline_ns = call->deadline_ns;
    out.role = call->role;
    return out;
}

bool needs_admin(const larder_target* targets, std::size_t n) noexcept {
    for (std::size_t i = 0; i < n; ++i)
        if (targets[i].kind == LARDER_TARGET_EVERYTHING || targets[i].kind == LARDER_TARGET_TIER) return true;
    return false;
}

void fill_names(larder_cache_api& api) {
    api.ns_find = [](const larder_host* h, larder_bytes name, std::uint32_t* ns) noexcept {
        return guarded(h, [&](KernelServices& s) { return s.engine().ns_find(view(name), ns); });
    };
    api.ns_name = [](const larder_host* h, std::uint32_t ns, larder_bytes* name) noexcept {
        return guarded(h, [&](KernelServices& s) { return s.engine().ns_name(ns, name); });
    };
    api.resolve = [](const larder_host* h, larder_bytes key, std::uint32_t fallback,
                     std::uint32_t* ns, std::uint32_t* prefix) noexcept {
        return guarded(h, [&](KernelServices& s) {
            return s.engine().resolve(view(key), fallback, ns, prefix);
        });
    };
    api.check_key = [](const larder_host* h, std::uint32_t ns, larder_bytes key,
                       larder_errbuf* err) noexcept {
        return guarded(h, [&](KernelServices& s) {
            return s.engine().check_key(ns, view(key), err);
        });
    };
}

void fill_entries(larder_cache_api& api) {
    api.get_many = [](const larder_host* h, larder_cache_get* items, std::size_t n,
                      const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_READ, [&](KernelServices& s) {
            return s.engine().get_many(items, n, call);
        });
    };
    api.set_many = [](const larder_host* h, larder_cache_set* items, std::size_t n,
                      const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_WRITE, [&](KernelServices& s) {
            return s.engine().set_many(items, n, call);
        });
    };
    api.remove_many = [](const larder_host* h, larder_cache_key* items, std::size_t n,
                         const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_WRITE, [&](KernelServices& s) {
            return s.engine().remove_many(items, n, call);
        });
    };
    api.visit = [](const larder_host* h, std::uint32_t ns, larder_bytes key,
                   const larder_call* call, void (*fn)(void*, larder_bytes) LARDER_NOEXCEPT,
                   void* ctx) noexcept {
        return allowed(h, call, LARDER_ROLE_READ, [&](KernelServices& s) {
            return s.engine().visit(ns, view(key), call, fn, ctx);
        });
    };
    api.update = [](const larder_host* h, std::uint32_t ns, larder_bytes key, larder_update_fn fn,
                    void* ctx, const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_WRITE, [&](KernelServices& s) {
            return s.engine().update(ns, view(key), fn, ctx, call);
        });
    };
    api.expire = [](const larder_host* h, std::uint32_t ns, larder_bytes key, std::int64_t ttl_ms,
                    std::uint32_t flags, const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_WRITE, [&](KernelServices& s) {
            return s.engine().expire(ns, view(key), ttl_ms, flags, call);
        });
    };
    api.persist = [](const larder_host* h, std::uint32_t ns, larder_bytes key,
                     const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_WRITE, [&](KernelServices& s) {
            return s.engine().persist(ns, view(key), call);
        });
    };
    api.scan = [](const larder_host* h, larder_cache_scan* scan, const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_READ,
                       [&](KernelServices& s) { return s.engine().scan(scan, call); });
    };
    api.count = [](const larder_host* h, std::uint32_t ns, std::uint64_t* out,
                   const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_READ,
                       [&](KernelServices& s) { return s.engine().count(ns, out, call); });
    };
}

void fill_migration(larder_cache_api& api) {
    api.migrate = [](const larder_host* h, larder_bytes ns, std::uint32_t from, std::uint32_t to, larder_migrate_fn fn,
                     void* ctx) noexcept {
        return at_any_time(h, [&](KernelServices& s) -> larder_status {
            constexpr std::uint32_t most = 65535;
            if (from == 0 || to <= from || to > most) return LARDER_E_INVALID;
            Migrate migrate;
            if (fn != nullptr)
                migrate = [fn, ctx](std::string_view key, std::string_view old, std::string& out) {
                    larder_value value{};
                    const larder_status status = fn(ctx, {key.data(), key.size()}, {old.data(), old.size()}, &value);
                    if (status == LARDER_OK) out.assign(static_cast<const char*>(value.data), value.size);
                    if (value.release != nullptr) value.release(&value);
                    return status;
                };
            s.engine().set_migration(view(ns), from, to, std::move(migrate));
            return LARDER_OK;
        });
    };
}

void fill_invalidation(larder_cache_api& api) {
    api.change = [](const larder_host* h, std::uint32_t action, const larder_target* targets,
                    std::size_t n, larder_receipt* receipt, const larder_call* call) noexcept {
        const auto role = needs_admin(targets, n) ? LARDER_ROLE_ADMIN : LARDER_ROLE_INVALIDATE;
        return allowed(h, call, static_cast<std::uint32_t>(role), [&](KernelServices& s) -> larder_status {
            // Counting for guards and rehearsals walks what is kept: not on the caller's thread.
            if (call == nullptr || (call->flags & (LARDER_CALL_REHEARSE | LARDER_CALL_GUARDED)) == 0)
                return s.engine().change(action, targets, n, receipt, call);
            return here_or_later(s, call, [&s, action, targets, n, receipt, still = blocking(call)] {
                return s.engine().change(action, targets, n, receipt, &still);
            });
        });
    };
    api.request = [](const larder_host* h, const larder_request* rq, larder_receipt* receipt,
                     const larder_call* call) noexcept -> larder_status {
        if (rq == nullptr) return LARDER_E_INVALID;
        return allowed(h, call, LARDER_ROLE_INVALIDATE, [&](KernelServices& s) -> larder_status {
            if (!s.side().has_request_rules()) return s.engine().request(*rq, receipt, call);
            return here_or_later(s, call, [&s, rq, receipt, still = blocking(call)] {
                return request_with_plugins(s, *rq, receipt, still);
            });
        });
    };
    api.event = [](const larder_host* h, larder_bytes name, const larder_pair* values,
                   std::size_t n, larder_receipt* receipt, const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_INVALIDATE, [&](KernelServices& s) {
            return s.engine().event(view(name), values, n, receipt, call);
        });
    };
    api.serve = [](const larder_host* h, const larder_request* rq, larder_serve* out) noexcept -> larder_status {
        if (rq == nullptr || out == nullptr) return LARDER_E_INVALID;
        return guarded(h, [&](KernelServices& s) {
            larder_serve now{};
            const larder_status status = s.engine().serve(*rq, now);
            now.struct_size = std::min<std::uint32_t>(out->struct_size, sizeof now);
            std::memcpy(out, &now, now.struct_size);
            return status;
        });
    };
    api.names = [](const larder_host* h, std::uint32_t ns, larder_bytes key, const larder_pair* with, std::uint32_t with_count,
                   void (*fn)(void*, larder_bytes) LARDER_NOEXCEPT, void* ctx) noexcept {
        return guarded(h, [&](KernelServices& s) {
            return s.engine().names(ns, view(key), with, with_count, [&](std::string_view name) { fn(ctx, {name.data(), name.size()}); });
        });
    };
    api.withheld = [](const larder_host* h, std::uint32_t ns, const larder_pair* fields, std::size_t n, std::uint8_t* verdicts) noexcept {
        return guarded(h, [&](KernelServices& s) { return s.engine().withheld(ns, fields, n, verdicts); });
    };
    api.storable = [](const larder_host* h, std::uint32_t ns, larder_bytes body, larder_value* out) noexcept {
        return guarded(h, [&](KernelServices& s) -> larder_status {
            std::string left;
            const larder_status status = s.engine().storable(ns, view(body), left);
            if (status == LARDER_EXISTS) give_text(std::move(left), *out);
            return status;
        });
    };
    api.reclaim = [](const larder_host* h, std::uint32_t ns, std::uint64_t* removed,
                     const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_INVALIDATE, [&](KernelServices& s) {
            return here_or_later(s, call, [&s, ns, removed, still = blocking(call)] {
                return s.engine().reclaim(ns, removed, &still);
            });
        });
    };
    api.warm = [](const larder_host* h, std::uint32_t ns, larder_receipt* receipt,
                  const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_INVALIDATE, [&](KernelServices& s) -> larder_status {
            const auto queued = s.side().warm(ns);
            if (!queued) return LARDER_E_UNSUPPORTED;
            if (receipt != nullptr) receipt->warmed = *queued;
            return LARDER_OK;
        });
    };
}

void fill_reports(larder_cache_api& api) {
    api.explain = [](const larder_host* h, larder_bytes what, larder_value* out,
                     const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_READ, [&](KernelServices& s) -> larder_status {
            bool ok = false;
            give_text(s.side().explain(view(what), ok), *out);
            return ok ? LARDER_OK : LARDER_E_INVALID;
        });
    };
    api.stats = [](const larder_host* h, larder_bytes what, larder_value* out,
                   const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_READ, [&](KernelServices& s) -> larder_status {
            give_text(s.side().stats(view(what)), *out);
            return LARDER_OK;
        });
    };
    api.reload = [](const larder_host* h, larder_value* out, const larder_call* call) noexcept {
        return allowed(h, call, LARDER_ROLE_ADMIN, [&](KernelServices& s) {
            return here_or_later(s, call, [&s, out]() -> larder_status {
                bool ok = false;
                give_text(s.side().reload(ok), *out);
                return ok ? LARDER_OK : LARDER_E_CONFIG;
            });
        });
    };
    api.events = [](const larder_host* h, std::uint64_t* number,
                    void (*each)(void*, const larder_event_record*) LARDER_NOEXCEPT, void* ctx) noexcept {
        return guarded(h, [&](KernelServices& s) -> larder_status {
            *number = s.engine().each_event(
                *number, [&](std::uint64_t at, std::uint64_t at_ms, int severity,
                             std::string_view type, std::string_view text) {
                    larder_event_record record{};
                    record.struct_size = sizeof record;
                    record.severity = severity;
                    record.number = at;
                    record.at_ms = at_ms;
                    record.type = {type.data(), type.size()};
                    record.text = {text.data(), text.size()};
                    each(ctx, &record);
                });
            return LARDER_OK;
        });
    };
}

}  // namespace

void give_text(std::string text, larder_value& out) {
    auto owned = std::make_unique<std::string>(std::move(text));
    out.data = owned->data();
    out.size = owned->size();
    out.release = [](larder_value* value) noexcept {
        delete static_cast<std::string*>(value->pin);
        *value = {};
    };
    out.pin = owned.release();
}

const larder_cache_api& cache_table() {
    static const larder_cache_api table = [] {
        larder_cache_api api{};
        api.struct_size = sizeof api;
        fill_names(api);
        fill_entries(api);
        fill_migration(api);
        fill_invalidation(api);
        fill_reports(api);
        return api;
    }();
    return table;
}

}  // namespace larder::api
