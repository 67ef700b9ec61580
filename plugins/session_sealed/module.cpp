// plugins/session_sealed/module.cpp -- the one exported symbol of session_sealed.so.
#include "sealed_sessions.hpp"

LARDER_MODULE(&larder::plugin::Session<larder::session_sealed::SealedSessions>::value)
