// plugins/store_redis/shared_table.cpp -- see shared_table.hpp.
#include "shared_table.hpp"

#include "operations.hpp"
#include "redis_store.hpp"

#include <larder/plugin/error.hpp>

#include <utility>

namespace larder::store_redis {
namespace {

namespace detail = plugin::detail;

RedisStore& of(void* self) noexcept { return detail::object_of<RedisStore>(self); }

// Runs what make(shop) makes, unless the store is stopped or there is nothing to do.
template <class Make>
larder_status run(void* self, Make make) noexcept {
    return detail::guarded(self, [&]() -> larder_status {
        const Workshop* const shop = of(self).workshop();
        return shop == nullptr ? LARDER_E_CLOSED : Operation::run(make(*shop));
    });
}

larder_bytes LARDER_CALL prefix(void* self) noexcept { return of(self).prefix(); }
std::uint64_t LARDER_CALL now_ms(void* self) noexcept { return of(self).now_ms(); }
std::uint64_t LARDER_CALL max_staleness_ms(void* self) noexcept {
    return of(self).max_staleness_ms();
}

larder_status LARDER_CALL listen(void* self, const larder_sink* sink) noexcept {
    return detail::guarded(self, [&]() -> larder_status { return of(self).listen(sink); });
}

larder_status LARDER_CALL read(void* self, larder_get_item* items, std::size_t n,
                               larder_record* records, std::size_t m,
                               const larder_call* call) noexcept {
    if (n + m == 0) {
        return LARDER_OK;
    }
    return run(self, [&](const Workshop& shop) {
        return make_read(shop, {items, n}, {records, m}, *call);
    });
}

larder_status LARDER_CALL make(void* self, larder_record* records, std::size_t m,
                               std::uint64_t ttl_ms, const larder_call* call) noexcept {
    if (m == 0) {
        return LARDER_OK;
    }
    if (ttl_ms == 0) {
        return LARDER_E_INVALID;
    }
    return run(self, [&](const Workshop& shop) {
        return make_records(shop, {records, m}, ttl_ms, *call);
    });
}

larder_status LARDER_CALL change(void* self, larder_record* records, std::size_t m,
                                 std::uint64_t ttl_ms, const larder_key* keys, std::size_t n,
                                 std::uint32_t replicas, const larder_call* call) noexcept {
    if (n + m == 0) {
        return LARDER_OK;
    }
    if (m != 0 && ttl_ms == 0) {
        return LARDER_E_INVALID;
    }
    return run(self, [&](const Workshop& shop) {
        return make_change(shop, {records, m}, ttl_ms, {keys, n}, replicas, *call);
    });
}

larder_status LARDER_CALL lease(void* self, const larder_key* key, std::uint64_t token,
                                std::uint64_t ttl_ms, const larder_call* call) noexcept {
    return run(self, [&](const Workshop& shop) {
        return ttl_ms == 0 ? make_lease_end(shop, *key, token, *call)
                           : make_lease(shop, *key, token, ttl_ms, *call);
    });
}

larder_status LARDER_CALL fill(void* self, const larder_key* key, std::uint64_t token,
                               const larder_put* put, const larder_call* call) noexcept {
    return run(self, [&](const Workshop& shop) {
        return make_fill(shop, *key, token, *put, *call);
    });
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

}  // namespace larder::store_redis
