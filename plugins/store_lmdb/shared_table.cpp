// plugins/store_lmdb/shared_table.cpp -- see shared_table.hpp.
#include "shared_table.hpp"

#include "lmdb_store.hpp"

#include <larder/plugin/error.hpp>

namespace larder::store_lmdb {
namespace {

namespace detail = plugin::detail;

// Of a store without a file memory keeps things for so long.
constexpr std::uint64_t max_staleness = 3000;

LmdbStore& of(void* self) noexcept { return detail::object_of<LmdbStore>(self); }

larder_bytes LARDER_CALL prefix(void* self) noexcept { return of(self).prefix(); }
std::uint64_t LARDER_CALL now_ms(void* self) noexcept { return of(self).now_ms(); }
std::uint64_t LARDER_CALL max_staleness_ms(void*) noexcept { return max_staleness; }

larder_status LARDER_CALL listen(void* self, const larder_sink* sink) noexcept {
    return detail::guarded(self, [&]() -> larder_status { return of(self).listen(sink); });
}

larder_status LARDER_CALL read(void* self, larder_get_item* items, std::size_t n, larder_record* records, std::size_t m,
                               const larder_call* call) noexcept {
    return detail::guarded(self, [&]() -> larder_status { return of(self).read({items, n}, {records, m}, *call); });
}

larder_status LARDER_CALL make(void* self, larder_record* records, std::size_t m, std::uint64_t ttl_ms,
                               const larder_call* call) noexcept {
    if (ttl_ms == 0 && m != 0) {
        return LARDER_E_INVALID;
    }
    return detail::guarded(self, [&]() -> larder_status { return m == 0 ? LARDER_OK : of(self).make({records, m}, ttl_ms, *call); });
}

larder_status LARDER_CALL change(void* self, larder_record* records, std::size_t m, std::uint64_t ttl_ms, const larder_key* keys,
                                 std::size_t n, std::uint32_t replicas, const larder_call* call) noexcept {
    if (ttl_ms == 0 && m != 0) {
        return LARDER_E_INVALID;
    }
    return detail::guarded(self, [&]() -> larder_status {
        return n + m == 0 ? LARDER_OK : of(self).change({records, m}, ttl_ms, {keys, n}, replicas, *call);
    });
}

larder_status LARDER_CALL lease(void* self, const larder_key* key, std::uint64_t token, std::uint64_t ttl_ms,
                                const larder_call*) noexcept {
    return detail::guarded(self, [&]() -> larder_status { return of(self).lease(*key, token, ttl_ms); });
}

larder_status LARDER_CALL fill(void* self, const larder_key* key, std::uint64_t token, const larder_put* put,
                               const larder_call* call) noexcept {
    return detail::guarded(self, [&]() -> larder_status { return of(self).fill(*key, token, *put, *call); });
}

constexpr larder_shared_v1 table = [] {
    larder_shared_v1 t{};
    t.struct_size = sizeof t;
    t.prefix = &prefix;
    t.listen = &listen;
    t.now_ms = &now_ms;
    t.max_staleness_ms = &max_staleness_ms;
    t.read = &read;
    t.make = &make;
    t.change = &change;
    t.lease = &lease;
    t.fill = &fill;
    return t;
}();

}  // namespace

const larder_shared_v1* shared_table() noexcept { return &table; }

}  // namespace larder::store_lmdb
