// kernel/api/session_store.cpp -- records of sessions, as calls of one tier.
#include "kernel/api/session_store.hpp"

#include "kernel/api/kernel_services.hpp"
#include "kernel/api/sessions.hpp"
#include "kernel/core/tier.hpp"
#include "kernel/loader/host_visit.hpp"

#include <larder/plugin/error.hpp>

#include <new>
#include <string>

namespace larder::api {
namespace {

// What no namespace is numbered: numbers count up from zero.
constexpr std::uint32_t session_shelf = 0x80000001u;
std::string_view view(larder_bytes bytes) {
    return {static_cast<const char*>(bytes.data), bytes.size};
}

// A record's tier, its whole key, and the call's two times.
struct Place {
    std::shared_ptr<Tier> tier;
    std::string whole;
    larder_key key{};
    std::uint64_t now_ns = 0, until_ns = 0;
};

std::shared_ptr<Tier> tier_of(KernelServices& services, std::string_view session) {
    Sessions* const sessions = services.side().sessions();
    return sessions == nullptr ? nullptr : sessions->tier_of(session);
}

bool place_of(KernelServices& services, std::string_view session, std::string_view key, const larder_call* call, Place& out) {
    out.tier = tier_of(services, session);
    if (out.tier == nullptr || !out.tier->has(LARDER_STORE_CAP_VERSION)) return false;
    const StoreHandle& store = out.tier->store();
    std::string& whole = out.whole;
    if (store.shared != nullptr) whole = view(store.shared->prefix(store.sharing()));
    else whole = "larder";
    whole.append(":s:{").append(session).append(":").append(key).append("}");
    // Stores hash a key as they like; FNV-1a spreads what is a hash already.
    std::uint64_t hash = 0xCBF29CE484222325ULL;
    for (const char c : whole) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    out.key = {whole.data(), static_cast<std::uint32_t>(whole.size()), session_shelf, hash};
    out.now_ns = services.mono_ns();
    if (call != nullptr && call->deadline_ns != 0) out.until_ns = call->deadline_ns;
    else out.until_ns = out.now_ns + static_cast<std::uint64_t>(store.timeout.count()) * 1'000'000;
    return true;
}

template <class F>
larder_status guarded(const larder_host* host, F&& work) noexcept {
    const loader::HostVisit visit;
    KernelServices* const services = KernelServices::find(host);
    if (services == nullptr) return LARDER_E_CLOSED;
    try {
        return work(*services);
    } catch (const std::bad_alloc&) {
        return LARDER_E_NOMEM;
    } catch (...) {
        return LARDER_E_INTERNAL;
    }
}

larder_status LARDER_CALL facts(const larder_host* host, larder_bytes session, larder_session_facts* out) noexcept {
    return guarded(host, [&](KernelServices& services) -> larder_status {
        const auto policy = services.engine().policy();
        const dsl::Session* found = policy == nullptr ? nullptr : find_session(*policy, view(session));
        if (found == nullptr) return LARDER_MISS;
        const larder_session_facts said = facts_of(*found);
        plugin::detail::copy_out(said, out);
        return LARDER_OK;
    });
}

std::uint64_t LARDER_CALL now_ms(const larder_host* host, larder_bytes session) noexcept {
    std::uint64_t now = 0;
    guarded(host, [&](KernelServices& services) -> larder_status {
        const auto tier = tier_of(services, view(session));
        if (tier == nullptr) return LARDER_E_CONFIG;
        const StoreHandle& store = tier->store();
        if (store.shared != nullptr) now = store.shared->now_ms(store.sharing());
        else if (services.side().sessions() != nullptr) now = services.side().sessions()->steady_wall_ms();
        return LARDER_OK;
    });
    return now;
}

larder_status LARDER_CALL get(const larder_host* host, larder_bytes session, larder_bytes key, const larder_call* call, larder_value* out) noexcept {
    return guarded(host, [&](KernelServices& services) -> larder_status {
        Place place;
        if (!place_of(services, view(session), view(key), call, place)) return LARDER_E_CONFIG;
        Pinned value;
        const larder_status status = place.tier->get(place.key, 0, place.now_ns, place.until_ns, value);
        if (status == LARDER_OK) *out = value.give();
        return status;
    });
}

larder_status LARDER_CALL put(const larder_host* host, larder_bytes session, larder_bytes key, const larder_put* put, const larder_call* call) noexcept {
    return guarded(host, [&](KernelServices& services) -> larder_status {
        Place place;
        if (!place_of(services, view(session), view(key), call, place)) return LARDER_E_CONFIG;
        larder_put order = *put;
        order.flags &= LARDER_PUT_IF_VERSION | LARDER_PUT_IF_ABSENT;
        order.priority = 255;
        order.movable = nullptr;
        return place.tier->put(place.key, order, place.now_ns, place.until_ns);
    });
}

larder_status LARDER_CALL remove(const larder_host* host, larder_bytes session, larder_bytes key, std::uint64_t if_version, const larder_call* call) noexcept {
    return guarded(host, [&](KernelServices& services) -> larder_status {
        Place place;
        if (!place_of(services, view(session), view(key), call, place)) return LARDER_E_CONFIG;
        return place.tier->remove(place.key, if_version, place.now_ns, place.until_ns);
    });
}

}  // namespace

const larder_session_store_api& session_store_table() {
    static const larder_session_store_api table{sizeof(larder_session_store_api), 0, &facts, &now_ms, &get, &put, &remove};
    return table;
}

}  // namespace larder::api
