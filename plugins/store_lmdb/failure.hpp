// plugins/store_lmdb/failure.hpp -- what LMDB answers, as something to throw, and what it means for a caller.
#pragma once

#include <larder/plugin/abi.h>
#include <lmdb.h>

#include <cerrno>
#include <string>

namespace larder::store_lmdb {

// Never leaves the plugin: operations and the store's functions end it.
struct Failure {
    int code;
};

inline void must(int code) {
    if (code != MDB_SUCCESS) {
        throw Failure{code};
    }
}

// True, or MDB_NOTFOUND.
inline bool found(int code) {
    if (code == MDB_NOTFOUND) {
        return false;
    }
    must(code);
    return true;
}

inline std::string text_of_failure(int code) { return ::mdb_strerror(code); }

// The disk, or a quota, or a limit of the process.
inline bool no_disk(int code) noexcept {
    return code == ENOSPC || code == EFBIG || code == EDQUOT;
}
// No room: what goes out makes some.
inline bool no_room(int code) noexcept {
    return code == MDB_MAP_FULL || code == MDB_TXN_FULL || no_disk(code);
}
// The file, or what LMDB thinks of it, can no longer be used.
inline bool damaged(int code) noexcept {
    switch (code) {
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_PANIC:
        case MDB_VERSION_MISMATCH:
        case MDB_INVALID:
        case MDB_INCOMPATIBLE:
        case MDB_CURSOR_FULL:
        case MDB_PAGE_FULL: return true;
        default: return false;
    }
}

// A refused write is none that the breaker counts: the store still answers what it has.
inline larder_status status_of(int code) noexcept {
    if (no_room(code) || code == ENOMEM) {
        return LARDER_E_NOMEM;
    }
    return damaged(code) ? LARDER_E_CORRUPT : LARDER_E_IO;
}

}  // namespace larder::store_lmdb
