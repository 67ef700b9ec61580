// plugins/store_redis/operations.hpp -- the functions of larder_store_v1 and larder_shared_v1, each as one
// operation.
#pragma once

#include "operation.hpp"

#include <larder/plugin/shared.h>

#include <cstdint>
#include <memory>
#include <span>

namespace larder::store_redis {

using Made = std::unique_ptr<Operation>;

Made make_get(const Workshop& shop, const larder_key& key, const larder_call& call);
// Values and records in one go; either may be empty.
Made make_read(const Workshop& shop, std::span<larder_get_item> items,
               std::span<larder_record> records, const larder_call& call);
Made make_put(const Workshop& shop, const larder_key& key, const larder_put& put,
              const larder_call& call);
Made make_remove(const Workshop& shop, const larder_key& key, std::uint64_t if_version,
                 const larder_call& call);
Made make_remove_many(const Workshop& shop, std::span<const larder_key> keys,
                      const larder_call& call);
Made make_touch(const Workshop& shop, const larder_key& key, const larder_touch& touch,
                const larder_call& call);
Made make_records(const Workshop& shop, std::span<larder_record> records, std::uint64_t ttl_ms,
                  const larder_call& call);
Made make_change(const Workshop& shop, std::span<larder_record> records, std::uint64_t ttl_ms,
                 std::span<const larder_key> keys, std::uint32_t replicas, const larder_call& call);
Made make_lease(const Workshop& shop, const larder_key& key, std::uint64_t token,
                std::uint64_t ttl_ms, const larder_call& call);
Made make_lease_end(const Workshop& shop, const larder_key& key, std::uint64_t token,
                    const larder_call& call);
Made make_fill(const Workshop& shop, const larder_key& key, std::uint64_t token,
               const larder_put& put, const larder_call& call);

}  // namespace larder::store_redis
