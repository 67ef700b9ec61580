// plugins/store_lmdb/database.hpp -- one open LMDB file with the three tables of the store (rows.hpp).
//
// The map is laid out once, larger than what entries may take: a commit writes new pages beside those it replaces, and
// these can be used again only after the next one. What is mapped and not written takes addresses, and nothing else.
#pragma once

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace larder::store_lmdb {

class Database {
  public:
    struct Options {
        std::size_t map_bytes = 0;
        bool sync = false;  // each commit waits for the disk
    };
    // Throws Failure.
    Database(const std::string& folder, const Options& options);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    MDB_env* env() const noexcept { return env_; }
    MDB_dbi values() const noexcept { return values_; }
    MDB_dbi places() const noexcept { return places_; }
    MDB_dbi records() const noexcept { return records_; }

    // REQUIRES: no transaction of any kind is under way. Throws Failure.
    void resize(std::size_t map_bytes);
    // Whether all that was committed is on the disk now.
    bool sync() const noexcept;
    // Places of readers whose process ended without giving them back.
    int clear_dead_readers() const noexcept;
    // How much of the file has ever been used.
    std::uint64_t file_bytes() const noexcept;
    std::uint64_t page_bytes() const noexcept { return page_bytes_; }

  private:
    void open_tables();

    MDB_env* env_ = nullptr;
    MDB_dbi values_ = 0, places_ = 0, records_ = 0;
    std::uint64_t page_bytes_ = 4096;
};

// Readers of this process, each with a place of its own in LMDB's table; the rest of the table is for tools.
inline constexpr unsigned read_slots = 64, most_readers = 128;

// The map for entries that take at most so many bytes.
constexpr std::size_t map_for(std::uint64_t capacity) noexcept {
    constexpr std::uint64_t least = std::uint64_t{16} << 20, unit = std::uint64_t{1} << 20;
    return (capacity + capacity / 4 + least + unit - 1) / unit * unit;
}

}  // namespace larder::store_lmdb
