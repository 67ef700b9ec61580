// tests/fuzz/codecs_fuzz.cpp -- any bytes as a compressed value of any declared size, to every codec.
//
// The first byte says which codec, the next two the declared size. Whatever the answer, nothing outside the
// input is read and nothing outside the room is written (the sanitizers tell); and what a codec made of the
// same bytes comes back as it was.
#include "plugins/compressor_brotli/brotli_codec.hpp"
#include "plugins/compressor_zlib/deflate_codec.hpp"
#include "plugins/compressor_zstd/zstd_codec.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace {

using larder::compressor_brotli::BrotliSetting;
using larder::compressor_zlib::Deflate;
using larder::compressor_zlib::Format;
using larder::compressor_zstd::ZstdSetting;

template <class Codec>
void feed(const Codec& codec, std::span<const std::byte> in, std::size_t declared) {
    std::vector<std::byte> room(declared);
    const larder_status status = codec.decompress(in, room);
    if (status != LARDER_OK && status != LARDER_E_CORRUPT) std::abort();
    std::vector<std::byte> packed(in.size() + 1024), back(in.size());
    std::size_t size = 0;
    if (codec.compress(in, packed, size) != LARDER_OK || size > packed.size()) std::abort();
    if (codec.decompress(std::span(packed).first(size), back) != LARDER_OK) std::abort();
    if (!std::equal(in.begin(), in.end(), back.begin())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    static const BrotliSetting brotli(1, 18);
    static const Deflate gzip(Format::gzip, 1), zlib(Format::zlib, 1);
    static const ZstdSetting zstd(1, nullptr, nullptr);
    const std::size_t declared = data[1] | data[2] << 8;
    const auto in = std::as_bytes(std::span(data + 3, size - 3));
    switch (data[0] % 4) {
        case 0: feed(brotli, in, declared); break;
        case 1: feed(gzip, in, declared); break;
        case 2: feed(zlib, in, declared); break;
        default: feed(zstd, in, declared); break;
    }
    return 0;
}
