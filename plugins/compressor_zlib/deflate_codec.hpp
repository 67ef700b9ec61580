// plugins/compressor_zlib/deflate_codec.hpp -- the component "zlib": values in RFC 1950's (zlib) or RFC 1952's
// (gzip) format.
//
// Both are DEFLATE in another coat: gzip's has 18 bytes and a CRC-32, zlib's has 6 and an Adler-32; so a
// byte that was changed is found out by the first, and mostly by the second. An instance writes the format that its
// option says and reads both, as their first bytes differ. Decompression is told the original size
// and is held to it: no byte beyond it is written, what ends before or after it is corrupt, and so is
// anything behind the stream's end, another gzip member as well. So a bomb costs what it declares.
//
// A stream of deflate is 256 KB of tables. Each thread keeps one, as making it would cost more than a small
// value does; one for inflate (40 KB) likewise.
#pragma once

#include <larder/plugin/compressor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace larder::compressor_zlib {

enum class Format : std::uint8_t { gzip, zlib };

// One format at one level. Safe for any number of threads: nothing changes after the constructor.
class Deflate {
  public:
    Deflate(Format format, int level) noexcept : format_(format), level_(level) {}
    static std::size_t bound(std::size_t in_size) noexcept;
    larder_status compress(std::span<const std::byte> in, std::span<std::byte> out,
                           std::size_t& written) const noexcept;
    larder_status decompress(std::span<const std::byte> in,
                             std::span<std::byte> out) const noexcept;

  private:
    const Format format_;
    const int level_;
};

class DeflateCodec {
  public:
    static constexpr const char* name = "zlib";
    static constexpr std::uint32_t codec_id = 2;  // sdk/codecs.toml; never changes its meaning.
    static constexpr std::uint64_t caps =
        LARDER_COMP_CAP_DETERMINISTIC | LARDER_COMP_CAP_SETTINGS;
    using Opened = Deflate;

    DeflateCodec(plugin::Host, const plugin::Config& config)
        : format_(config.text("format", "zlib") == "gzip" ? Format::gzip : Format::zlib),
          level_(static_cast<int>(config.integer("level", 6))),
          own_(format_, level_) {}

    std::size_t bound(std::size_t in_size) const noexcept { return Deflate::bound(in_size); }
    larder_status compress(std::span<const std::byte> in, std::span<std::byte> out,
                           std::size_t& written) const noexcept {
        return own_.compress(in, out, written);
    }
    larder_status decompress(std::span<const std::byte> in,
                             std::span<std::byte> out) const noexcept {
        return own_.decompress(in, out);
    }
    std::span<const std::int32_t> levels() const noexcept {
        static constexpr std::int32_t worth[] = {1, 6};
        return worth;
    }
    larder_status open(const larder_codec_setting& setting, std::unique_ptr<Opened>& out) const {
        const int level = setting.level == LARDER_LEVEL_OWN ? level_ : setting.level;
        if (level < 1 || level > 9) {
            return LARDER_E_INVALID;
        }
        if (setting.dictionary.size != 0) {
            return LARDER_E_UNSUPPORTED;
        }
        out = std::make_unique<Opened>(format_, level);
        return LARDER_OK;
    }

  private:
    const Format format_;
    const int level_;
    const Deflate own_;
};

}  // namespace larder::compressor_zlib
