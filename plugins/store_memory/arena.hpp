// plugins/store_memory/arena.hpp -- blocks of any size for entries and index, referred to in 32
// bits.
//
// A reference counts in units of eight bytes from the start of the reservation: 32 GiB, and more
// with larger units where the capacity asks for it. Blocks of one size stand in spans of pages that
// hold nothing else: no header, no boundary tag. Sizes go up by one unit to 512 bytes, then by a
// sixteenth; what is too large for a sixteenth of a span has a run of pages of its own, so at most
// a page is lost. (Slabs: J. Bonwick, USENIX 1994; memcached's classes and their ceasing to fit
// when the sizes of values shift are what evacuation, below, is about.)
//
// An entry's head is aligned to a unit and its 4 bytes of sizes stand before it, so blocks of
// entries begin 4 bytes before a unit: 4 + 24 + 100 + 16 bytes are 144 and not 152.
//
// A span that is empty goes back to the page heap at once, for any class. Spans that stay half
// empty after sizes shifted are marked sparse: nothing new goes there, and whoever walks the index
// (table_tend.cpp) moves their entries.
//
// Stripes have a latch and spans of their own, so that two writers seldom meet.
#pragma once

#include "latch.hpp"
#include "page_heap.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace larder::store_memory {

class Arena {
  public:
    struct Options {
        std::uint64_t capacity = 0;
        std::uint32_t stripes = 1;        // A power of two, at most 64.
        std::uint64_t most_reserved = 0;  // 0: by the capacity.
        PageHeap::Map map = nullptr;      // nullptr: the system's.
    };
    explicit Arena(const Options& options);
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    std::byte* at(std::uint32_t ref) const noexcept {
        return base_ + (static_cast<std::uint64_t>(ref) << shift_);
    }
    std::uint32_t ref_of(const std::byte* at) const noexcept {
        return static_cast<std::uint32_t>(static_cast<std::uint64_t>(at - base_) >> shift_);
    }
    bool holds(const std::byte* at) const noexcept {
        return at >= base_ && static_cast<std::uint64_t>(at - base_) < reach_;
    }
    unsigned shift() const noexcept { return shift_; }
    // How much can be referred to.
    std::uint64_t reach() const noexcept { return reach_; }
    std::uint32_t stripes() const noexcept { return stripe_mask_ + 1; }

    // What a block of an entry takes, to the byte. `before` the head (at least 4) and `after` it.
    std::uint64_t entry_bytes(std::size_t before, std::size_t after) const noexcept;
    // What the block of an entry takes, without a look at it.
    std::uint32_t bytes_of(std::uint32_t ref) const noexcept {
        const std::byte* inside = at(ref);
        const std::uint8_t kind = heap_.kind_of(inside);
        return kind != large ? classes_[kind].size
                             : heap_.page(heap_.first_of(inside)).length *
                                   static_cast<std::uint32_t>(PageHeap::page_size);
    }
    // The head of a new block; 0: there is no memory.
    std::uint32_t take_entry(std::uint32_t stripe, std::size_t before, std::size_t after) noexcept;
    // The head of an entry of these sizes in the block of another that is no more; 0: they have not the
    // same class, or the block's span is being emptied, and it is still to be given back.
    std::uint32_t fit(std::uint32_t ref, std::size_t before, std::size_t after) const noexcept;
    // The least block of at least so many cache lines, in lines.
    static std::uint32_t index_lines(std::uint32_t lines) noexcept;
    static constexpr std::uint32_t most_index_lines = 128;
    // A block of exactly so many lines (a result of index_lines), aligned to a line; 0: none.
    std::uint32_t take_index(std::uint32_t stripe, std::uint32_t lines) noexcept;
    // Gives either back.
    void give(std::uint32_t ref) noexcept;

    // ---- evacuation
    // Marks spans that are less than half full in classes where an eighth is free, or less than three
    // quarters where a quarter is: one stripe a
    // call. How many.
    std::size_t mark_sparse(std::uint32_t stripe);
    // Whether the block stands in a marked span.
    bool is_sparse(std::uint32_t ref) const noexcept;
    // Ends an evacuation: what could not be emptied is in use again.
    void unmark() noexcept;

    // Bytes in spans that no block uses, and in runs: what fragmentation costs.
    std::uint64_t idle_bytes() const noexcept;
    PageHeap& pages() noexcept { return heap_; }
    const PageHeap& pages() const noexcept { return heap_; }

  private:
    static constexpr std::size_t line = 64;
    static constexpr std::uint8_t large = 255;
    static constexpr std::size_t finely = 2048;

    struct Class {
        std::uint32_t size, pages, blocks, offset;
    };
    struct alignas(64) Stripe {
        mutable Latch mutex;  // Guards what follows and the records of the stripe's spans.
        std::vector<std::uint32_t> partial;  // By class: a span with a free block, or none.
        std::vector<std::uint32_t> spans, used;
        std::vector<std::uint32_t> marked;
    };

    void make_classes(std::uint64_t capacity);
    void add_class(std::size_t size, std::size_t pages, std::size_t offset);
    // The class of a block of `bytes`; `large` where it has a run of its own.
    std::uint8_t class_of(std::size_t bytes) const noexcept;
    std::uint32_t large_pages(std::size_t bytes) const noexcept;
    // Where the block begins that `inside` points into.
    std::byte* block_of(const std::byte* inside, std::uint32_t span, const Class& c) const noexcept;
    std::byte* take_block(Stripe& stripe, std::uint32_t number, std::uint8_t kind) noexcept;
    void link(Stripe& stripe, std::uint32_t page, std::uint8_t kind) noexcept;
    void unlink(Stripe& stripe, std::uint32_t page, std::uint8_t kind) noexcept;
    std::size_t block_size(std::size_t before, std::size_t after) const noexcept {
        return 4 + up(before - 4) + up(after + 4) - 4;
    }
    std::size_t up(std::size_t bytes) const noexcept { return (bytes + unit_ - 1) & ~(unit_ - 1); }

    unsigned shift_;
    std::size_t unit_;
    std::uint32_t stripe_mask_;
    PageHeap heap_;
    std::byte* base_;
    std::uint64_t reach_;
    std::vector<Class> classes_;
    std::uint8_t entry_classes_ = 0;
    std::array<std::uint8_t, finely / 8 + 1> class_by_units_{};
    std::array<std::uint8_t, most_index_lines + 1> class_by_lines_{};
    std::unique_ptr<Stripe[]> all_;
};

}  // namespace larder::store_memory
