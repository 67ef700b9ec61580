// tests/unit/dsl/texts.hpp -- templates written as people write them, without the parser.
#pragma once

#include "dsl/template.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::dsl::test {

// `stock:{sku}:*` to a Template; captures are numbered in the order in which they first appear, or
// by their place in `variables`. No escapes.
inline Template text(std::string_view source, std::vector<std::string> variables = {}) {
    Template out;
    out.source = std::string(source);
    const auto literal = [&out](std::string_view part) {
        if (!part.empty()) out.pieces.push_back({Piece::Kind::literal, 0, std::string(part)});
    };
    std::size_t from = 0;
    for (std::size_t i = 0; i < source.size();) {
        if (source[i] == '{') {
            literal(source.substr(from, i - from));
            const std::size_t close = source.find('}', i);
            std::string name(source.substr(i + 1, close - i - 1));
            const bool rest = name.ends_with("...");
            if (rest) name.resize(name.size() - 3);
            std::size_t slot = 0;
            while (slot < variables.size() && variables[slot] != name) ++slot;
            if (slot == variables.size()) variables.push_back(name);
            out.pieces.push_back({rest ? Piece::Kind::rest : Piece::Kind::variable,
                                  static_cast<std::uint16_t>(slot), name});
            from = i = close + 1;
        } else if (source[i] == '*') {
            literal(source.substr(from, i - from));
            const bool deep = i + 1 < source.size() && source[i + 1] == '*';
            out.pieces.push_back({deep ? Piece::Kind::deep : Piece::Kind::star, 0, {}});
            from = i += deep ? 2 : 1;
        } else {
            ++i;
        }
    }
    literal(source.substr(from));
    return out;
}

}  // namespace larder::dsl::test
