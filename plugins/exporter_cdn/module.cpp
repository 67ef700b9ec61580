// plugins/exporter_cdn/module.cpp -- the one exported symbol of exporter_cdn.so.
#include "cdn.hpp"

LARDER_MODULE(&larder::plugin::Exporter<larder::exporter_cdn::Cdn>::value)
