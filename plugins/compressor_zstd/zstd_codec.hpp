// plugins/compressor_zstd/zstd_codec.hpp -- the component "zstd": values as one frame of RFC 8878, with or without
// a dictionary.
//
// Small values of one kind say the same names again and again, each of them once: nothing to be found within one.
// A dictionary trained from others of the kind says them beforehand, and half a kilobyte of JSON becomes a
// quarter instead of two thirds. The kernel keeps dictionaries and says which one a value needs; here
// one is made (ZDICT's cover of the samples) and used, digested once for all threads.
//
// A frame carries its value's size and nothing else that the envelope knows: no checksum, no dictionary
// number. Decompression looks at the size in the frame first, which has to be the declared one, then
// whether the input is one frame and ends with it; then it writes no byte beyond the room it was given. So
// a bomb costs nothing, and windows larger than the value do not exist.
//
// Contexts are the thread's (34 KB for small values with a dictionary, 1.3 MB for one of a megabyte at level 3; 96 KB to
// decompress): made once, and given back when one value made them larger than 8 MiB.
#pragma once

#include <larder/plugin/compressor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct ZSTD_CDict_s;
struct ZSTD_DDict_s;

namespace larder::compressor_zstd {

struct FreeDictionary {
    void operator()(ZSTD_CDict_s* dictionary) const noexcept;
    void operator()(ZSTD_DDict_s* dictionary) const noexcept;
};

// One level, with a dictionary or without. Safe for any number of threads.
class ZstdSetting {
  public:
    ZstdSetting(int level, std::unique_ptr<ZSTD_CDict_s, FreeDictionary> compressing,
                std::unique_ptr<ZSTD_DDict_s, FreeDictionary> decompressing) noexcept;
    larder_status compress(std::span<const std::byte> in, std::span<std::byte> out,
                           std::size_t& written) const noexcept;
    larder_status decompress(std::span<const std::byte> in,
                             std::span<std::byte> out) const noexcept;

  private:
    const int level_;
    const std::unique_ptr<ZSTD_CDict_s, FreeDictionary> compressing_;  // null: none, or for reading only
    const std::unique_ptr<ZSTD_DDict_s, FreeDictionary> decompressing_;
};

class ZstdCodec {
  public:
    static constexpr const char* name = "zstd";
    static constexpr std::uint32_t codec_id = 3;  // sdk/codecs.toml; never changes its meaning.
    static constexpr std::uint64_t caps =
        LARDER_COMP_CAP_DETERMINISTIC | LARDER_COMP_CAP_DICTIONARY | LARDER_COMP_CAP_SETTINGS;
    using Opened = ZstdSetting;

    ZstdCodec(plugin::Host host, const plugin::Config& config);

    std::size_t bound(std::size_t in_size) const noexcept;
    larder_status compress(std::span<const std::byte> in, std::span<std::byte> out,
                           std::size_t& written) const noexcept {
        return own_.compress(in, out, written);
    }
    larder_status decompress(std::span<const std::byte> in,
                             std::span<std::byte> out) const noexcept {
        return own_.decompress(in, out);
    }
    larder_status train(std::span<const larder_bytes> samples, std::span<std::byte> out,
                        std::size_t& written) const;
    std::span<const std::int32_t> levels() const noexcept;
    larder_status open(const larder_codec_setting& setting, std::unique_ptr<Opened>& out) const;

  private:
    const int level_;
    const std::size_t dictionary_bytes_;  // 0: none
    const ZstdSetting own_;
};

}  // namespace larder::compressor_zstd
