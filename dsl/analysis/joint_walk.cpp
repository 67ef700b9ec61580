// dsl/analysis/joint_walk.cpp -- the walk: breadth first over sets of places, letters by what is
// named.
//
// All places of all automata are numbered through. What is reached silently is worked out once for
// each place; a set holds only places from which a byte leads on, and ends. Bytes that no edge of a
// set names behave alike, so one letter stands for them; it is another one in each segment, so that
// two captures of a witness are seldom the same text.
#include "dsl/analysis/joint_walk.hpp"

#include <algorithm>
#include <bitset>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace larder::dsl {
namespace {

using Takes = Automaton::Edge::Takes;
using Set = std::vector<std::uint32_t>;

// How much of a path has been read: what may come next, and whether it may end here.
enum class Reading : std::uint8_t { nothing, root, dot, dots, text, slash, percent, digit };

struct Advance {
    bool allowed = false;
    Reading to = Reading::nothing;
};

constexpr std::string_view hex_digits = "0123456789ABCDEF";

Advance advance(Reading at, char c) {
    const Reading inside = c == '%' ? Reading::percent : Reading::text;
    switch (at) {
        case Reading::nothing:
            return {c == '/', Reading::root};
        case Reading::root:
        case Reading::slash:
            return {c != '/', c == '.' ? Reading::dot : inside};
        case Reading::dot:
            return {c != '/', c == '.' ? Reading::dots : inside};
        case Reading::dots:
            return {c != '/', inside};
        case Reading::text:
            return {true, c == '/' ? Reading::slash : inside};
        case Reading::percent:
            return {hex_digits.find(c) != hex_digits.npos, Reading::digit};
        case Reading::digit:
            return {hex_digits.find(c) != hex_digits.npos, Reading::text};
    }
    return {};
}

bool may_end(Reading at) { return at == Reading::root || at == Reading::text; }

struct Place {
    Set set;
    Reading reading = Reading::nothing;
    std::uint32_t segments = 0;  // capped
    bool operator==(const Place&) const = default;
};

struct PlaceHash {
    std::size_t operator()(const Place& p) const {
        std::uint64_t h = (static_cast<std::uint64_t>(p.reading) << 32) + p.segments;
        for (const std::uint32_t at : p.set) {
            h = (h ^ at) * 0x9E3779B97F4A7C15ULL;
            h ^= h >> 29;
        }
        return h;
    }
};

class Walk {
  public:
    Walk(std::span<const Automaton* const> patterns, Texts texts, const JointBounds& bounds)
        : patterns_(patterns), paths_(texts == Texts::paths), bounds_(bounds) {
        std::uint32_t next = 0;
        for (std::uint32_t k = 0; k < patterns.size(); ++k) {
            first_.push_back(next);
            const auto count = static_cast<std::uint32_t>(patterns[k]->states().size());
            owner_.insert(owner_.end(), count, k);
            next += count;
        }
        closures_.resize(next);
        closed_.resize(next, 0);
        seen_.resize(next, 0);
    }

    JointWalk run() {
        begin();
        for (std::uint32_t at = 0; at < places_.size() && out_.complete; ++at) {
            note(at);
            follow(at);
        }
        out_.places = places_.size();
        return std::move(out_);
    }

  private:
    struct Way {
        std::uint32_t from = UINT32_MAX;
        std::uint32_t depth = 0;  // segments begun, not capped
        char byte = 0;
    };

    const Automaton::State& state(std::uint32_t at) const {
        return patterns_[owner_[at]]->states()[at - first_[owner_[at]]];
    }
    bool is_end(std::uint32_t at) const {
        return at - first_[owner_[at]] == patterns_[owner_[at]]->last();
    }

    // Everything that is reached from `at` without a byte and that matters.
    const Set& closure(std::uint32_t at) {
        if (closed_[at]) return closures_[at];
        Set ahead{at}, out;
        const std::uint32_t first = first_[owner_[at]];
        for (std::size_t k = 0; k < ahead.size(); ++k) {
            const Automaton::State& s = state(ahead[k]);
            if (!s.edges.empty() || is_end(ahead[k])) out.push_back(ahead[k]);
            for (const std::uint32_t to : s.silent) {
                const std::uint32_t next = first + to;
                if (std::find(ahead.begin(), ahead.end(), next) == ahead.end())
                    ahead.push_back(next);
            }
        }
        closed_[at] = 1;
        return closures_[at] = std::move(out);
    }

    void begin() {
        Place place;
        for (std::uint32_t k = 0; k < patterns_.size(); ++k) {
            const Set& from = closure(first_[k]);
            place.set.insert(place.set.end(), from.begin(), from.end());
        }
        std::sort(place.set.begin(), place.set.end());
        add(std::move(place), {});
    }

    void add(Place place, Way way) {
        const auto id = static_cast<std::uint32_t>(places_.size());
        const auto [it, fresh] = ids_.try_emplace(std::move(place), id);
        if (!fresh) return;
        places_.push_back(&it->first);
        ways_.push_back(way);
        if (places_.size() > bounds_.places) out_.complete = false;
    }

    void note(std::uint32_t at) {
        const Place& place = *places_[at];
        if (!may_end(place.reading)) return;
        Set accepted;
        for (const std::uint32_t p : place.set)
            if (is_end(p) && (accepted.empty() || accepted.back() != owner_[p]))
                accepted.push_back(owner_[p]);
        const std::uint32_t segments = accepted.empty() ? 0 : place.segments;
        if (accepted.empty()) none_found_ = true;
        const auto [it, fresh] = known_.try_emplace({std::move(accepted), segments}, at);
        if (!fresh) return;
        if (out_.words.size() == bounds_.words) {
            out_.complete = false;
            return;
        }
        out_.words.push_back({it->first.first, witness(at), ways_[at].depth});
    }

    std::string witness(std::uint32_t at) const {
        std::string out;
        for (; ways_[at].from != UINT32_MAX; at = ways_[at].from) out += ways_[at].byte;
        std::reverse(out.begin(), out.end());
        return out;
    }

    void follow(std::uint32_t at) {
        const Place& place = *places_[at];
        std::bitset<256> named;
        bool wild = false;
        for (const std::uint32_t p : place.set)
            for (const Automaton::Edge& e : state(p).edges) {
                if (e.takes == Takes::exactly)
                    named.set(static_cast<unsigned char>(e.byte));
                else
                    wild = true;
            }
        work_ += place.set.size();
        if (place.reading == Reading::percent || place.reading == Reading::digit)
            for (const char c : hex_digits) named.set(static_cast<unsigned char>(c));
        if (wild || !none_found_)
            if (const auto other = unnamed(named, ways_[at].depth)) step(at, *other);
        for (std::size_t c = 0; c < named.size(); ++c)
            if (named[c]) step(at, static_cast<char>(c));
        // Nothing else in the set names a `/`, but a path goes on after one.
        if (paths_ && !named['/'] && !none_found_) step(at, '/');
    }

    // A byte of plain paths that nobody names here.
    static std::optional<char> unnamed(const std::bitset<256>& named, std::uint32_t depth) {
        constexpr std::string_view letters =
            "xyzwvutsrqponmlkjihgfedcba0123456789_-~XYZWVUTSRQPONMLKJIHGFEDCBA!$&'()*+,;=:@";
        for (std::size_t k = 0; k < letters.size(); ++k) {
            const char c = letters[(k + depth) % letters.size()];
            if (!named[static_cast<unsigned char>(c)]) return c;
        }
        return std::nullopt;
    }

    void step(std::uint32_t at, char c) {
        const Place& from = *places_[at];
        Place to;
        Way way{at, ways_[at].depth, c};
        if (!paths_) {
            to.reading = Reading::text;
        } else {
            const Advance next = advance(from.reading, c);
            if (!next.allowed) return;
            to.reading = next.to;
            if (from.reading == Reading::root || from.reading == Reading::slash) ++way.depth;
            to.segments = std::min(way.depth, bounds_.segments);
        }
        ++stamp_;
        for (const std::uint32_t p : from.set) {
            for (const Automaton::Edge& e : state(p).edges) {
                if (!e.accepts(c)) continue;
                for (const std::uint32_t reached : closure(first_[owner_[p]] + e.to)) {
                    ++work_;
                    if (seen_[reached] == stamp_) continue;
                    seen_[reached] = stamp_;
                    to.set.push_back(reached);
                }
            }
        }
        work_ += from.set.size();
        if (work_ > bounds_.work) out_.complete = false;
        if (to.set.empty() && none_found_) return;
        std::sort(to.set.begin(), to.set.end());
        add(std::move(to), way);
    }

    std::span<const Automaton* const> patterns_;
    bool paths_;
    JointBounds bounds_;
    std::vector<std::uint32_t> first_, owner_;  // by pattern; by place
    std::vector<Set> closures_;
    std::vector<char> closed_;
    std::vector<std::uint32_t> seen_;
    std::uint32_t stamp_ = 0;
    std::unordered_map<Place, std::uint32_t, PlaceHash> ids_;
    std::vector<const Place*> places_;
    std::vector<Way> ways_;
    std::map<std::pair<Set, std::uint32_t>, std::uint32_t> known_;
    bool none_found_ = false;
    std::size_t work_ = 0;
    JointWalk out_;
};

}  // namespace

JointWalk walk_jointly(std::span<const Automaton* const> patterns, Texts texts,
                       const JointBounds& bounds) {
    return Walk(patterns, texts, bounds).run();
}

}  // namespace larder::dsl
