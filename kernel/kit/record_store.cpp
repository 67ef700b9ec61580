// kernel/kit/record_store.cpp -- larder.session_store/1 over a map.
#include "kernel/kit/record_store.hpp"

#include "kernel/kit/kit_host.hpp"

#include <larder/plugin/value.hpp>

namespace larder::kit {
namespace {

std::string key_of(larder_bytes session, larder_bytes key) {
    return std::string(plugin::text_of(session)) + '\n' + std::string(plugin::text_of(key));
}

}  // namespace

RecordStore& RecordStore::of(const larder_host* host) {
    return static_cast<KitHost&>(loader::HostTable::services_of(host)).records();
}

const larder_session_store_api& RecordStore::api() {
    static constexpr larder_session_store_api functions = [] {
        larder_session_store_api api{};
        api.struct_size = sizeof api;
        api.facts = [](const larder_host*, larder_bytes, larder_session_facts* out) noexcept -> larder_status {
            out->flags = LARDER_SESSION_ENCRYPT | LARDER_SESSION_SLIDING;
            out->idle_ms = 30 * 60'000;
            out->absolute_ms = 24 * 3'600'000;
            out->per_user = 5;
            return LARDER_OK;
        };
        api.now_ms = [](const larder_host* host, larder_bytes) noexcept -> std::uint64_t {
            return loader::HostTable::services_of(host).wall_ms();
        };
        api.get = [](const larder_host* host, larder_bytes session, larder_bytes key, const larder_call*,
                     larder_value* out) noexcept -> larder_status { return of(host).get(key_of(session, key), out); };
        api.put = [](const larder_host* host, larder_bytes session, larder_bytes key, const larder_put* put,
                     const larder_call*) noexcept -> larder_status { return of(host).put(key_of(session, key), *put); };
        api.remove = [](const larder_host* host, larder_bytes session, larder_bytes key, std::uint64_t if_version,
                        const larder_call*) noexcept -> larder_status {
            return of(host).remove(key_of(session, key), if_version);
        };
        return api;
    }();
    return functions;
}

RecordStore::Record* RecordStore::find(const std::string& key) {
    const auto found = records_.find(key);
    if (found == records_.end()) return nullptr;
    if (found->second.until_ms == 0 || found->second.until_ms > host_.wall_ms()) return &found->second;
    records_.erase(found);
    return nullptr;
}

larder_status RecordStore::get(const std::string& key, larder_value* out) {
    const std::lock_guard lock(mutex_);
    const Record* record = find(key);
    return record == nullptr ? LARDER_MISS : plugin::Reply(out).owned(record->bytes);
}

larder_status RecordStore::put(const std::string& key, const larder_put& put) {
    const std::lock_guard lock(mutex_);
    const Record* old = find(key);
    if ((put.flags & LARDER_PUT_IF_ABSENT) != 0 && old != nullptr) return LARDER_EXISTS;
    if ((put.flags & LARDER_PUT_IF_VERSION) != 0 && put.if_version != (old == nullptr ? 0 : old->version)) return LARDER_E_CONFLICT;
    std::uint64_t until = put.ttl_ms == 0 ? 0 : host_.wall_ms() + put.ttl_ms;
    if ((put.flags & LARDER_PUT_KEEP_TTL) != 0 && old != nullptr) until = old->until_ms;
    records_[key] = {std::string(plugin::text_of(put.value)), put.version, until};
    return LARDER_OK;
}

larder_status RecordStore::remove(const std::string& key, std::uint64_t if_version) {
    const std::lock_guard lock(mutex_);
    const Record* old = find(key);
    if (old == nullptr) return LARDER_MISS;
    if (if_version != 0 && if_version != old->version) return LARDER_E_CONFLICT;
    records_.erase(key);
    return LARDER_OK;
}

std::string RecordStore::dump() const {
    const std::lock_guard lock(mutex_);
    std::string out;
    for (const auto& [key, record] : records_) out += key + '\n' + record.bytes + '\n';
    return out;
}

std::size_t RecordStore::size() const {
    const std::lock_guard lock(mutex_);
    return records_.size();
}

}  // namespace larder::kit
