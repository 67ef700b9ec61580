// dsl/route_glob.hpp -- one route, compiled: what RouteTable falls back to and the checks reason
// about.
//
// A route is read segment by segment, and every segment carries the `/` before it. Whole segments
// say more than parts of one: `*` and `{x}` alone are one non-empty segment, `**` alone is any
// number of segments, none included (so "/x/**" matches "/x" and "/a/**/b" matches "/a/b"),
// `{rest...}` alone is one or more. Inside a segment `*` may be empty and `**` runs on across `/`.
//
// Where a text can be cut in several ways, captures take the shortest, from left to right. Failed
// (token, place) pairs are remembered, so each is tried once: no route and no path can make a match
// cost more than |tokens| * |text| tries.
#pragma once

#include "dsl/template.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl {

struct RouteToken {
    enum class Kind : std::uint8_t {
        literal,  // these bytes
        capture,  // one byte or more, no `/`, kept in `slot`
        segment,  // the same, not kept
        star,     // any bytes but `/`
        rest,     // one byte or more, kept
        deep,     // any bytes
        tail,     // nothing, or `/` and any bytes up to the end of a segment
    };
    Kind kind = Kind::literal;
    std::uint16_t slot = 0;
    std::string text;

    bool keeps() const { return kind == Kind::capture || kind == Kind::rest; }
    bool crosses() const { return kind == Kind::rest || kind == Kind::deep || kind == Kind::tail; }
};

using RouteSegment = std::vector<RouteToken>;

class RouteGlob {
  public:
    RouteGlob() = default;
    // `path`: literals are brought into the form normalise_path() gives requests; else they stand
    // as they are (names of events).
    RouteGlob(const Template& route, bool path);

    bool absolute() const { return absolute_; }
    const std::vector<RouteSegment>& segments() const { return segments_; }
    const std::vector<RouteToken>& tokens() const { return tokens_; }
    std::uint16_t captures() const { return captures_; }

    // Whether it matches all of `text`; captures[slot] are views into it. `captures` may be null.
    // Allocates nothing once warm. [hot]
    bool match(std::string_view text, std::string_view* captures) const;

  private:
    std::vector<RouteSegment> segments_;
    std::vector<RouteToken> tokens_;
    std::uint16_t captures_ = 0;
    bool absolute_ = false;
};

// Whether the tokens, which cross no `/`, match all of one segment.
bool segment_matches(const RouteSegment& tokens, std::string_view segment);

}  // namespace larder::dsl
