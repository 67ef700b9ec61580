// dsl/pattern.cpp -- the ways in which a declared pattern matches one key.
//
// Two walks. The plain one serves patterns with one way at most (each capture runs up to a literal
// that begins with `:`, which no capture can contain, and a star only ends the pattern): one pass,
// no memory. The other goes piece by piece over the set of (place, captures so far), keeping only
// those from which the rest can still match. Different captures so far mean different ways in the
// end, so that set never holds more than max_bindings different ones before the answer is "too
// many": no pattern and no key can make it blow up.
#include "dsl/pattern.hpp"

#include <algorithm>
#include <utility>

namespace larder::dsl {

namespace {

using Kind = Piece::Kind;

bool captures(const Piece& p) { return p.kind == Kind::variable || p.kind == Kind::rest; }
bool stars(const Piece& p) { return p.kind == Kind::star || p.kind == Kind::deep; }

bool has_bounds(const std::vector<Piece>& pieces) {
    for (std::size_t k = 0; k < pieces.size(); ++k) {
        if (!captures(pieces[k])) continue;
        if (k + 1 < pieces.size() && pieces[k + 1].kind != Kind::literal) return false;
        if (k > 0 && pieces[k - 1].kind != Kind::literal) return false;
    }
    return true;
}

// Whether there is at most one way to match, found by going from left to right.
bool one_way(const std::vector<Piece>& pieces) {
    for (std::size_t k = 0; k < pieces.size(); ++k) {
        const bool last = k + 1 == pieces.size();
        if (stars(pieces[k]) && !last) return false;
        if (pieces[k].kind == Kind::rest && !last) return false;
        if (pieces[k].kind == Kind::variable && !last && !pieces[k + 1].text.starts_with(':')) {
            return false;
        }
    }
    return true;
}

void append(std::string& tuple, bool first, std::string_view value) {
    if (!first) tuple += '\x1f';
    tuple += value;
}

// The plain walk. REQUIRES: one_way(pieces).
bool bind_once(const std::vector<Piece>& pieces, std::string_view key, std::string& tuple) {
    std::size_t at = 0;
    bool first = true;
    for (const Piece& p : pieces) {
        if (p.kind == Kind::literal) {
            if (key.substr(at, p.text.size()) != p.text) return false;
            at += p.text.size();
        } else if (stars(p)) {
            return true;
        } else {
            const std::size_t colon = p.kind == Kind::rest ? key.npos : key.find(':', at);
            const std::size_t end = std::min(colon, key.size());
            if (end == at) return false;
            append(tuple, first, key.substr(at, end - at));
            first = false;
            at = end;
        }
    }
    return at == key.size();
}

// can[k * (n + 1) + i]: the pieces from k on can match the key from i on.
std::vector<char> what_can_match(const std::vector<Piece>& pieces, std::string_view key) {
    const std::size_t n = key.size(), row = n + 1;
    std::vector<char> can((pieces.size() + 1) * row, 0);
    can[pieces.size() * row + n] = 1;
    for (std::size_t k = pieces.size(); k-- > 0;) {
        const Piece& p = pieces[k];
        char* here = &can[k * row];
        const char* next = here + row;
        for (std::size_t i = row; i-- > 0;) {
            if (p.kind == Kind::literal) {
                here[i] = i + p.text.size() <= n && key.substr(i, p.text.size()) == p.text &&
                          next[i + p.text.size()];
            } else if (stars(p)) {
                here[i] = next[i] || (i < n && here[i + 1]);
            } else {
                const bool takes = i < n && (p.kind == Kind::rest || key[i] != ':');
                here[i] = takes && (next[i + 1] || here[i + 1]);
            }
        }
    }
    return can;
}

using Way = std::pair<std::size_t, std::string>;  // place in the key, captures so far

// The different captures of some ways, as long as they are few.
class Tuples {
  public:
    // False: that is one too many.
    bool add(const std::string& tuple) {
        if (std::find(seen_.begin(), seen_.end(), tuple) != seen_.end()) return true;
        if (seen_.size() == max_bindings) return false;
        seen_.push_back(tuple);
        return true;
    }

  private:
    std::vector<std::string> seen_;
};

// A star reaches every later place, so of the ways with equal captures only the first one counts.
std::vector<Way> past_star(std::string_view key, const char* next, const std::vector<Way>& ways) {
    std::vector<Way> firsts, out;
    for (const Way& w : ways) {
        const bool known = std::any_of(firsts.begin(), firsts.end(),
                                       [&w](const Way& f) { return f.second == w.second; });
        if (!known) firsts.push_back(w);
    }
    for (const Way& w : firsts) {
        for (std::size_t i = w.first; i <= key.size(); ++i) {
            if (next[i]) out.emplace_back(i, w.second);
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

// The ways one piece further, by place and then captures. False: more than max_bindings.
bool advance(const Piece& p, bool first, std::string_view key, const char* next,
             std::vector<Way>& ways) {
    if (stars(p)) {
        ways = past_star(key, next, ways);
        return true;
    }
    std::vector<Way> out;
    Tuples tuples;
    for (Way& w : ways) {
        if (p.kind == Kind::literal) {
            const std::size_t end = w.first + p.text.size();
            const bool fits = key.substr(w.first, p.text.size()) == p.text && next[end];
            if (fits) out.emplace_back(end, std::move(w.second));
            continue;
        }
        for (std::size_t i = w.first; i < key.size(); ++i) {
            if (p.kind == Kind::variable && key[i] == ':') break;
            if (!next[i + 1]) continue;
            std::string tuple = w.second;
            append(tuple, first, key.substr(w.first, i + 1 - w.first));
            if (!tuples.add(tuple)) return false;
            out.emplace_back(i + 1, std::move(tuple));
        }
    }
    std::sort(out.begin(), out.end());
    ways = std::move(out);
    return true;
}

}  // namespace

Pattern::Pattern(Template text) : text_(std::move(text)), bounded_(has_bounds(text_.pieces)) {}

bool Pattern::bindings(std::string_view key,
                       const std::function<void(std::string_view tuple)>& each) const {
    const std::vector<Piece>& pieces = text_.pieces;
    if (one_way(pieces)) {
        std::string tuple;
        if (bind_once(pieces, key, tuple)) each(tuple);
        return true;
    }
    const std::vector<char> can = what_can_match(pieces, key);
    if (!can[0]) return true;
    std::vector<Way> ways{{0, {}}};
    bool first = true;
    for (std::size_t k = 0; k < pieces.size(); ++k) {
        if (!advance(pieces[k], first, key, &can[(k + 1) * (key.size() + 1)], ways)) return false;
        if (captures(pieces[k])) first = false;
    }
    // Sorted by place, which is the same for all now: so sorted and different by captures.
    for (const Way& w : ways) each(w.second);
    return true;
}

std::string Pattern::tuple(std::span<const std::string_view> values) const {
    std::string out;
    bool first = true;
    for (const Piece& p : text_.pieces) {
        if (!captures(p)) continue;
        if (!first) out += '\x1f';
        first = false;
        if (p.slot >= values.size()) continue;
        if (p.kind == Kind::rest) {
            out += values[p.slot];
        } else {
            escape_to(values[p.slot], out);
        }
    }
    return out;
}

std::string Pattern::shape() const {
    std::string out;
    for (const Piece& p : text_.pieces) {
        switch (p.kind) {
            case Kind::literal:
                out += p.text;
                break;
            case Kind::variable:
                out += "{}";
                break;
            case Kind::rest:
                out += "{...}";
                break;
            case Kind::star:
            case Kind::deep:
                out += '*';
                break;
        }
    }
    return out;
}

bool glob_match(std::string_view glob, std::string_view text) {
    std::size_t g = 0, t = 0, star = glob.npos, mark = 0;
    while (t < text.size()) {
        if (g < glob.size() && glob[g] == '*') {
            star = g++;
            mark = t;
        } else if (g < glob.size() && glob[g] == text[t]) {
            ++g;
            ++t;
        } else if (star != glob.npos) {
            g = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (g < glob.size() && glob[g] == '*') ++g;
    return g == glob.size();
}

}  // namespace larder::dsl
