// plugins/store_memory/page_heap.cpp -- taking, joining and giving back runs of pages.
#include "page_heap.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <new>

namespace larder::store_memory {
namespace {

constexpr std::uint32_t huge_page_pages = 512, trim_pages = huge_page_pages;  // 2 MiB
constexpr int collapse = 25;  // MADV_COLLAPSE, which older headers lack.
constexpr std::uint8_t is_free = 1, is_used = 2;

void* reserved(std::size_t bytes) noexcept {
    void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? nullptr : at;
}

}  // namespace

PageHeap::PageHeap(std::size_t bytes, std::size_t least, bool huge, Map map) noexcept {
    first_.fill(none);
    map = map != nullptr ? map : &reserved;
    // Two MiB more, so that the first page can be made to begin a huge one.
    constexpr std::size_t huge_page = std::size_t{2} << 20;
    for (; bytes >= least; bytes /= 2) {
        reserved_ = bytes + huge_page;
        const std::size_t count = bytes / page_size;
        records_ = count * (sizeof(Page) + sizeof(std::uint32_t) + sizeof(std::uint8_t));
        void* memory = map(reserved_);
        if (memory == nullptr) {
            continue;
        }
        void* records = reserved(records_);
        if (records == nullptr) {
            ::munmap(memory, reserved_);
            continue;
        }
        const auto start = reinterpret_cast<std::uintptr_t>(memory);
        base_ = static_cast<std::byte*>(memory) + ((huge_page - start % huge_page) % huge_page);
        pages_ = static_cast<Page*>(records);
        firsts_ = reinterpret_cast<std::uint32_t*>(pages_ + count);
        kinds_ = reinterpret_cast<std::uint8_t*>(firsts_ + count);
        limit_ = static_cast<std::uint32_t>(count);
        memory_ = memory;
        huge_ = huge;
        return;
    }
}

PageHeap::~PageHeap() {
    if (base_ != nullptr) {
        ::munmap(memory_, reserved_);
        ::munmap(pages_, records_);
    }
}

// Exact up to 31 pages, then eight bins to a doubling.
unsigned PageHeap::bin_of(std::uint32_t pages) noexcept {
    if (pages < 32) {
        return pages;
    }
    const auto log = static_cast<unsigned>(31 - std::countl_zero(pages));
    return std::min(bins - 1, 32 + (log - 5) * 8 + (pages >> (log - 3) & 7));
}

void PageHeap::link(std::uint32_t first, std::uint32_t length) noexcept {
    const unsigned bin = bin_of(length);
    Page& page = pages_[first];
    page.state = is_free;
    firsts_[first] = first;
    page.length = length;
    page.used = 0;
    page.prev = none;
    page.next = first_[bin];
    if (page.next != none) {
        pages_[page.next].prev = first;
    }
    first_[bin] = first;
    filled_[bin / 64] |= std::uint64_t{1} << bin % 64;
    Page& last = pages_[first + length - 1];
    last.state = is_free;
    firsts_[first + length - 1] = first;
    last.length = length;
    free_pages_ += length;
}

void PageHeap::unlink(std::uint32_t first) noexcept {
    Page& page = pages_[first];
    const unsigned bin = bin_of(page.length);
    if (page.prev != none) {
        pages_[page.prev].next = page.next;
    } else {
        first_[bin] = page.next;
        if (page.next == none) {
            filled_[bin / 64] &= ~(std::uint64_t{1} << bin % 64);
        }
    }
    if (page.next != none) {
        pages_[page.next].prev = page.prev;
    }
    free_pages_ -= page.length;
}

std::uint32_t PageHeap::take(std::uint32_t pages) noexcept {
    const std::lock_guard lock(mutex_);
    std::uint32_t found = none;
    // A run of the next bin is long enough whatever its length; one of the same bin may be.
    const unsigned own = bin_of(pages);
    unsigned tries = 0;
    for (std::uint32_t at = first_[own]; at != none && tries < 8; at = pages_[at].next, ++tries) {
        if (pages_[at].length >= pages) {
            found = at;
            break;
        }
    }
    if (found == none && own + 1 < bins) {
        const unsigned bin = own + 1;
        std::uint64_t here = filled_[bin / 64] & ~std::uint64_t{0} << bin % 64;
        unsigned word = bin / 64;
        if (here == 0 && word == 0) {
            word = 1;
            here = filled_[1];
        }
        // Beyond 2^17 pages one bin holds different lengths: see above.
        if (here != 0) {
            const unsigned best = word * 64 + static_cast<unsigned>(std::countr_zero(here));
            if (pages_[first_[best]].length >= pages) {
                found = first_[best];
            }
        }
    }
    std::uint32_t length = 0;
    if (found != none) {
        length = pages_[found].length;
        unlink(found);
    } else {
        if (limit_ - top_ < pages) {
            return none;
        }
        found = top_;
        length = pages;
        top_ += pages;
    }
    if (length > pages) {
        link(found + pages, length - pages);
    }
    Page& page = pages_[found];
    page = Page{};
    page.state = is_used;
    page.length = pages;
    for (std::uint32_t i = 0; i < pages; ++i) {
        firsts_[found + i] = found;
    }
    pages_[found + pages - 1].state = is_used;
    return found;
}

void PageHeap::give(std::uint32_t first) noexcept {
    const std::lock_guard lock(mutex_);
    std::uint32_t length = pages_[first].length;
    if (first > 0 && pages_[first - 1].state == is_free) {
        const std::uint32_t before = firsts_[first - 1];
        unlink(before);
        length += pages_[before].length;
        pages_[first - 1].state = pages_[first].state = 0;
        first = before;
    }
    const std::uint32_t behind = first + length;
    if (behind < top_ && pages_[behind].state == is_free) {
        unlink(behind);
        length += pages_[behind].length;
        pages_[behind - 1].state = pages_[behind].state = 0;
    }
    link(first, length);
}

void PageHeap::set_kind(std::uint32_t first, std::uint8_t kind) noexcept {
    std::fill_n(kinds_ + first, pages_[first].length, kind);
}

bool PageHeap::make_huge() noexcept {
    std::uint32_t first = 0;
    {
        const std::lock_guard lock(mutex_);
        first = huge_to_;
        if (!huge_ || top_ - first < huge_page_pages) {
            return false;
        }
        huge_to_ += huge_page_pages;
        const Page& run = pages_[firsts_[first]];
        if (run.state == is_free && firsts_[first] + run.length >= huge_to_) {
            return true;
        }
    }
    if (::madvise(address(first), huge_page_pages * page_size, collapse) != 0 && errno == EINVAL) {
        ::madvise(base_, std::size_t{limit_} * page_size, MADV_HUGEPAGE);
        const std::lock_guard lock(mutex_);
        huge_ = false;
    }
    return true;
}

bool PageHeap::trim() noexcept {
    std::uint32_t first = none, length = 0;
    {
        // Taken out while the system works on it, which takes longer than a lock should be held.
        const std::lock_guard lock(mutex_);
        for (unsigned bin = bins; bin-- > bin_of(trim_pages) && first == none;) {
            for (std::uint32_t at = first_[bin]; at != none && first == none;
                 at = pages_[at].next) {
                // `used` of a free run says that it was trimmed.
                if (pages_[at].length >= trim_pages && pages_[at].used == 0) {
                    first = at;
                    length = trim_pages;
                }
            }
        }
        if (first == none) {
            return false;
        }
        const std::uint32_t whole = pages_[first].length;
        unlink(first);
        if (whole > length) {
            link(first + length, whole - length);
        }
        pages_[first].state = pages_[first + length - 1].state = is_used;
        pages_[first].length = length;
    }
    ::madvise(address(first), length * page_size, MADV_DONTNEED);
    const std::lock_guard lock(mutex_);
    link(first, length);
    pages_[first].used = 1;
    trimmed_pages_ += length;
    huge_to_ = std::min(huge_to_, first / huge_page_pages * huge_page_pages);
    return true;
}

std::uint64_t PageHeap::free_bytes() const noexcept {
    const std::lock_guard lock(mutex_);
    return free_pages_ * page_size;
}

std::uint64_t PageHeap::trimmed_bytes() const noexcept {
    const std::lock_guard lock(mutex_);
    return trimmed_pages_ * page_size;
}

std::uint64_t PageHeap::held_bytes() const noexcept {
    const std::lock_guard lock(mutex_);
    return top_ * page_size;
}

}  // namespace larder::store_memory
