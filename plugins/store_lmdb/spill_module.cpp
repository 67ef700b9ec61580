// plugins/store_lmdb/spill_module.cpp -- the one exported symbol of store_spill.so.
#include "spill_store.hpp"

LARDER_MODULE(&larder::plugin::Store<larder::store_lmdb::SpillStore>::value)
