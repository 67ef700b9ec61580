// tests/support/fake_cache.hpp -- larder.cache/1 for tests of gateways: the map that the conformance kit judges them with.
#pragma once

#include "kernel/kit/map_cache.hpp"

namespace larder::test {

using FakeCache = kit::MapCache;

}  // namespace larder::test
