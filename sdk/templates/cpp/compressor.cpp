// compressor_@NAME@.cpp -- runs of the same byte become a count and the byte.
//
// codec_id is written into every value: what is compressed today has to be read by any later build. Take a number of your own
// from 128 to 65535 before anything is stored.
#include <larder/plugin/cpp.hpp>

#include <cstddef>
#include <span>

using namespace larder::plugin;

class @CLASS@ {
  public:
    static constexpr const char* name = "@NAME@";
    static constexpr std::uint64_t caps = LARDER_COMP_CAP_DETERMINISTIC;
    static constexpr std::uint32_t codec_id = 60001;

    @CLASS@(Host, const Config&) {}

    std::size_t bound(std::size_t in_size) const { return in_size > (std::size_t{1} << 30) ? 0 : 2 * in_size + 1; }

    larder_status compress(std::span<const std::byte> in, std::span<std::byte> out, std::size_t& size) const {
        std::size_t at = 0;
        for (std::size_t n = 0; n < in.size();) {
            std::size_t run = 1;
            while (run < 255 && n + run < in.size() && in[n + run] == in[n]) ++run;
            if (out.size() - at < 2) return LARDER_E_TOO_LARGE;
            out[at++] = static_cast<std::byte>(run);
            out[at++] = in[n];
            n += run;
        }
        if (at == out.size()) return LARDER_E_TOO_LARGE;
        out[at++] = std::byte{0};  // the end: what was cut off is found out
        size = at;
        return LARDER_OK;
    }

    larder_status decompress(std::span<const std::byte> in, std::span<std::byte> out) const {
        std::size_t at = 0, n = 0;
        for (; n + 1 < in.size() && in[n] != std::byte{0}; n += 2) {
            const auto run = static_cast<std::size_t>(in[n]);
            if (run > out.size() - at) return LARDER_E_CORRUPT;
            for (std::size_t i = 0; i < run; ++i) out[at++] = in[n + 1];
        }
        const bool whole = n + 1 == in.size() && in[n] == std::byte{0};
        return whole && at == out.size() ? LARDER_OK : LARDER_E_CORRUPT;
    }
};

LARDER_MODULE(&Compressor<@CLASS@>::value)
