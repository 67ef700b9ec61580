// plugins/store_lmdb/options.hpp -- what larder.toml says of one store, judged.
#pragma once

#include <larder/plugin/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace larder::store_lmdb {

struct Options {
    std::string instance, folder, prefix;
    std::uint64_t capacity = 0, entries = 0;
    bool sync = false, begins_empty = false;
    std::size_t queue = 0;

    // Throws plugin::Error.
    static Options read(const plugin::Config& config);
    // Of a store that nobody finds again (spill_store.hpp).
    static Options of_spill(const plugin::Config& config);
};

}  // namespace larder::store_lmdb
