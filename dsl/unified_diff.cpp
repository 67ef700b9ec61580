// dsl/unified_diff.cpp -- what changes between two texts.
//
// Myers, "An O(ND) Difference Algorithm and Its Variations" (Algorithmica 1986): the furthest point
// that d edits reach on each diagonal, for growing d. All rounds are kept for the way back, d^2 ints,
// so d has a bound; what is equal at both ends is cut off first.
#include "dsl/unified_diff.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace larder::dsl {
namespace {

constexpr int most_edits = 2000;
constexpr std::size_t context = 3;

using Lines = std::vector<std::string_view>;  // each with its newline, where it has one

Lines lines_of(std::string_view text) {
    Lines out;
    while (!text.empty()) {
        const std::size_t newline = text.find('\n');
        const std::size_t size = newline == std::string_view::npos ? text.size() : newline + 1;
        out.push_back(text.substr(0, size));
        text.remove_prefix(size);
    }
    return out;
}

// For each line whether it goes (of `before`) or is new (of `after`).
struct Edits {
    std::vector<bool> goes, is_new;
};

class Shortest {
  public:
    Shortest(const Lines& before, const Lines& after, std::size_t head, std::size_t tail)
        : a_(before.data() + head), b_(after.data() + head),
          n_(static_cast<int>(before.size() - head - tail)),
          m_(static_cast<int>(after.size() - head - tail)), head_(head) {}

    void mark(Edits& edits) {
        const int limit = std::min(n_ + m_, most_edits);
        std::vector<int> reach(2 * static_cast<std::size_t>(limit) + 3, 0);
        const auto at = [&](int k) -> int& { return reach[static_cast<std::size_t>(k + limit + 1)]; };
        for (int d = 0; d <= limit; ++d) {
            rounds_.push_back(reach);
            for (int k = -d; k <= d; k += 2) {
                int x = k == -d || (k != d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
                while (x < n_ && x - k < m_ && a_[x] == b_[x - k]) ++x;
                at(k) = x;
                if (x >= n_ && x - k >= m_) return walk_back(edits, d, limit);
            }
        }
        for (int i = 0; i < n_; ++i) edits.goes[head_ + static_cast<std::size_t>(i)] = true;
        for (int i = 0; i < m_; ++i) edits.is_new[head_ + static_cast<std::size_t>(i)] = true;
    }

  private:
    void walk_back(Edits& edits, int d, int limit) const {
        int x = n_;
        int y = m_;
        for (; d > 0; --d) {
            const std::vector<int>& reach = rounds_[static_cast<std::size_t>(d)];
            const auto at = [&](int k) { return reach[static_cast<std::size_t>(k + limit + 1)]; };
            const int k = x - y;
            const bool down = k == -d || (k != d && at(k - 1) < at(k + 1));
            const int from = down ? k + 1 : k - 1;
            x = at(from);
            y = x - from;
            if (down)
                edits.is_new[head_ + static_cast<std::size_t>(y)] = true;
            else
                edits.goes[head_ + static_cast<std::size_t>(x)] = true;
        }
    }

    const std::string_view* a_;
    const std::string_view* b_;
    int n_, m_;
    std::size_t head_;
    std::vector<std::vector<int>> rounds_;
};

Edits edits_of(const Lines& before, const Lines& after) {
    Edits edits{std::vector<bool>(before.size()), std::vector<bool>(after.size())};
    const std::size_t most = std::min(before.size(), after.size());
    std::size_t head = 0;
    while (head < most && before[head] == after[head]) ++head;
    std::size_t tail = 0;
    while (tail < most - head && before[before.size() - 1 - tail] == after[after.size() - 1 - tail])
        ++tail;
    Shortest(before, after, head, tail).mark(edits);
    return edits;
}

void append_line(std::string& out, char sign, std::string_view line) {
    (out += sign).append(line);
    if (!line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
}

// `5,3`, the way a hunk names its lines: counted from 1, the line before it when it has none.
std::string range(std::size_t begin, std::size_t size) {
    return std::to_string(size == 0 ? begin : begin + 1) + "," + std::to_string(size);
}

class Hunks {
  public:
    Hunks(const Lines& before, const Lines& after, const Edits& edits)
        : before_(before), after_(after), edits_(edits) {}

    std::string text() {
        std::string out;
        std::size_t a = 0, b = 0;
        while (a < before_.size() || b < after_.size()) {
            if (!changed(a, b)) {
                ++a, ++b;
                continue;
            }
            const std::size_t lead = std::min(context, std::min(a, b));
            hunk(out, a - lead, b - lead, a, b);
        }
        return out;
    }

  private:
    bool goes(std::size_t a) const { return a < before_.size() && edits_.goes[a]; }
    bool is_new(std::size_t b) const { return b < after_.size() && edits_.is_new[b]; }
    bool changed(std::size_t a, std::size_t b) const { return goes(a) || is_new(b); }

    // From (begin_a, begin_b) on, until more lines stay than two hunks would show; moves a and b behind.
    void hunk(std::string& out, std::size_t begin_a, std::size_t begin_b, std::size_t& a,
              std::size_t& b) {
        std::string body;
        for (std::size_t i = begin_a; i < a; ++i) append_line(body, ' ', before_[i]);
        for (;;) {
            while (goes(a)) append_line(body, '-', before_[a++]);
            while (is_new(b)) append_line(body, '+', after_[b++]);
            if (goes(a)) continue;
            std::size_t same = 0;
            while (same <= 2 * context && a + same < before_.size() && !changed(a + same, b + same))
                ++same;
            const bool ends = same > 2 * context || a + same >= before_.size();
            const bool more = !ends || is_new(b + same);
            const std::size_t shown = more ? same : std::min(same, context);
            for (std::size_t i = 0; i < shown; ++i) append_line(body, ' ', before_[a + i]);
            a += shown;
            b += shown;
            if (!more) break;
        }
        out += "@@ -" + range(begin_a, a - begin_a) + " +" + range(begin_b, b - begin_b) + " @@\n";
        out += body;
    }

    const Lines& before_;
    const Lines& after_;
    const Edits& edits_;
};

}  // namespace

std::string unified_diff(std::string_view name, std::string_view before, std::string_view after) {
    if (before == after) return {};
    const Lines a = lines_of(before);
    const Lines b = lines_of(after);
    const Edits edits = edits_of(a, b);
    return "--- " + std::string(name) + "\n+++ " + std::string(name) + "\n" +
           Hunks(a, b, edits).text();
}

}  // namespace larder::dsl
