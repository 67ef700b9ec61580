// plugins/store_memory/module.cpp -- the one exported symbol of store_memory.so.
#include "memory_store.hpp"

LARDER_MODULE(&larder::plugin::Store<larder::store_memory::MemoryStore>::value)
