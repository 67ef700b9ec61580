// plugins/compressor_brotli/brotli_codec.hpp -- the component "brotli": values in RFC 7932's
// format.
//
// Whether a value is worth compressing is the kernel's to judge; here bytes become fewer bytes, and
// exactly themselves again. Decompression is told the original size and is held to it: no byte
// beyond it is written, what ends before or after it is corrupt, and so is anything behind the
// stream's end. So a bomb costs what its declared size costs. The decoder's own memory is bounded
// by the format: 16 MiB of window ("large window" streams are refused).
#pragma once

#include <larder/plugin/compressor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace larder::compressor_brotli {

// One quality. Safe for any number of threads: nothing changes after the constructor.
class BrotliSetting {
  public:
    BrotliSetting(int quality, int window_bits) noexcept
        : quality_(quality), window_bits_(window_bits) {}
    larder_status compress(std::span<const std::byte> in, std::span<std::byte> out,
                           std::size_t& written) const noexcept;
    larder_status decompress(std::span<const std::byte> in,
                             std::span<std::byte> out) const noexcept;

  private:
    const int quality_;
    const int window_bits_;
};

class BrotliCodec {
  public:
    static constexpr const char* name = "brotli";
    static constexpr std::uint32_t codec_id = 1;  // sdk/codecs.toml; never changes its meaning.
    static constexpr std::uint64_t caps =
        LARDER_COMP_CAP_DETERMINISTIC | LARDER_COMP_CAP_SETTINGS;
    using Opened = BrotliSetting;

    BrotliCodec(plugin::Host host, const plugin::Config& config);

    std::size_t bound(std::size_t in_size) const noexcept;
    larder_status compress(std::span<const std::byte> in, std::span<std::byte> out,
                           std::size_t& written) const noexcept {
        return own_.compress(in, out, written);
    }
    larder_status decompress(std::span<const std::byte> in,
                             std::span<std::byte> out) const noexcept {
        return own_.decompress(in, out);
    }
    std::span<const std::int32_t> levels() const noexcept;
    // Without dictionaries: the library of Debian 12 has none.
    larder_status open(const larder_codec_setting& setting, std::unique_ptr<Opened>& out) const;

  private:
    const int quality_;
    const int window_bits_;
    const BrotliSetting own_;
};

}  // namespace larder::compressor_brotli
