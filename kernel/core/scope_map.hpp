// kernel/core/scope_map.hpp -- what is known of each scope, in one array.
//
// A read of a shared store looks up every scope of its entry, so this is on its way: open addressing
// with linear probing, one line of memory for most look-ups, and no tombstones, since what stands behind
// an erased cell moves up (Knuth, TAOCP 3, 6.4, algorithm R). A std::unordered_map cost three lines and a
// division. Scopes are hashes already; the salt keeps whoever chooses tags from choosing cells.
#pragma once

#include "kernel/core/records.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace larder {

// From scopes, which are never 0, to values. At most half full; grows, and never shrinks. A pointer to a
// value is good until the next emplace or erase. For one thread at a time.
template <class Value>
class ScopeMap {
  public:
    explicit ScopeMap(std::uint64_t salt) : salt_(salt | 1), cells_(least) {}

    std::size_t size() const noexcept { return size_; }
    bool contains(ScopeId scope) const noexcept { return cells_[place_of(scope)].scope == scope; }
    const Value* find(ScopeId scope) const noexcept {
        const Cell& cell = cells_[place_of(scope)];
        return cell.scope == scope ? &cell.value : nullptr;
    }
    Value* find(ScopeId scope) noexcept { return const_cast<Value*>(std::as_const(*this).find(scope)); }

    // Does nothing when there is one already.
    void emplace(ScopeId scope, Value value) {
        if ((size_ + 1) * 2 > cells_.size()) grow();
        Cell& cell = cells_[place_of(scope)];
        if (cell.scope == scope) return;
        cell = {scope, std::move(value)};
        ++size_;
    }

    void erase(ScopeId scope) noexcept {
        std::size_t hole = place_of(scope);
        if (cells_[hole].scope != scope) return;
        --size_;
        for (std::size_t at = next(hole); cells_[at].scope != 0; at = next(at)) {
            // One whose search begins behind the hole would not be found in it.
            if (distance(home(cells_[at].scope), at) < distance(hole, at)) continue;
            cells_[hole] = std::move(cells_[at]);
            hole = at;
        }
        cells_[hole] = Cell{};
    }

    // One of those there are, another each time. REQUIRES: size() > 0
    ScopeId any() noexcept {
        do hand_ = next(hand_);
        while (cells_[hand_].scope == 0);
        return cells_[hand_].scope;
    }

  private:
    struct Cell {
        ScopeId scope = 0;
        Value value{};
    };
    static constexpr std::size_t least = 16;

    std::size_t home(ScopeId scope) const noexcept {
        return static_cast<std::size_t>((scope * salt_) >> (64 - std::bit_width(cells_.size() - 1)));
    }
    std::size_t next(std::size_t at) const noexcept { return (at + 1) & (cells_.size() - 1); }
    std::size_t distance(std::size_t from, std::size_t to) const noexcept { return (to - from) & (cells_.size() - 1); }
    // Where it stands, or would.
    std::size_t place_of(ScopeId scope) const noexcept {
        std::size_t at = home(scope);
        while (cells_[at].scope != 0 && cells_[at].scope != scope) at = next(at);
        return at;
    }
    void grow() {
        std::vector<Cell> old(cells_.size() * 2);
        old.swap(cells_);
        for (Cell& cell : old)
            if (cell.scope != 0) cells_[place_of(cell.scope)] = std::move(cell);
    }

    std::uint64_t salt_;
    std::vector<Cell> cells_;  // a power of two of them; scope 0: empty
    std::size_t size_ = 0, hand_ = 0;
};

}  // namespace larder
