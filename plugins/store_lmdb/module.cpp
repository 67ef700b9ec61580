// plugins/store_lmdb/module.cpp -- the one exported symbol of store_lmdb.so.
#include "lmdb_store.hpp"

LARDER_MODULE(&larder::plugin::Store<larder::store_lmdb::LmdbStore>::value)
