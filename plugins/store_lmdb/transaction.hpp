// plugins/store_lmdb/transaction.hpp -- the store's tables within one LMDB transaction of either kind.
//
// values and places are changed together or not at all: functions here keep them so, and what throws in the middle
// ends the transaction. Of whoever writes there is one at a time (writer.hpp).
#pragma once

#include "database.hpp"
#include "rows.hpp"

#include <larder/plugin/abi.h>

#include <optional>
#include <string>
#include <string_view>

namespace larder::store_lmdb {

struct Found {
    ValueRow row;
    larder_bytes value;  // until the transaction ends, or writes
};

struct Place {
    std::uint64_t number = 0;
    PlaceRow row;
    std::string_view key;  // likewise
};

struct Usage {
    std::uint64_t entries = 0, records = 0, bytes = 0;  // of pages in use
};

// A view of one that somebody else ends.
class Tables {
  public:
    Tables(const Database& database, MDB_txn* txn) noexcept : database_(database), txn_(txn) {}

    // Also an entry whose time is over. All functions throw Failure.
    std::optional<Found> find(std::string_view key) const;
    std::optional<RecordRow> find_record(std::string_view key) const;
    // The first place whose number is at least that.
    std::optional<Place> place_from(std::uint64_t number) const;
    // Calls fn(const Place&) from there on, until it answers false.
    template <class Fn>
    void each_place(std::uint64_t from, Fn&& fn) const;
    // The same of records: fn(key, const RecordRow&).
    template <class Fn>
    void each_record(std::string_view from, Fn&& fn) const;
    // Keys that begin so: fn(key).
    template <class Fn>
    void each_key(std::string_view prefix, Fn&& fn) const;
    Usage usage() const;

  protected:
    const Database& database_;
    MDB_txn* txn_;
};

class Transaction : public Tables {
  public:
    // Throws Failure.
    explicit Transaction(const Database& database);
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();
    void commit();

    // In the place of what `old` found under the key, whose number it keeps, or as the newest.
    void put(std::string_view key, const std::optional<Found>& old, larder_bytes value, std::uint64_t version,
             std::uint64_t deadline_ms);
    // Other bytes of the same length.
    void rewrite(std::string_view key, const ValueRow& row, larder_bytes value);
    void erase(std::string_view key, std::uint64_t number);
    void put_record(std::string_view key, const RecordRow& row);
    void erase_record(std::string_view key);
    // All entries; records stay.
    void clear();
    // So that a commit has something to write.
    void stir();
    // Pages that nothing uses, kept for the day the disk is full: a removal, too, is written beside what it changes.
    void keep_reserve();
    bool give_reserve();  // false: there is none

  private:
    std::uint64_t next_number() const;
    MDB_dbi main() const;
};

// ---- below: how the walks are done

class Cursor {
  public:
    Cursor(MDB_txn* txn, MDB_dbi table);
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;
    ~Cursor() { ::mdb_cursor_close(cursor_); }
    bool go(MDB_cursor_op where);  // false: nothing there

    MDB_val key{}, value{};

  private:
    MDB_cursor* cursor_ = nullptr;
};

namespace detail {
// False: they are no place, record.
bool read_place(const Cursor& at, Place& out);
bool read_record(const Cursor& at, RecordRow& out);
inline std::string_view text_of(const MDB_val& v) noexcept { return {static_cast<const char*>(v.mv_data), v.mv_size}; }
[[noreturn]] void bad_row();
}  // namespace detail

template <class Fn>
void Tables::each_place(std::uint64_t from, Fn&& fn) const {
    Cursor at(txn_, database_.places());
    at.key = {sizeof from, &from};
    for (bool there = at.go(MDB_SET_RANGE); there; there = at.go(MDB_NEXT)) {
        Place place;
        if (!detail::read_place(at, place)) {
            detail::bad_row();
        }
        if (!fn(place)) {
            return;
        }
    }
}

template <class Fn>
void Tables::each_record(std::string_view from, Fn&& fn) const {
    Cursor at(txn_, database_.records());
    std::string copy(from);
    at.key = {copy.size(), copy.data()};
    for (bool there = at.go(copy.empty() ? MDB_FIRST : MDB_SET_RANGE); there; there = at.go(MDB_NEXT)) {
        RecordRow row;
        if (!detail::read_record(at, row)) {
            detail::bad_row();
        }
        if (!fn(detail::text_of(at.key), row)) {
            return;
        }
    }
}

template <class Fn>
void Tables::each_key(std::string_view prefix, Fn&& fn) const {
    Cursor at(txn_, database_.values());
    std::string copy(prefix);
    at.key = {copy.size(), copy.data()};
    for (bool there = at.go(copy.empty() ? MDB_FIRST : MDB_SET_RANGE); there; there = at.go(MDB_NEXT)) {
        const std::string_view key = detail::text_of(at.key);
        if (!key.starts_with(prefix) || !fn(key)) {
            return;
        }
    }
}

}  // namespace larder::store_lmdb
