// plugins/compressor_zstd/zstd_codec.cpp -- Zstandard's C library, held to the sizes it was told.
#include "zstd_codec.hpp"

#include <zdict.h>
#include <zstd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace larder::compressor_zstd {
namespace {

// Beyond this the encoder's time is no longer that of a request.
constexpr std::size_t largest_input = std::size_t{1} << 30;
// A thread that needed more for one value gives it back.
constexpr std::size_t largest_kept = std::size_t{8} << 20;
// What a trainer reads is bounded by who calls it; this is what it takes at the most.
constexpr std::size_t most_samples_bytes = std::size_t{64} << 20;

struct FreeContext {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

// The thread's, as the setting wants it; null: no memory.
ZSTD_CCtx* compressing(int level, const ZSTD_CDict* dictionary) noexcept {
    thread_local std::unique_ptr<ZSTD_CCtx, FreeContext> context;
    if (context && ZSTD_sizeof_CCtx(context.get()) > largest_kept) {
        context.reset();
    }
    if (!context) {
        context.reset(ZSTD_createCCtx());
        if (!context || ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_dictIDFlag, 0)) != 0) {
            context.reset();
            return nullptr;
        }
    }
    // A value after another asks for the same: the context knows, and nothing is made anew.
    ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_only);
    const bool set = ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level)) == 0 &&
                     ZSTD_isError(ZSTD_CCtx_refCDict(context.get(), dictionary)) == 0;
    return set ? context.get() : nullptr;
}

ZSTD_DCtx* decompressing() noexcept {
    thread_local std::unique_ptr<ZSTD_DCtx, FreeContext> context;
    if (!context) {
        context.reset(ZSTD_createDCtx());
    }
    return context.get();
}

}  // namespace

void FreeDictionary::operator()(ZSTD_CDict_s* dictionary) const noexcept { ZSTD_freeCDict(dictionary); }
void FreeDictionary::operator()(ZSTD_DDict_s* dictionary) const noexcept { ZSTD_freeDDict(dictionary); }

ZstdSetting::ZstdSetting(int level, std::unique_ptr<ZSTD_CDict_s, FreeDictionary> compressing,
                         std::unique_ptr<ZSTD_DDict_s, FreeDictionary> decompressing) noexcept
    : level_(level), compressing_(std::move(compressing)), decompressing_(std::move(decompressing)) {}

larder_status ZstdSetting::compress(std::span<const std::byte> in, std::span<std::byte> out,
                                    std::size_t& written) const noexcept {
    if (in.size() > largest_input || out.empty()) {
        return LARDER_E_TOO_LARGE;
    }
    if (decompressing_ != nullptr && compressing_ == nullptr) {
        return LARDER_E_UNSUPPORTED;  // opened for reading
    }
    ZSTD_CCtx* const context = compressing(level_, compressing_.get());
    if (context == nullptr) {
        return LARDER_E_NOMEM;
    }
    const std::size_t size = ZSTD_compress2(context, out.data(), out.size(), in.data(), in.size());
    // Who borrows a dictionary does not keep it: it may be gone before this thread's next value.
    ZSTD_CCtx_refCDict(context, nullptr);
    if (ZSTD_isError(size) != 0) {
        return LARDER_E_TOO_LARGE;
    }
    written = size;
    return LARDER_OK;
}

larder_status ZstdSetting::decompress(std::span<const std::byte> in,
                                      std::span<std::byte> out) const noexcept {
    // A frame that may be skipped says 0 here, one that says no size or is no frame something huge.
    if (out.size() > largest_input || in.size() < sizeof(std::uint32_t) ||
        ZSTD_getFrameContentSize(in.data(), in.size()) != out.size() ||
        ZSTD_findFrameCompressedSize(in.data(), in.size()) != in.size()) {
        return LARDER_E_CORRUPT;
    }
    ZSTD_DCtx* const context = decompressing();
    if (context == nullptr) {
        return LARDER_E_NOMEM;
    }
    const std::size_t size =
        decompressing_ != nullptr
            ? ZSTD_decompress_usingDDict(context, out.data(), out.size(), in.data(), in.size(), decompressing_.get())
            : ZSTD_decompressDCtx(context, out.data(), out.size(), in.data(), in.size());
    return ZSTD_isError(size) == 0 && size == out.size() ? LARDER_OK : LARDER_E_CORRUPT;
}

ZstdCodec::ZstdCodec(plugin::Host, const plugin::Config& config)
    : level_(static_cast<int>(config.integer("level", 3))),
      dictionary_bytes_(config.size("dictionary", 32 * 1024)),
      own_(level_, nullptr, nullptr) {}

std::size_t ZstdCodec::bound(std::size_t in_size) const noexcept {
    return in_size > largest_input ? 0 : ZSTD_compressBound(in_size);
}

std::span<const std::int32_t> ZstdCodec::levels() const noexcept {
    static constexpr std::int32_t worth[] = {1, 3, 8, 12};
    return worth;
}

larder_status ZstdCodec::train(std::span<const larder_bytes> samples, std::span<std::byte> out,
                               std::size_t& written) const {
    if (dictionary_bytes_ == 0) {
        return LARDER_E_UNSUPPORTED;
    }
    std::string all;
    std::vector<std::size_t> sizes;
    for (const larder_bytes& sample : samples) {
        if (all.size() + sample.size > most_samples_bytes) {
            break;
        }
        all.append(static_cast<const char*>(sample.data), sample.size);
        sizes.push_back(sample.size);
    }
    const std::size_t size = ZDICT_trainFromBuffer(out.data(), std::min(out.size(), dictionary_bytes_), all.data(),
                                                   sizes.data(), static_cast<unsigned>(sizes.size()));
    if (ZDICT_isError(size) != 0) {
        return LARDER_E_INVALID;
    }
    written = size;
    return LARDER_OK;
}

larder_status ZstdCodec::open(const larder_codec_setting& setting, std::unique_ptr<Opened>& out) const {
    const int level = setting.level == LARDER_LEVEL_OWN ? level_ : setting.level;
    if (level < 1 || level > 19) {
        return LARDER_E_INVALID;
    }
    const larder_bytes bytes = setting.dictionary;
    if (bytes.size == 0) {
        out = std::make_unique<Opened>(level, nullptr, nullptr);
        return LARDER_OK;
    }
    // Without its head zstd would take any bytes for a dictionary of raw content.
    if (ZDICT_getDictID(bytes.data, bytes.size) == 0) {
        return LARDER_E_CORRUPT;
    }
    std::unique_ptr<ZSTD_CDict_s, FreeDictionary> compressing;
    if ((setting.flags & LARDER_SETTING_READS) == 0) {
        compressing.reset(ZSTD_createCDict(bytes.data, bytes.size, level));
        if (!compressing) {
            return LARDER_E_CORRUPT;
        }
    }
    std::unique_ptr<ZSTD_DDict_s, FreeDictionary> decompressing(ZSTD_createDDict(bytes.data, bytes.size));
    if (!decompressing) {
        return LARDER_E_CORRUPT;
    }
    out = std::make_unique<Opened>(level, std::move(compressing), std::move(decompressing));
    return LARDER_OK;
}

}  // namespace larder::compressor_zstd
