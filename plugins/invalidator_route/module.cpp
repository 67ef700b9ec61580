// plugins/invalidator_route/module.cpp -- the one exported symbol of invalidator_route.so.
#include "route_source.hpp"

LARDER_MODULE(&larder::plugin::Invalidator<larder::invalidator_route::RouteSource>::value)
