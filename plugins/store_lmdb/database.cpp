// plugins/store_lmdb/database.cpp -- see database.hpp.
#include "database.hpp"

#include "failure.hpp"
#include "rows.hpp"

#include <string_view>

namespace larder::store_lmdb {

Database::Database(const std::string& folder, const Options& options) {
    must(::mdb_env_create(&env_));
    try {
        must(::mdb_env_set_mapsize(env_, options.map_bytes));
        must(::mdb_env_set_maxreaders(env_, most_readers));
        must(::mdb_env_set_maxdbs(env_, 3));
        // A reader's place belongs to its transaction and not to a thread: readers.hpp lends them.
        const unsigned flags = MDB_NOTLS | (options.sync ? 0U : unsigned{MDB_NOSYNC});
        must(::mdb_env_open(env_, folder.c_str(), flags, 0600));
        open_tables();
    } catch (...) {
        ::mdb_env_close(env_);
        throw;
    }
}

Database::~Database() { ::mdb_env_close(env_); }

void Database::open_tables() {
    MDB_txn* txn = nullptr;
    must(::mdb_txn_begin(env_, nullptr, 0, &txn));
    try {
        MDB_dbi main = 0;
        must(::mdb_dbi_open(txn, nullptr, 0, &main));
        std::string name = "format", text(format_text);
        MDB_val key{name.size(), name.data()}, value{};
        if (found(::mdb_get(txn, main, &key, &value))) {
            if (std::string_view(static_cast<const char*>(value.mv_data), value.mv_size) != format_text) {
                throw Failure{MDB_VERSION_MISMATCH};
            }
        } else {
            value = {text.size(), text.data()};
            must(::mdb_put(txn, main, &key, &value, 0));
        }
        must(::mdb_dbi_open(txn, "values", MDB_CREATE, &values_));
        must(::mdb_dbi_open(txn, "places", MDB_CREATE | MDB_INTEGERKEY, &places_));
        must(::mdb_dbi_open(txn, "records", MDB_CREATE, &records_));
        MDB_stat stat{};
        must(::mdb_stat(txn, values_, &stat));
        page_bytes_ = stat.ms_psize;
        // Each entry has its place.
        const std::uint64_t entries = stat.ms_entries;
        must(::mdb_stat(txn, places_, &stat));
        if (stat.ms_entries != entries) {
            throw Failure{MDB_CORRUPTED};
        }
    } catch (...) {
        ::mdb_txn_abort(txn);
        throw;
    }
    must(::mdb_txn_commit(txn));
}

void Database::resize(std::size_t map_bytes) { must(::mdb_env_set_mapsize(env_, map_bytes)); }

bool Database::sync() const noexcept { return ::mdb_env_sync(env_, 1) == MDB_SUCCESS; }

int Database::clear_dead_readers() const noexcept {
    int dead = 0;
    return ::mdb_reader_check(env_, &dead) == MDB_SUCCESS ? dead : 0;
}

std::uint64_t Database::file_bytes() const noexcept {
    MDB_envinfo info{};
    return ::mdb_env_info(env_, &info) == MDB_SUCCESS ? (info.me_last_pgno + 1) * page_bytes_ : 0;
}

}  // namespace larder::store_lmdb
