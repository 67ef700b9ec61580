// plugins/store_lmdb/operations.hpp -- the changes there are. What is given is copied, but for arrays of answers.
#pragma once

#include "operation.hpp"

#include <larder/plugin/shared.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

namespace larder::store_lmdb {

using Change = std::shared_ptr<Operation>;

// lease: not 0, a fill by it.
Change make_put(const larder_key& key, const larder_put& put, std::uint64_t lease = 0);
Change make_remove(const larder_key& key, std::uint64_t if_version);
Change make_remove_many(std::span<const larder_key> keys);
Change make_touch(const larder_key& key, const larder_touch& touch);
// Entries whose keys begin so, at most `most` of them; `again` is told whether there are more. Empty: all.
Change make_clear(std::string prefix, std::size_t most, std::shared_ptr<bool> again);
// Of larder.shared/1. Records' answers go to `records`.
Change make_records(std::span<larder_record> records, std::uint64_t ttl_ms);
Change make_change(std::span<larder_record> records, std::uint64_t ttl_ms, std::span<const larder_key> keys, std::uint32_t replicas);
// Records whose time is over and that somebody asked for: they live on.
Change make_prolong(std::vector<std::string> records);

// A step of the walk that takes away what nobody may see any more. Of whoever writes.
struct Sweep {
    std::uint64_t place = 0;           // the next to look at
    std::string record;                // likewise
    std::unordered_map<std::string, std::uint64_t> told;  // records that lapsed, and when that was told
    std::atomic<bool> crowded{false};  // much of the last step was over: the next may come soon; by any thread
};
Change make_sweep(std::shared_ptr<Sweep> sweep);

}  // namespace larder::store_lmdb
