// plugins/warmer_predictive/module.cpp -- the one exported symbol of warmer_predictive.so.
#include "predictive.hpp"

LARDER_MODULE(&larder::plugin::Warmer<larder::warmer_predictive::Predictive>::value)
