// dsl/automaton.cpp -- building automata from patterns, and walking several at once.
#include "dsl/automaton.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace larder::dsl {

namespace {

using Takes = Automaton::Edge::Takes;
constexpr std::size_t max_states = 50'000;  // of the deterministic side

}  // namespace

bool Automaton::Edge::accepts(char c) const {
    switch (takes) {
        case Takes::exactly:
            return c == byte;
        case Takes::no_slash:
            return c != '/';
        case Takes::no_colon:
            return c != ':';
        case Takes::anything:
            return true;
    }
    return false;
}

std::uint32_t Automaton::state() {
    states_.emplace_back();
    return static_cast<std::uint32_t>(states_.size() - 1);
}

void Automaton::edge(std::uint32_t from, Takes takes, char byte, std::uint32_t to) {
    states_[from].edges.push_back({takes, byte, to});
}

void Automaton::silent(std::uint32_t from, std::uint32_t to) { states_[from].silent.push_back(to); }

std::uint32_t Automaton::literal(std::uint32_t at, std::string_view bytes) {
    if (in_head_) head_ += bytes;
    for (const char c : bytes) {
        const std::uint32_t next = state();
        edge(at, Takes::exactly, c, next);
        at = next;
    }
    return at;
}

std::uint32_t Automaton::some(std::uint32_t at, Takes takes, bool may_be_empty) {
    in_head_ = false;
    const std::uint32_t inside = state(), out = state();
    edge(at, takes, 0, inside);
    edge(inside, takes, 0, inside);
    silent(inside, out);
    if (may_be_empty) silent(at, out);
    return out;
}

// One segment or more without the `/` before the first: no empty ones, and no `/` at the end,
// because a normalised path has neither.
std::uint32_t Automaton::segments(std::uint32_t at) {
    in_head_ = false;
    const std::uint32_t begin = state(), inside = state(), out = state();
    silent(at, begin);
    edge(begin, Takes::no_slash, 0, inside);
    edge(inside, Takes::no_slash, 0, inside);
    edge(inside, Takes::exactly, '/', begin);
    silent(inside, out);
    return out;
}

void Automaton::finish(std::uint32_t at) { silent(at, state()); }

Automaton Automaton::of_route(const RouteGlob& route) {
    using Kind = RouteToken::Kind;
    Automaton a;
    std::uint32_t at = a.state();
    for (std::size_t k = 0; k < route.tokens().size(); ++k) {
        const RouteToken& t = route.tokens()[k];
        switch (t.kind) {
            case Kind::literal:
                at = a.literal(at, t.text);
                break;
            case Kind::capture:
            case Kind::segment:
                at = a.some(at, Takes::no_slash, false);
                break;
            case Kind::star:
                at = a.some(at, Takes::no_slash, true);
                break;
            case Kind::rest:
                at = a.segments(at);
                break;
            case Kind::deep: {
                const std::uint32_t inside = a.some(at, Takes::no_slash, true);
                const std::uint32_t slash = a.state();
                a.edge(inside, Takes::exactly, '/', slash);
                a.silent(a.segments(slash), inside);
                at = inside;
                break;
            }
            case Kind::tail: {
                const std::uint32_t slash = a.state();
                a.edge(at, Takes::exactly, '/', slash);
                const std::uint32_t out = a.segments(slash);
                // "/**" alone is every path, and every path begins with a `/`.
                a.silent(route.tokens().size() == 1 ? slash : at, out);
                at = out;
                break;
            }
        }
    }
    a.finish(at);
    return a;
}

Automaton Automaton::of_text(const Template& text) {
    Automaton a;
    std::uint32_t at = a.state();
    for (const Piece& p : text.pieces) {
        switch (p.kind) {
            case Piece::Kind::literal:
                at = a.literal(at, p.text);
                break;
            case Piece::Kind::variable:
                at = a.some(at, Takes::no_colon, false);
                break;
            case Piece::Kind::rest:
                at = a.some(at, Takes::anything, false);
                break;
            case Piece::Kind::star:
            case Piece::Kind::deep:
                at = a.some(at, Takes::anything, true);
                break;
        }
    }
    a.finish(at);
    return a;
}

bool heads_differ(std::string_view a, std::string_view b) {
    const std::size_t n = std::min(a.size(), b.size());
    return a.substr(0, n) != b.substr(0, n);
}

namespace {

// A byte that both edges take.
std::optional<char> common_byte(const Automaton::Edge& a, const Automaton::Edge& b) {
    if (a.takes == Takes::exactly) return b.accepts(a.byte) ? std::optional(a.byte) : std::nullopt;
    if (b.takes == Takes::exactly) return a.accepts(b.byte) ? std::optional(b.byte) : std::nullopt;
    return 'x';
}

// How a search came to a place: from where, by which byte (0: silently).
struct Step {
    std::uint32_t from = UINT32_MAX;
    char byte = 0;
    bool seen = false;
};

template <class Steps>
std::string way_to(const Steps& steps, std::uint32_t at) {
    std::string out;
    for (; steps[at].from != UINT32_MAX; at = steps[at].from) {
        if (steps[at].byte != 0) out += steps[at].byte;
    }
    std::reverse(out.begin(), out.end());
    return out;
}

}  // namespace

std::optional<std::string> both_match(const Automaton& a, const Automaton& b) {
    if (heads_differ(a.head(), b.head())) return std::nullopt;
    const auto row = static_cast<std::uint32_t>(b.states().size());
    std::vector<Step> steps(a.states().size() * row);
    std::deque<std::uint32_t> ahead{0};
    steps[0].seen = true;
    const auto reach = [&](std::uint32_t from, std::uint32_t i, std::uint32_t j, char byte) {
        const std::uint32_t to = i * row + j;
        if (steps[to].seen) return;
        steps[to] = {from, byte, true};
        if (byte == 0) {
            ahead.push_front(to);  // costs nothing: short texts come first
        } else {
            ahead.push_back(to);
        }
    };
    while (!ahead.empty()) {
        const std::uint32_t at = ahead.front(), i = at / row, j = at % row;
        ahead.pop_front();
        if (i == a.last() && j == b.last()) return way_to(steps, at);
        for (const std::uint32_t to : a.states()[i].silent) reach(at, to, j, 0);
        for (const std::uint32_t to : b.states()[j].silent) reach(at, i, to, 0);
        for (const Automaton::Edge& x : a.states()[i].edges) {
            for (const Automaton::Edge& y : b.states()[j].edges) {
                if (const auto byte = common_byte(x, y)) reach(at, x.to, y.to, *byte);
            }
        }
    }
    return std::nullopt;
}

namespace {

// All the states the covering automata can be in after one text: (which, state), ascending.
using Positions = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

class Subtraction {
  public:
    Subtraction(const Automaton& a, std::span<const Automaton* const> by) : a_(a), by_(by) {
        for (const Automaton* b : by) letters_of(*b);
        letters_of(a);
        // A byte that nobody names stands for all bytes that nobody names.
        for (const char c : std::string_view("xyzwvutsrqponmlkjihgfedcbaXYZ_~")) {
            if (letters_.find(c) == std::string::npos) {
                letters_.insert(letters_.begin(), c);
                break;
            }
        }
    }

    Coverage run() {
        Positions first;
        for (std::uint32_t k = 0; k < by_.size(); ++k) first.emplace_back(k, 0);
        visit(UINT32_MAX, 0, 0, closed(std::move(first)));
        while (!todo_.empty()) {
            if (steps_.size() > max_states) return {std::nullopt, true};
            const std::uint32_t id = todo_.front();
            todo_.pop_front();
            const std::uint32_t at = places_[id]->first.first;
            const Positions& others = places_[id]->first.second;
            if (at == a_.last() && !accepted(others)) return {way_to(steps_, id), false};
            for (const std::uint32_t to : a_.states()[at].silent) visit(id, 0, to, others);
            for (const Automaton::Edge& e : a_.states()[at].edges) {
                if (e.takes == Takes::exactly) {
                    visit(id, e.byte, e.to, after(others, e.byte));
                    continue;
                }
                for (const char c : letters_) {
                    if (e.accepts(c)) visit(id, c, e.to, after(others, c));
                }
            }
        }
        return {};
    }

  private:
    void letters_of(const Automaton& a) {
        for (const Automaton::State& s : a.states()) {
            for (const Automaton::Edge& e : s.edges) {
                if (e.takes == Takes::exactly && letters_.find(e.byte) == std::string::npos) {
                    letters_ += e.byte;
                }
            }
        }
    }

    void visit(std::uint32_t from, char byte, std::uint32_t at, Positions others) {
        const auto [it, fresh] =
            seen_.try_emplace({at, std::move(others)}, static_cast<std::uint32_t>(steps_.size()));
        if (!fresh) return;
        places_.push_back(it);
        steps_.push_back({from, byte, true});
        if (byte == 0 && from != UINT32_MAX) {
            todo_.push_front(it->second);
        } else {
            todo_.push_back(it->second);
        }
    }

    Positions closed(Positions p) const {
        for (std::size_t i = 0; i < p.size(); ++i) {
            const auto [which, at] = p[i];
            for (const std::uint32_t to : by_[which]->states()[at].silent) {
                const std::pair<std::uint32_t, std::uint32_t> next{which, to};
                if (std::find(p.begin(), p.end(), next) == p.end()) p.push_back(next);
            }
        }
        std::sort(p.begin(), p.end());
        return p;
    }

    Positions after(const Positions& from, char c) const {
        Positions out;
        for (const auto& [which, at] : from) {
            for (const Automaton::Edge& e : by_[which]->states()[at].edges) {
                const std::pair<std::uint32_t, std::uint32_t> next{which, e.to};
                if (e.accepts(c) && std::find(out.begin(), out.end(), next) == out.end()) {
                    out.push_back(next);
                }
            }
        }
        return closed(std::move(out));
    }

    bool accepted(const Positions& p) const {
        return std::any_of(p.begin(), p.end(),
                           [this](const auto& at) { return at.second == by_[at.first]->last(); });
    }

    using Place = std::pair<std::uint32_t, Positions>;
    const Automaton& a_;
    std::span<const Automaton* const> by_;
    std::string letters_;
    std::map<Place, std::uint32_t> seen_;
    std::vector<std::map<Place, std::uint32_t>::iterator> places_;
    std::vector<Step> steps_;
    std::deque<std::uint32_t> todo_;
};

}  // namespace

Coverage not_covered(const Automaton& a, std::span<const Automaton* const> by) {
    return Subtraction(a, by).run();
}

}  // namespace larder::dsl
