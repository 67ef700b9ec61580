// plugins/compressor_zstd/module.cpp -- the one exported symbol of compressor_zstd.so.
#include "zstd_codec.hpp"

LARDER_MODULE(&larder::plugin::Compressor<larder::compressor_zstd::ZstdCodec>::value)
