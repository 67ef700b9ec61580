// tests/unit/packing/real_codecs.hpp -- larder's own codecs, compiled in, as a cache is given them.
#pragma once

#include "kernel/core/cache.hpp"
#include "plugins/compressor_brotli/brotli_codec.hpp"
#include "plugins/compressor_zlib/deflate_codec.hpp"
#include "plugins/compressor_zstd/zstd_codec.hpp"
#include "tests/support/codec_rig.hpp"

#include <memory>
#include <string>
#include <vector>

namespace larder::test {

inline CodecHandle codec_of(std::string name, const larder_component& component, FakeConfig config = {}) {
    auto rig = std::make_shared<CodecRig>(component, std::move(config));
    CodecHandle handle;
    handle.name = std::move(name);
    handle.table = &rig->table();
    handle.self = rig->self();
    handle.caps = component.caps;
    handle.keep = std::move(rig);
    return handle;
}
inline CodecHandle zstd_codec(FakeConfig config = {}) {
    return codec_of("zstd", plugin::Compressor<compressor_zstd::ZstdCodec>::value, std::move(config));
}
inline CodecHandle brotli_codec() { return codec_of("brotli", plugin::Compressor<compressor_brotli::BrotliCodec>::value); }
inline CodecHandle gzip_codec() {
    return codec_of("gzip", plugin::Compressor<compressor_zlib::DeflateCodec>::value, FakeConfig{}.set("format", "gzip"));
}
inline std::vector<CodecHandle> real_codecs() { return {brotli_codec(), zstd_codec(), gzip_codec()}; }

}  // namespace larder::test
