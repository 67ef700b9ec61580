// dsl/encoding.hpp -- is this text at all? UTF-8 without NUL, not longer than a policy may be.
#pragma once

#include "dsl/diagnostic.hpp"
#include "dsl/source.hpp"

#include <cstdint>
#include <vector>

namespace larder::dsl {

struct Encoding {
    std::vector<std::uint32_t> bad;  // ascending offsets in the SourceMap, one a line
    bool too_long = false;
};

// Reports into `found` at most `most` bad places, the first of each line; one pass.
Encoding check_encoding(const Source& source, std::size_t most, std::vector<Diagnostic>& found);

}  // namespace larder::dsl
