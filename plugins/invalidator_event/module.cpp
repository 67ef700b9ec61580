// plugins/invalidator_event/module.cpp -- the one exported symbol of invalidator_event.so.
#include "event_source.hpp"

LARDER_MODULE(&larder::plugin::Invalidator<larder::invalidator_event::EventSource>::value)
