// plugins/store_memory/page_heap.hpp -- runs of 4 KiB pages out of one reservation of addresses.
//
// The reservation costs addresses and no memory. Pages are handed out from its low end; free runs
// are joined with their neighbours and kept in bins by length, so that taking and giving is a few
// steps whatever the number of pages (boundary tags: D. Knuth, TAOCP 2.5; the bins: M. Masmano et
// al., "TLSF: a new dynamic memory allocator", ECRTS 2004). Each page has a record beside the
// reservation, which the arena above uses for the spans it makes of runs.
//
// Memory that is free stays with the process for the next run, of whatever size; trim() gives long
// free runs back to the system.
//
// Safe for many threads: one mutex, taken for a span or a large value, not for an entry.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace larder::store_memory {

class PageHeap {
  public:
    static constexpr std::size_t page_size = 4096;
    static constexpr std::uint32_t none = UINT32_MAX;

    // What a page is part of. Of a run, the first page's record counts.
    struct Page {
        std::uint32_t length = 0;  // Of the run; in a free run also in the last page.
        std::uint32_t next = none, prev = none;
        // The arena's.
        std::uint32_t free_list = none;
        std::uint16_t used = 0, fresh = 0;
        std::uint8_t stripe = 0;
        std::uint8_t sparse = 0;  // Being emptied: nothing new goes here.
        std::uint8_t state = 0;   // 0 nothing, 1 free, 2 in use.
    };

    // Reserves up to `bytes`, less where the system does not give that much. `map` and `unmap` are
    // the system's, but for tests.
    using Map = void* (*)(std::size_t bytes);
    PageHeap(std::size_t bytes, std::size_t least, bool huge, Map map) noexcept;
    ~PageHeap();
    PageHeap(const PageHeap&) = delete;
    PageHeap& operator=(const PageHeap&) = delete;

    // The first page of a run; none: there is none.
    std::uint32_t take(std::uint32_t pages) noexcept;
    // REQUIRES: `first` came from take, with as many pages.
    void give(std::uint32_t first) noexcept;

    std::byte* base() const noexcept { return base_; }
    std::byte* address(std::uint32_t page) const noexcept { return base_ + page * page_size; }
    std::uint32_t page_of(const std::byte* at) const noexcept {
        return static_cast<std::uint32_t>(static_cast<std::size_t>(at - base_) / page_size);
    }
    Page& page(std::uint32_t number) const noexcept { return pages_[number]; }
    // What is asked for every page, closely packed: the first page of its run, and what the arena
    // says that the run is.
    std::uint32_t first_of(const std::byte* at) const noexcept { return firsts_[page_of(at)]; }
    std::uint8_t kind_of(const std::byte* at) const noexcept { return kinds_[page_of(at)]; }
    void set_kind(std::uint32_t first, std::uint8_t kind) noexcept;
    std::uint32_t limit() const noexcept { return limit_; }

    // Makes the next 2 MiB that are in use one huge page; true: there may be more. Not when memory is
    // first touched, where a put would wait, for milliseconds, while the system makes room for one.
    // (MADV_COLLAPSE, Linux 6.1; before that the system does it in its own time.)
    bool make_huge() noexcept;
    // Gives free runs of 2 MiB and more back to the system, one at most. True: there may be more.
    bool trim() noexcept;
    std::uint64_t free_bytes() const noexcept;
    // What trim() gave back, over all time.
    std::uint64_t trimmed_bytes() const noexcept;
    // What was ever handed out, less what was given back: an upper bound of what is resident.
    std::uint64_t held_bytes() const noexcept;

  private:
    static constexpr unsigned bins = 128;
    static unsigned bin_of(std::uint32_t pages) noexcept;
    void link(std::uint32_t first, std::uint32_t length) noexcept;
    void unlink(std::uint32_t first) noexcept;

    void* memory_ = nullptr;
    std::byte* base_ = nullptr;
    Page* pages_ = nullptr;
    std::uint32_t* firsts_ = nullptr;
    std::uint8_t* kinds_ = nullptr;
    std::size_t reserved_ = 0, records_ = 0;
    std::uint32_t limit_ = 0;   // Pages there are.
    mutable std::mutex mutex_;  // Guards what follows, and the records of free pages.
    std::uint32_t top_ = 0;     // Pages from here on were never handed out.
    bool huge_ = false;
    std::uint32_t huge_to_ = 0;  // How far make_huge() has come.
    std::uint64_t free_pages_ = 0, trimmed_pages_ = 0;
    std::array<std::uint32_t, bins> first_;
    std::array<std::uint64_t, 2> filled_{};
};

}  // namespace larder::store_memory
