// kernel/loader/quantity.hpp -- durations and sizes as people write them, in the units the ABI
// counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace larder::loader {

// "500ms", "30s", "5m", "2h", "1d", "1w", "1h30m" -> nanoseconds, units falling. Nullopt: not one,
// or longer than 292 years.
std::optional<std::int64_t> duration_ns(std::string_view text);

// "512B", "1KiB", "100MiB", "2GiB", "1TiB" (1024), "100KB", "1MB", "1GB", "1TB" (1000) -> bytes.
std::optional<std::int64_t> size_bytes(std::string_view text);

// Whole texts only: "8", "-1"; "0.5", "1e3".
std::optional<std::int64_t> whole_number(std::string_view text);
std::optional<double> real_number(std::string_view text);

}  // namespace larder::loader
