// dsl/route_glob.cpp -- reading routes into tokens, and matching one with its captures.
#include "dsl/route_glob.hpp"

#include "dsl/route_table.hpp"

#include <algorithm>
#include <array>

namespace larder::dsl {

namespace {

using Kind = RouteToken::Kind;

// Pieces cut at every `/` of their literals. The first entry is what stands before the first `/`.
std::vector<RouteSegment> cut(const Template& route, bool path) {
    std::vector<RouteSegment> out(1);
    const auto literal = [&out](std::string_view text) {
        if (text.empty()) return;
        RouteSegment& last = out.back();
        if (last.empty() || last.back().kind != Kind::literal)
            last.push_back({Kind::literal, 0, {}});
        last.back().text += text;
    };
    for (const Piece& p : route.pieces) {
        switch (p.kind) {
            case Piece::Kind::variable:
                out.back().push_back({Kind::capture, p.slot, {}});
                break;
            case Piece::Kind::rest:
                out.back().push_back({Kind::rest, p.slot, {}});
                break;
            case Piece::Kind::star:
                out.back().push_back({Kind::star, 0, {}});
                break;
            case Piece::Kind::deep:
                out.back().push_back({Kind::deep, 0, {}});
                break;
            case Piece::Kind::literal: {
                const std::string text = path ? normalise_literal(p.text) : p.text;
                std::size_t from = 0;
                for (std::size_t at; (at = text.find('/', from)) != std::string::npos;
                     from = at + 1) {
                    literal(std::string_view(text).substr(from, at - from));
                    out.emplace_back();
                }
                literal(std::string_view(text).substr(from));
                break;
            }
        }
    }
    return out;
}

bool is_tail(const RouteSegment& s) { return s.size() == 1 && s[0].kind == Kind::tail; }

// Remembers which (token, place) pairs failed. Small matches keep their bits on the stack.
class Failures {
  public:
    Failures(std::size_t tokens, std::size_t places) : row_(places) {
        const std::size_t words = (tokens * places + 63) / 64;
        if (words <= small_.size()) {
            bits_ = small_.data();
            std::fill_n(bits_, words, 0);
        } else {
            thread_local std::vector<std::uint64_t> large;
            large.assign(words, 0);
            bits_ = large.data();
        }
    }
    bool has(std::size_t token, std::size_t place) const {
        const std::size_t bit = token * row_ + place;
        return (bits_[bit / 64] >> (bit % 64) & 1) != 0;
    }
    void add(std::size_t token, std::size_t place) {
        const std::size_t bit = token * row_ + place;
        bits_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }

  private:
    std::size_t row_;
    std::uint64_t* bits_ = nullptr;
    std::array<std::uint64_t, 64> small_;
};

class Attempt {
  public:
    Attempt(const std::vector<RouteToken>& tokens, std::string_view text,
            std::string_view* captures)
        : tokens_(tokens),
          text_(text),
          captures_(captures),
          failures_(tokens.size(), text.size() + 1) {}

    bool from(std::size_t k, std::size_t at) {
        while (k < tokens_.size() && tokens_[k].kind == Kind::literal) {
            const std::string& literal = tokens_[k].text;
            if (text_.substr(at, literal.size()) != literal) return false;
            at += literal.size();
            ++k;
        }
        if (k == tokens_.size()) return at == text_.size();
        return tokens_[k].kind == Kind::tail ? tail(k, at) : run(k, at);
    }

  private:
    // A wildcard that fails from one place fails from every later place in its reach: all of them
    // are remembered, so no (token, place) is tried twice.
    bool tail(std::size_t k, std::size_t at) {
        if (failures_.has(k, at)) return false;
        if (from(k + 1, at)) return true;
        failures_.add(k, at);
        if (at == text_.size() || text_[at] != '/') return false;
        if (k + 1 == tokens_.size()) return true;
        for (std::size_t end = at; end != text_.size();) {
            end = std::min(text_.find('/', end + 1), text_.size());
            if (failures_.has(k, end)) return false;
            if (from(k + 1, end)) return true;
            failures_.add(k, end);
        }
        return false;
    }

    bool run(std::size_t k, std::size_t at) {
        if (failures_.has(k, at)) return false;
        const RouteToken& token = tokens_[k];
        const std::size_t least = token.kind == Kind::star || token.kind == Kind::deep ? 0 : 1;
        const std::size_t limit =
            token.crosses() ? text_.size() : std::min(text_.find('/', at), text_.size());
        const bool last = k + 1 == tokens_.size();
        if (last && limit != text_.size()) return false;
        for (std::size_t end = last ? std::max(limit, at + least) : at + least; end <= limit;
             ++end) {
            if (from(k + 1, end)) {
                if (captures_ && token.keeps()) captures_[token.slot] = text_.substr(at, end - at);
                return true;
            }
            if (failures_.has(k, end)) break;
            failures_.add(k, end);
        }
        failures_.add(k, at);
        return false;
    }

    const std::vector<RouteToken>& tokens_;
    std::string_view text_;
    std::string_view* captures_;
    Failures failures_;
};

}  // namespace

RouteGlob::RouteGlob(const Template& route, bool path) {
    std::vector<RouteSegment> cuts = cut(route, path);
    absolute_ = path || (cuts.size() > 1 && cuts.front().empty());
    if (absolute_ && cuts.front().empty()) cuts.erase(cuts.begin());
    for (RouteSegment& s : cuts) {
        if (path && s.empty()) continue;  // "//" and a "/" at the end, as in requests
        if (s.size() == 1 && s[0].kind == Kind::star) s[0].kind = Kind::segment;
        const bool slashed = absolute_ || !segments_.empty();
        if (slashed && s.size() == 1 && s[0].kind == Kind::deep) s[0].kind = Kind::tail;
        if (is_tail(s) && !segments_.empty() && is_tail(segments_.back())) continue;
        segments_.push_back(std::move(s));
    }
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        const RouteSegment& s = segments_[i];
        if (!is_tail(s) && (absolute_ || i > 0)) {
            if (tokens_.empty() || tokens_.back().kind != Kind::literal) {
                tokens_.push_back({Kind::literal, 0, {}});
            }
            tokens_.back().text += '/';
        }
        for (const RouteToken& t : s) {
            if (t.kind == Kind::literal && !tokens_.empty() && tokens_.back().kind == t.kind) {
                tokens_.back().text += t.text;
            } else {
                tokens_.push_back(t);
            }
            if (t.keeps() && t.slot >= captures_)
                captures_ = static_cast<std::uint16_t>(t.slot + 1);
        }
    }
    if (absolute_ && tokens_.empty()) tokens_.push_back({Kind::literal, 0, "/"});
}

bool RouteGlob::match(std::string_view text, std::string_view* captures) const {
    return Attempt(tokens_, text, captures).from(0, 0);
}

bool segment_matches(const RouteSegment& tokens, std::string_view segment) {
    return Attempt(tokens, segment, nullptr).from(0, 0);
}

}  // namespace larder::dsl
