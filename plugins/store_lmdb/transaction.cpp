// plugins/store_lmdb/transaction.cpp -- see transaction.hpp.
#include "transaction.hpp"

#include "failure.hpp"

namespace larder::store_lmdb {
namespace {

// LMDB does not write to what it is given.
MDB_val val_of(std::string_view text) noexcept {
    return {text.size(), const_cast<char*>(text.data())};
}

void put_over(void* to, const ValueRow& row, larder_bytes value) noexcept {
    std::memcpy(to, &row, sizeof row);
    if (value.size != 0) {
        std::memcpy(static_cast<char*>(to) + sizeof row, value.data, value.size);
    }
}

}  // namespace

// ---- looking

Cursor::Cursor(MDB_txn* txn, MDB_dbi table) { must(::mdb_cursor_open(txn, table, &cursor_)); }

bool Cursor::go(MDB_cursor_op where) { return found(::mdb_cursor_get(cursor_, &key, &value, where)); }

void detail::bad_row() { throw Failure{MDB_CORRUPTED}; }

bool detail::read_place(const Cursor& at, Place& out) {
    if (at.key.mv_size != sizeof out.number || at.value.mv_size < sizeof(PlaceRow)) {
        return false;
    }
    out.number = row_at<std::uint64_t>(at.key.mv_data);
    out.row = row_at<PlaceRow>(at.value.mv_data);
    out.key = text_of(at.value).substr(sizeof(PlaceRow));
    return true;
}

bool detail::read_record(const Cursor& at, RecordRow& out) {
    if (at.value.mv_size != sizeof out) {
        return false;
    }
    out = row_at<RecordRow>(at.value.mv_data);
    return true;
}

std::optional<Found> Tables::find(std::string_view key) const {
    MDB_val at = val_of(key), row{};
    if (!found(::mdb_get(txn_, database_.values(), &at, &row))) {
        return std::nullopt;
    }
    if (row.mv_size < sizeof(ValueRow)) {
        detail::bad_row();
    }
    const char* const bytes = static_cast<const char*>(row.mv_data);
    return Found{row_at<ValueRow>(bytes), {bytes + sizeof(ValueRow), row.mv_size - sizeof(ValueRow)}};
}

std::optional<RecordRow> Tables::find_record(std::string_view key) const {
    MDB_val at = val_of(key), row{};
    if (!found(::mdb_get(txn_, database_.records(), &at, &row))) {
        return std::nullopt;
    }
    if (row.mv_size != sizeof(RecordRow)) {
        detail::bad_row();
    }
    return row_at<RecordRow>(row.mv_data);
}

std::optional<Place> Tables::place_from(std::uint64_t number) const {
    std::optional<Place> first;
    each_place(number, [&](const Place& place) {
        first = place;
        return false;
    });
    return first;
}

Usage Tables::usage() const {
    Usage out;
    const auto add = [&](MDB_dbi table) {
        MDB_stat stat{};
        must(::mdb_stat(txn_, table, &stat));
        out.bytes += (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * stat.ms_psize;
        return std::uint64_t{stat.ms_entries};
    };
    out.entries = add(database_.values());
    add(database_.places());
    out.records = add(database_.records());
    return out;
}

// ---- writing

Transaction::Transaction(const Database& database) : Tables(database, nullptr) {
    must(::mdb_txn_begin(database.env(), nullptr, 0, &txn_));
}

Transaction::~Transaction() {
    if (txn_ != nullptr) {
        ::mdb_txn_abort(txn_);
    }
}

void Transaction::commit() {
    MDB_txn* const ending = txn_;
    txn_ = nullptr;
    must(::mdb_txn_commit(ending));
}

std::uint64_t Transaction::next_number() const {
    Cursor at(txn_, database_.places());
    return at.go(MDB_LAST) ? row_at<std::uint64_t>(at.key.mv_data) + 1 : 1;
}

void Transaction::put(std::string_view key, const std::optional<Found>& old, larder_bytes value,
                      std::uint64_t version, std::uint64_t deadline_ms) {
    const ValueRow row{old ? old->row.number : next_number(), deadline_ms, version};
    MDB_val at = val_of(key), place{sizeof(ValueRow) + value.size, nullptr};
    must(::mdb_put(txn_, database_.values(), &at, &place, MDB_RESERVE));
    put_over(place.mv_data, row, value);

    const PlaceRow line{deadline_ms, value.size};
    std::uint64_t number = row.number;
    MDB_val in_line{sizeof number, &number};
    place = {sizeof line + key.size(), nullptr};
    const unsigned flags = MDB_RESERVE | (old ? 0U : unsigned{MDB_APPEND});
    must(::mdb_put(txn_, database_.places(), &in_line, &place, flags));
    std::memcpy(place.mv_data, &line, sizeof line);
    std::memcpy(static_cast<char*>(place.mv_data) + sizeof line, key.data(), key.size());
}

void Transaction::rewrite(std::string_view key, const ValueRow& row, larder_bytes value) {
    put(key, Found{row, {}}, value, row.version, row.deadline_ms);
}

void Transaction::erase(std::string_view key, std::uint64_t number) {
    MDB_val at = val_of(key), in_line{sizeof number, &number};
    static_cast<void>(found(::mdb_del(txn_, database_.values(), &at, nullptr)));
    static_cast<void>(found(::mdb_del(txn_, database_.places(), &in_line, nullptr)));
}

void Transaction::put_record(std::string_view key, const RecordRow& row) {
    RecordRow copy = row;
    MDB_val at = val_of(key), value{sizeof copy, &copy};
    must(::mdb_put(txn_, database_.records(), &at, &value, 0));
}

void Transaction::erase_record(std::string_view key) {
    MDB_val at = val_of(key);
    static_cast<void>(found(::mdb_del(txn_, database_.records(), &at, nullptr)));
}

void Transaction::clear() {
    must(::mdb_drop(txn_, database_.values(), 0));
    must(::mdb_drop(txn_, database_.places(), 0));
}

MDB_dbi Transaction::main() const {
    MDB_dbi table = 0;
    must(::mdb_dbi_open(txn_, nullptr, 0, &table));
    return table;
}

void Transaction::keep_reserve() {
    MDB_val at = val_of("reserve"), value{};
    const MDB_dbi table = main();
    if (!found(::mdb_get(txn_, table, &at, &value))) {
        constexpr std::size_t bytes = std::size_t{512} << 10;
        value = {bytes, nullptr};
        must(::mdb_put(txn_, table, &at, &value, MDB_RESERVE));
        std::memset(value.mv_data, 0, bytes);
    }
}

bool Transaction::give_reserve() {
    MDB_val at = val_of("reserve");
    return found(::mdb_del(txn_, main(), &at, nullptr));
}

void Transaction::stir() {
    std::uint64_t turn = 0;
    const MDB_dbi table = main();
    MDB_val at = val_of("turn"), value{};
    if (found(::mdb_get(txn_, table, &at, &value)) && value.mv_size == sizeof turn) {
        turn = row_at<std::uint64_t>(value.mv_data);
    }
    ++turn;
    value = {sizeof turn, &turn};
    must(::mdb_put(txn_, table, &at, &value, 0));
}

}  // namespace larder::store_lmdb
