// plugins/store_postgres/shared_table.cpp -- see shared_table.hpp.
#include "shared_table.hpp"

#include "postgres_store.hpp"

#include <larder/plugin/error.hpp>

namespace larder::store_postgres {
namespace {

namespace detail = plugin::detail;

PostgresStore& of(void* self) noexcept { return detail::object_of<PostgresStore>(self); }

constexpr larder_shared_v1 table = [] {
    larder_shared_v1 t{};
    t.struct_size = sizeof t;
    t.prefix = [](void* self) noexcept { return of(self).prefix(); };
    t.listen = [](void* self, const larder_sink* sink) noexcept -> larder_status {
        return detail::guarded(self, [&]() -> larder_status { return of(self).listen(sink); });
    };
    t.now_ms = [](void* self) noexcept { return of(self).now_ms(); };
    t.max_staleness_ms = [](void* self) noexcept { return of(self).max_staleness_ms(); };
    t.read = [](void* self, larder_get_item* items, std::size_t n, larder_record* records, std::size_t m,
                const larder_call* call) noexcept -> larder_status {
        return detail::guarded(self, [&]() -> larder_status { return of(self).read({items, n}, {records, m}, *call); });
    };
    t.make = [](void* self, larder_record* records, std::size_t m, std::uint64_t ttl_ms, const larder_call* call) noexcept -> larder_status {
        return detail::guarded(self, [&]() -> larder_status {
            if (m == 0) return LARDER_OK;
            return ttl_ms == 0 ? larder_status{LARDER_E_INVALID} : of(self).make({records, m}, ttl_ms, *call);
        });
    };
    t.change = [](void* self, larder_record* records, std::size_t m, std::uint64_t ttl_ms, const larder_key* keys, std::size_t n,
                  std::uint32_t replicas, const larder_call* call) noexcept -> larder_status {
        return detail::guarded(self, [&]() -> larder_status {
            if (n + m == 0) return LARDER_OK;
            return ttl_ms == 0 && m != 0 ? larder_status{LARDER_E_INVALID}
                                         : of(self).change({records, m}, ttl_ms, {keys, n}, replicas, *call);
        });
    };
    t.lease = [](void* self, const larder_key* key, std::uint64_t token, std::uint64_t ttl_ms, const larder_call* call) noexcept -> larder_status {
        return detail::guarded(self, [&]() -> larder_status { return of(self).lease(*key, token, ttl_ms, *call); });
    };
    t.fill = [](void* self, const larder_key* key, std::uint64_t token, const larder_put* put, const larder_call* call) noexcept -> larder_status {
        return detail::guarded(self, [&]() -> larder_status { return of(self).fill(*key, token, *put, *call); });
    };
    return t;
}();

}  // namespace

const larder_shared_v1* shared_table() noexcept { return &table; }

}  // namespace larder::store_postgres
