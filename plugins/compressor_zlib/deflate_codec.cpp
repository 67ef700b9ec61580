// plugins/compressor_zlib/deflate_codec.cpp -- zlib's C library, held to the sizes it was told.
#include "deflate_codec.hpp"

#include <zlib.h>

#include <algorithm>

namespace larder::compressor_zlib {
namespace {

// Beyond this the encoder's time is no longer that of a request; also what avail_in can say.
constexpr std::size_t largest_input = std::size_t{1} << 30;

constexpr int window_bits = 15, gzip_coat = 16, either_coat = 32;
int bits_of(Format format) noexcept {
    return format == Format::gzip ? window_bits + gzip_coat : window_bits;
}

Bytef* octets(std::byte* p) noexcept { return reinterpret_cast<Bytef*>(p); }
// zlib reads through it and writes nothing.
Bytef* octets(const std::byte* p) noexcept {
    return reinterpret_cast<Bytef*>(const_cast<std::byte*>(p));
}

// The thread's streams, ready for a new value.
class Deflating {
  public:
    ~Deflating() { end(); }
    z_stream* ready(int bits, int level) noexcept {
        if (bits == bits_ && level == level_ && deflateReset(&stream_) == Z_OK) {
            return &stream_;
        }
        end();
        stream_ = {};
        constexpr int most_memory = 8;
        if (deflateInit2(&stream_, level, Z_DEFLATED, bits, most_memory, Z_DEFAULT_STRATEGY) !=
            Z_OK) {
            return nullptr;
        }
        bits_ = bits;
        level_ = level;
        return &stream_;
    }

  private:
    void end() noexcept {
        if (bits_ != 0) {
            deflateEnd(&stream_);
        }
        bits_ = 0;
    }
    z_stream stream_{};
    int bits_ = 0, level_ = 0;
};

class Inflating {
  public:
    ~Inflating() {
        if (made_) {
            inflateEnd(&stream_);
        }
    }
    z_stream* ready() noexcept {
        if (made_) {
            return inflateReset(&stream_) == Z_OK ? &stream_ : nullptr;
        }
        made_ = inflateInit2(&stream_, window_bits + either_coat) == Z_OK;
        return made_ ? &stream_ : nullptr;
    }

  private:
    z_stream stream_{};
    bool made_ = false;
};

}  // namespace

std::size_t Deflate::bound(std::size_t in_size) noexcept {
    constexpr std::size_t coat = 18 - 6;  // compressBound counts zlib's
    return in_size > largest_input ? 0 : compressBound(in_size) + coat;
}

larder_status Deflate::compress(std::span<const std::byte> in, std::span<std::byte> out,
                                std::size_t& written) const noexcept {
    if (in.size() > largest_input || out.empty()) {
        return LARDER_E_TOO_LARGE;
    }
    thread_local Deflating deflating;
    z_stream* const stream = deflating.ready(bits_of(format_), level_);
    if (stream == nullptr) {
        return LARDER_E_NOMEM;
    }
    const auto room = static_cast<uInt>(std::min<std::size_t>(out.size(), UINT32_MAX));
    stream->next_in = octets(in.data());
    stream->avail_in = static_cast<uInt>(in.size());
    stream->next_out = octets(out.data());
    stream->avail_out = room;
    if (deflate(stream, Z_FINISH) != Z_STREAM_END) {
        return LARDER_E_TOO_LARGE;
    }
    written = room - stream->avail_out;
    return LARDER_OK;
}

larder_status Deflate::decompress(std::span<const std::byte> in,
                                  std::span<std::byte> out) const noexcept {
    if (in.size() > UINT32_MAX || out.size() > largest_input) {
        return LARDER_E_CORRUPT;
    }
    thread_local Inflating inflating;
    z_stream* const stream = inflating.ready();
    if (stream == nullptr) {
        return LARDER_E_NOMEM;
    }
    std::byte nothing{};  // the library takes no null pointer
    stream->next_in = octets(in.data());
    stream->avail_in = static_cast<uInt>(in.size());
    stream->next_out = octets(out.empty() ? &nothing : out.data());
    stream->avail_out = static_cast<uInt>(out.size());
    const int result = inflate(stream, Z_FINISH);
    if (result == Z_MEM_ERROR) {
        return LARDER_E_NOMEM;
    }
    // An end before the declared one, a stream that has more to say, or something behind it.
    const bool whole = result == Z_STREAM_END && stream->avail_in == 0 && stream->avail_out == 0;
    return whole ? LARDER_OK : LARDER_E_CORRUPT;
}

}  // namespace larder::compressor_zlib
