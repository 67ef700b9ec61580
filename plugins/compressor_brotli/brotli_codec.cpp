// plugins/compressor_brotli/brotli_codec.cpp -- Brotli's C library, held to the sizes it was told.
#include "brotli_codec.hpp"

#include <brotli/decode.h>
#include <brotli/encode.h>

#include <algorithm>
#include <bit>
#include <memory>

namespace larder::compressor_brotli {
namespace {

// A window no larger than the value: the encoder's tables follow it, and small values are the rule.
int window_for(std::size_t in_size, int most_bits) noexcept {
    const int needed = static_cast<int>(std::bit_width(in_size));
    return std::clamp(needed, BROTLI_MIN_WINDOW_BITS, most_bits);
}

// Beyond this the encoder's time is no longer that of a request.
constexpr std::size_t largest_input = std::size_t{1} << 30;

struct DestroyDecoder {
    void operator()(BrotliDecoderState* state) const noexcept {
        BrotliDecoderDestroyInstance(state);
    }
};

const std::uint8_t* octets(const std::byte* p) noexcept {
    return reinterpret_cast<const std::uint8_t*>(p);
}
std::uint8_t* octets(std::byte* p) noexcept { return reinterpret_cast<std::uint8_t*>(p); }

}  // namespace

BrotliCodec::BrotliCodec(plugin::Host, const plugin::Config& config)
    : quality_(static_cast<int>(config.integer("quality", 5))),
      window_bits_(static_cast<int>(config.integer("window", 22))),
      own_(quality_, window_bits_) {}

std::span<const std::int32_t> BrotliCodec::levels() const noexcept {
    static constexpr std::int32_t worth[] = {5, 9};
    return worth;
}

larder_status BrotliCodec::open(const larder_codec_setting& setting,
                                std::unique_ptr<Opened>& out) const {
    const int quality = setting.level == LARDER_LEVEL_OWN ? quality_ : setting.level;
    if (quality < 1 || quality > BROTLI_MAX_QUALITY) {
        return LARDER_E_INVALID;
    }
    if (setting.dictionary.size != 0) {
        return LARDER_E_UNSUPPORTED;
    }
    out = std::make_unique<Opened>(quality, window_bits_);
    return LARDER_OK;
}

std::size_t BrotliCodec::bound(std::size_t in_size) const noexcept {
    return in_size > largest_input ? 0 : BrotliEncoderMaxCompressedSize(in_size);
}

larder_status BrotliSetting::compress(std::span<const std::byte> in, std::span<std::byte> out,
                                      std::size_t& written) const noexcept {
    if (in.size() > largest_input) {
        return LARDER_E_TOO_LARGE;
    }
    // The library never takes a null pointer, and fails alike for too little room and for no
    // memory.
    static constexpr std::byte nothing{};
    std::size_t size = out.size();
    if (size == 0 ||
        BrotliEncoderCompress(quality_, window_for(in.size(), window_bits_), BROTLI_DEFAULT_MODE,
                              in.size(), octets(in.empty() ? &nothing : in.data()), &size,
                              octets(out.data())) == BROTLI_FALSE) {
        return LARDER_E_TOO_LARGE;
    }
    written = size;
    return LARDER_OK;
}

larder_status BrotliSetting::decompress(std::span<const std::byte> in,
                                        std::span<std::byte> out) const noexcept {
    const std::unique_ptr<BrotliDecoderState, DestroyDecoder> decoder(
        BrotliDecoderCreateInstance(nullptr, nullptr, nullptr));
    if (!decoder) {
        return LARDER_E_NOMEM;
    }
    std::size_t in_left = in.size(), out_left = out.size();
    const std::uint8_t* from = octets(in.data());
    std::uint8_t* to = octets(out.data());
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(decoder.get(), &in_left, &from, &out_left, &to, nullptr);
    if (result == BROTLI_DECODER_RESULT_ERROR) {
        const BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(decoder.get());
        const bool no_memory = code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                               code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
        return no_memory ? LARDER_E_NOMEM : LARDER_E_CORRUPT;
    }
    // Asking for more input is a truncated value, for more room one that is longer than it said.
    const bool whole = result == BROTLI_DECODER_RESULT_SUCCESS && in_left == 0 && out_left == 0;
    return whole ? LARDER_OK : LARDER_E_CORRUPT;
}

}  // namespace larder::compressor_brotli
