// plugins/compressor_brotli/module.cpp -- the one exported symbol of compressor_brotli.so.
#include "brotli_codec.hpp"

LARDER_MODULE(&larder::plugin::Compressor<larder::compressor_brotli::BrotliCodec>::value)
