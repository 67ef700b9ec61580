// kernel/core/packed_formats.cpp -- see packed_formats.hpp.
#include "kernel/core/packed_formats.hpp"

#include <cstddef>

namespace larder {
namespace {

struct Magic {
    std::size_t at;
    std::string_view bytes;
    std::string_view type;
    std::size_t more_at = 0;
    std::string_view more = {};  // has to stand there, too
};

using namespace std::string_view_literals;

constexpr Magic formats[] = {
    {0, "\x1f\x8b\x08"sv, "application/gzip"},
    {0, "\x28\xb5\x2f\xfd"sv, "application/zstd"},
    {0, "\x89PNG\r\n\x1a\n"sv, "image/png"},
    {0, "\xff\xd8\xff"sv, "image/jpeg"},
    {0, "GIF87a"sv, "image/gif"},
    {0, "GIF89a"sv, "image/gif"},
    {0, "RIFF"sv, "image/webp", 8, "WEBP"sv},
    {4, "ftypavif"sv, "image/avif"},
    {4, "ftypheic"sv, "image/heic"},
    {0, "\0\0\0\x0cJXL \r\n\x87\n"sv, "image/jxl"},
    {4, "ftyp"sv, "video/mp4"},
    {0, "\x1a\x45\xdf\xa3"sv, "video/webm"},
    {0, "RIFF"sv, "video/avi", 8, "AVI "sv},
    {0, "OggS"sv, "audio/ogg"},
    {0, "ID3"sv, "audio/mpeg"},
    {0, "\xff\xfb"sv, "audio/mpeg"},
    {0, "fLaC"sv, "audio/flac"},
    {0, "wOFF"sv, "font/woff"},
    {0, "wOF2"sv, "font/woff2"},
    {0, "PK\x03\x04"sv, "application/zip"},
    {0, "BZh"sv, "application/x-bzip2", 4, "1AY&SY"sv},
    {0, "\xfd"
        "7zXZ\0"sv,
     "application/x-xz"},
    {0, "7z\xbc\xaf\x27\x1c"sv, "application/x-7z-compressed"},
    {0, "Rar!\x1a\x07"sv, "application/vnd.rar"},
    {0, "\x04\x22\x4d\x18"sv, "application/x-lz4"},
};

bool stands(std::string_view value, std::size_t at, std::string_view bytes) noexcept {
    return value.size() >= at + bytes.size() && value.compare(at, bytes.size(), bytes) == 0;
}

}  // namespace

std::string_view packed_format(std::string_view value) noexcept {
    for (const Magic& one : formats)
        if (stands(value, one.at, one.bytes) && stands(value, one.more_at, one.more)) return one.type;
    // zlib's head: deflate with a window of 32 KB, one of the four levels, and a check of both bytes.
    if (value.size() > 8 && value[0] == '\x78') {
        const auto second = static_cast<unsigned char>(value[1]);
        if ((second == 0x01 || second == 0x5e || second == 0x9c || second == 0xda) && (0x7800u + second) % 31 == 0) return "application/zlib";
    }
    return {};
}

std::string_view value_type(std::string_view value) noexcept {
    if (const std::string_view packed = packed_format(value); !packed.empty()) return packed;
    const std::size_t begin = value.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return {};
    value.remove_prefix(begin);
    if (value.front() == '{' || value.front() == '[') return "application/json";
    for (const std::string_view html : {"<!DOCTYPE html"sv, "<!doctype html"sv, "<html"sv})
        if (value.starts_with(html)) return "text/html";
    if (value.starts_with("<svg")) return "image/svg+xml";
    if (value.starts_with("<?xml")) return value.substr(0, 512).find("<svg") != std::string_view::npos ? "image/svg+xml" : "application/xml";
    return {};
}

bool fits_type(std::string_view type, std::string_view pattern) noexcept {
    if (pattern.ends_with('*')) return type.starts_with(pattern.substr(0, pattern.size() - 1));
    return type == pattern;
}

}  // namespace larder
