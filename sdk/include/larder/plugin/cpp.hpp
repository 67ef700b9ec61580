// larder/plugin/cpp.hpp -- the header-only C++20 SDK, whole: an ordinary class becomes a plugin.
//
// No exception, no C++ type and no C++ allocation crosses the border: each kind's header turns a
// class into a table of noexcept C functions. Include this, or the header of the kind you write. A
// module is
//     class Shelf { ... };
//     LARDER_MODULE(&larder::plugin::Store<Shelf>::value)
// with as many components as you like, built by larder_add_plugin().
#ifndef LARDER_PLUGIN_CPP_HPP
#define LARDER_PLUGIN_CPP_HPP
#include "compressor.hpp"
#include "exporter.hpp"
#include "gateway.hpp"
#include "invalidator.hpp"
#include "session.hpp"
#include "store.hpp"
#include "warmer.hpp"
#endif
