// tests/bench/plugin_border/store_null.cpp -- the null store as a plugin.
#include "null_store.hpp"

LARDER_MODULE(&larder::plugin::Store<NullStore>::value)
