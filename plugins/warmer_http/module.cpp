// plugins/warmer_http/module.cpp -- the one exported symbol of warmer_http.so.
#include "http_source.hpp"

LARDER_MODULE(&larder::plugin::Warmer<larder::warmer_http::HttpSource>::value)
