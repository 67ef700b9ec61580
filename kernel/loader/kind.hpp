// kernel/loader/kind.hpp -- the seven kinds and their capabilities: words of manifests, numbers of
// the ABI.
#pragma once

#include <larder/plugin/plugin.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::loader {

enum class Kind : std::uint32_t {
    store = LARDER_KIND_STORE,
    compressor = LARDER_KIND_COMPRESSOR,
    warmer = LARDER_KIND_WARMER,
    invalidator = LARDER_KIND_INVALIDATOR,
    session = LARDER_KIND_SESSION,
    exporter = LARDER_KIND_EXPORTER,
    gateway = LARDER_KIND_GATEWAY,
};

std::string_view name_of(Kind kind);  // "store"
std::optional<Kind> kind_of(std::string_view name);
std::optional<Kind> kind_of(std::uint32_t number);

// The one table of capability words: "zero_copy" of a store is LARDER_STORE_CAP_ZERO_COPY.
struct Capability {
    Kind kind;
    std::string_view word;
    std::uint64_t bit;
};
std::span<const Capability> capabilities();
std::optional<std::uint64_t> capability(Kind kind, std::string_view word);
std::vector<std::string_view> capability_words(Kind kind, std::uint64_t caps);
std::uint64_t known_capabilities(Kind kind);

}  // namespace larder::loader
