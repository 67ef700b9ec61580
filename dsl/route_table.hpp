// dsl/route_table.hpp -- which rules a request fires: all routes of a policy as one automaton.
//
// Order never matters: every rule whose route matches is reported. `{name}` and `*` match one segment
// or a part of one, `{name...}` and `**` the rest, `/` included; "/x/**" also matches "/x" (route_glob.hpp
// has the exact meaning). The path is taken normalised (see normalise_path): what is matched is what is
// keyed.
//
// A trie over segments; a node's literal edges are found by hash, its wildcard edges are few. Matching
// walks it without allocating and costs about the length of the path, not the number of rules.
#pragma once

#include "dsl/template.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl {

// HTTP methods as bits.
using MethodSet = std::uint16_t;
enum Method : MethodSet {
    method_get = 1, method_head = 2, method_post = 4, method_put = 8, method_patch = 16,
    method_delete = 32, method_options = 64, method_write = method_post | method_put | method_patch | method_delete,
};
// 0: not a method larder knows.
MethodSet method_of(std::string_view name);
std::string method_names(MethodSet set);

inline constexpr std::size_t max_captures = 16;

// The captures of one match: views into the path, see capture_value(). Only the first RouteMatch::count
// are there; the rest is memory nobody wrote, because sixteen empty views cost a match 25 ns.
class Captures {
  public:
    std::string_view* data() { return std::launder(reinterpret_cast<std::string_view*>(raw_)); }
    const std::string_view* data() const { return std::launder(reinterpret_cast<const std::string_view*>(raw_)); }
    std::string_view& operator[](std::size_t i) { return data()[i]; }
    std::string_view operator[](std::size_t i) const { return data()[i]; }
    const std::string_view* begin() const { return data(); }

  private:
    alignas(std::string_view) std::byte raw_[max_captures * sizeof(std::string_view)];
};

struct RouteMatch {
    RouteMatch() noexcept {}  // leaves captures alone
    std::uint32_t rule = 0;
    std::uint16_t count = 0;
    Captures captures;
};

// The matches of one request. Reused by its owner, so that matching allocates nothing once warm.
using RouteMatches = std::vector<RouteMatch>;

class RouteTable {
  public:
    RouteTable();
    ~RouteTable();
    RouteTable(RouteTable&&) noexcept;
    RouteTable& operator=(RouteTable&&) noexcept;

    // `methods` 0: matches whatever the method (events).
    void add(std::uint32_t rule, MethodSet methods, const Template& route);
    void finish();  // after the last add
    // Every rule that matches, in ascending number, each once. `path` must outlive `out`. [hot]
    void match(MethodSet method, std::string_view path, RouteMatches& out) const;

  private:
    struct Trie;
    std::unique_ptr<Trie> trie_;
};

// RFC 3986 6.2.2: escapes of what may stand in a path as it is are decoded, other escapes in upper
// case, what may not stand there escaped, dot segments removed, empty segments folded (a `/` at the
// end too), a query or fragment cut off. Returns `path` itself when it is normal already, else a view
// of `buffer`. Encoded slashes stay encoded: they are data.
std::string_view normalise_path(std::string_view path, std::string& buffer);
// The same spelling for a literal part of a route.
std::string normalise_literal(std::string_view text);
// What an application sees of a capture: all escapes decoded ("a%20b" is `a b`). This value, not the
// capture, goes into keys and tags. Returns `capture` itself when there is nothing to decode.
std::string_view capture_value(std::string_view capture, std::string& buffer);

}  // namespace larder::dsl
