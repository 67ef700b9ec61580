// dsl/automaton.hpp -- exact answers about patterns: can both match, does this cover that.
//
// Routes, keys and tags have no more than literals and four kinds of wildcard, so each is a small
// nondeterministic automaton over bytes. "Can both match?" walks pairs of states and is cheap; "is
// there a text that none of these match?" makes the second side deterministic on the way and gives
// up after a bound. An answer comes with a witness: a short text that shows it.
#pragma once

#include "dsl/route_glob.hpp"
#include "dsl/template.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace larder::dsl {

class Automaton {
  public:
    // The normalised paths a route matches.
    static Automaton of_route(const RouteGlob& route);
    // The texts a key, a tag or a `matching` pattern stands for: a variable is one byte or more
    // without `:`, a rest one or more, a star any.
    static Automaton of_text(const Template& text);

    struct Edge {
        enum class Takes : std::uint8_t { exactly, no_slash, no_colon, anything };
        Takes takes = Takes::exactly;
        char byte = 0;
        std::uint32_t to = 0;
        bool accepts(char c) const;
    };
    struct State {
        std::vector<Edge> edges;
        std::vector<std::uint32_t> silent;  // taken without a byte
    };

    const std::vector<State>& states() const { return states_; }
    std::uint32_t last() const { return static_cast<std::uint32_t>(states_.size() - 1); }
    // What every match begins with.
    const std::string& head() const { return head_; }

  private:
    std::uint32_t state();
    void edge(std::uint32_t from, Edge::Takes takes, char byte, std::uint32_t to);
    void silent(std::uint32_t from, std::uint32_t to);
    // Each appends to the automaton at `at` and returns where it goes on.
    std::uint32_t literal(std::uint32_t at, std::string_view bytes);
    std::uint32_t some(std::uint32_t at, Edge::Takes takes, bool may_be_empty);
    std::uint32_t segments(std::uint32_t at);
    void finish(std::uint32_t at);

    std::vector<State> states_;  // begins in 0, accepts in the last
    std::string head_;
    bool in_head_ = true;
};

// A short text that both match.
std::optional<std::string> both_match(const Automaton& a, const Automaton& b);
// Whether the heads already tell that no text is matched by both. Much cheaper than both_match().
bool heads_differ(std::string_view a, std::string_view b);

struct Coverage {
    std::optional<std::string> witness;  // matched by the first and by none of the others
    bool gave_up = false;                // too entangled to say
};
Coverage not_covered(const Automaton& a, std::span<const Automaton* const> by);

}  // namespace larder::dsl
