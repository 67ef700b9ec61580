// plugins/compressor_zlib/module.cpp -- the one exported symbol of compressor_zlib.so.
#include "deflate_codec.hpp"

LARDER_MODULE(&larder::plugin::Compressor<larder::compressor_zlib::DeflateCodec>::value)
