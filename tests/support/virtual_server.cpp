// tests/support/virtual_server.cpp -- the commands.
#include "tests/support/virtual_server.hpp"

#include <utility>

namespace larder::test {

// The entry, or end; what is past its time goes now, and tracking tells so.
template <class Map>
typename Map::iterator VirtualServer::live(Map& map, std::string_view key, bool told) {
    const auto it = map.find(key);
    if (it == map.end() || !over(it->second.until_ms)) return it;
    if (told) tell(key);
    map.erase(it);
    return map.end();
}

larder_status VirtualServer::get(std::string_view key, Value& out) {
    const auto it = live(data_.values, key, true);
    if (it == data_.values.end()) return LARDER_MISS;
    out = it->second;
    return LARDER_OK;
}

larder_status VirtualServer::put(std::string_view key, const Put& put) {
    end_lease(key);
    const auto it = live(data_.values, key, true);
    const bool there = it != data_.values.end();
    if ((put.flags & LARDER_PUT_IF_ABSENT) != 0 && there) return LARDER_EXISTS;
    if ((put.flags & LARDER_PUT_IF_VERSION) != 0 && (there ? it->second.version : 0) != put.if_version)
        return LARDER_E_CONFLICT;
    const bool keeps = (put.flags & LARDER_PUT_KEEP_TTL) != 0 && there;
    const std::uint64_t until_ms = keeps ? it->second.until_ms : until(put.ttl_ms);
    data_.values.insert_or_assign(std::string(key), Value{put.bytes, until_ms, put.version});
    tell(key);
    return LARDER_OK;
}

larder_status VirtualServer::remove(std::string_view key, std::uint64_t if_version) {
    end_lease(key);
    const auto it = live(data_.values, key, true);
    if (it == data_.values.end()) return LARDER_MISS;
    if (if_version != 0 && it->second.version != if_version) return LARDER_E_CONFLICT;
    data_.values.erase(it);
    tell(key);
    return LARDER_OK;
}

larder_status VirtualServer::touch(std::string_view key, const Touch& touch) {
    end_lease(key);
    const auto it = live(data_.values, key, true);
    if (it == data_.values.end()) return LARDER_MISS;
    Value& value = it->second;
    if (touch.if_version != 0 && value.version != touch.if_version) return LARDER_E_CONFLICT;
    if (touch.offset + touch.patch.size() > value.bytes.size()) return LARDER_E_INVALID;
    value.bytes.replace(touch.offset, touch.patch.size(), touch.patch);
    value.until_ms = until(touch.ttl_ms);
    tell(key);
    return LARDER_OK;
}

larder_status VirtualServer::find(std::string_view key, Record& out) {
    const auto it = live(data_.records, key, true);
    if (it == data_.records.end()) return LARDER_MISS;
    out = it->second;
    return LARDER_OK;
}

void VirtualServer::make(std::string_view key, Record& record, std::uint64_t ttl_ms) {
    const std::uint64_t least_ms = until(ttl_ms), until_ms = until(2 * ttl_ms);
    if (const auto it = live(data_.records, key, true); it != data_.records.end()) {
        Record& there = it->second;
        if (there.until_ms != 0 && (least_ms == 0 || there.until_ms < least_ms)) {
            there.until_ms = until_ms;
            tell(key);  // as PEXPIRE does
        }
        record = there;
        return;
    }
    record.until_ms = until_ms;
    data_.records.insert_or_assign(std::string(key), record);
    tell(key);
}

larder_status VirtualServer::change(std::string_view key, const Record& record, std::uint64_t ttl_ms) {
    const auto it = live(data_.records, key, true);
    if (it == data_.records.end()) return LARDER_MISS;
    const std::uint64_t drop = record.drop != 0 ? record.drop : it->second.drop;
    it->second = record;
    it->second.drop = drop;
    it->second.until_ms = until(ttl_ms);
    tell(key);
    return LARDER_OK;
}

larder_status VirtualServer::lease(std::string_view key, std::uint64_t token, std::uint64_t ttl_ms) {
    if (ttl_ms == 0) {
        if (const auto held = data_.leases.find(key); held != data_.leases.end() && held->second.token == token) data_.leases.erase(held);
        return LARDER_OK;
    }
    const auto it = live(data_.leases, key, false);
    if (it != data_.leases.end() && it->second.token != token) return LARDER_EXISTS;
    data_.leases.insert_or_assign(std::string(key), Lease{token, until(ttl_ms)});
    return LARDER_OK;
}

larder_status VirtualServer::fill(std::string_view key, std::uint64_t token, const Put& what) {
    const auto it = live(data_.leases, key, false);
    if (it == data_.leases.end() || it->second.token != token) return LARDER_E_CONFLICT;
    return put(key, what);
}

void VirtualServer::end_lease(std::string_view key) {
    const auto it = data_.leases.find(key);
    if (it != data_.leases.end()) data_.leases.erase(it);
}

void VirtualServer::write(std::string_view key, std::string bytes) {
    data_.values.insert_or_assign(std::string(key), Value{std::move(bytes), 0, 0});
    tell(key);
}

bool VirtualServer::lose(std::string_view key) {
    bool lost = false;
    if (const auto it = data_.values.find(key); it != data_.values.end()) {
        data_.values.erase(it);
        lost = true;
    }
    if (const auto it = data_.records.find(key); it != data_.records.end()) {
        data_.records.erase(it);
        lost = true;
    }
    if (lost) tell(key);
    return lost;
}

void VirtualServer::expire_due() {
    const auto sweep = [this](auto& map, bool told) {
        for (auto it = map.begin(); it != map.end();) {
            if (!over(it->second.until_ms)) {
                ++it;
                continue;
            }
            if (told) tell(it->first);
            it = map.erase(it);
        }
    };
    sweep(data_.values, true);
    sweep(data_.records, true);
    sweep(data_.leases, false);
}

void VirtualServer::flush() { data_ = {}; }

}  // namespace larder::test
