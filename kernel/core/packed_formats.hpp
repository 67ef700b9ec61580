// kernel/core/packed_formats.hpp -- values that are compressed already, known by their first bytes.
//
// Pictures, sound, video, archives and what gzip, brotli's users and others made: compressing them again costs time
// for nothing. Formats are told by the magic numbers of their specifications, so nobody has to say a content type;
// brotli has none. A value that begins so by chance is stored as it is, which is never wrong.
#pragma once

#include <string_view>

namespace larder {

// "image/png", "application/gzip"; empty: nothing known to be compressed.
std::string_view packed_format(std::string_view value) noexcept;

// The same, or what begins like a text of a known type: "application/json", "text/html", "image/svg+xml",
// "application/xml". Empty: not known.
std::string_view value_type(std::string_view value) noexcept;

// Whether a type fits one of a policy's, `image/*` or `image/png`.
bool fits_type(std::string_view type, std::string_view pattern) noexcept;

}  // namespace larder
