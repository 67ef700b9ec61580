// plugins/store_memory/arena.cpp -- size classes, their spans, and who is asked for a block.
#include "arena.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) static_cast<void>(0)
#define ASAN_UNPOISON_MEMORY_REGION(at, size) static_cast<void>(0)
#endif

namespace larder::store_memory {
namespace {

constexpr std::uint64_t kib = 1024, mib = kib * 1024;
constexpr std::uint32_t none = PageHeap::none;

// Units large enough that 32 bits reach four thirds of the capacity, and for a usual capacity much
// more: it may be raised later.
unsigned shift_for(std::uint64_t capacity) noexcept {
    unsigned shift = 3;
    while (shift < 12 && (std::uint64_t{1} << (32 + shift)) / 4 * 3 < capacity) {
        ++shift;
    }
    return shift;
}

// Read without the lock by those who walk the index.
std::atomic_ref<std::uint8_t> sparse(PageHeap::Page& page) noexcept {
    return std::atomic_ref<std::uint8_t>(page.sparse);
}

std::uint64_t reserve_for(const Arena::Options& o, unsigned shift) noexcept {
    const std::uint64_t most = std::uint64_t{1} << (32 + shift);
    return o.most_reserved != 0 ? std::min(o.most_reserved, most) : most;
}

}  // namespace

Arena::Arena(const Options& o)
    : shift_(shift_for(o.capacity)),
      unit_(std::size_t{1} << shift_),
      stripe_mask_(o.stripes - 1),
      heap_(reserve_for(o, shift_), 16 * PageHeap::page_size, o.capacity >= 64 * mib, o.map),
      base_(heap_.base()),
      reach_(std::uint64_t{heap_.limit()} * PageHeap::page_size),
      all_(std::make_unique<Stripe[]>(o.stripes)) {
    make_classes(o.capacity);
    for (std::uint32_t i = 0; i <= stripe_mask_; ++i) {
        all_[i].partial.assign(classes_.size(), none);
        all_[i].spans.assign(classes_.size(), 0);
        all_[i].used.assign(classes_.size(), 0);
    }
    // Reference 0 means none.
    static_cast<void>(heap_.take(1));
}

void Arena::add_class(std::size_t size, std::size_t pages, std::size_t offset) {
    const auto bytes = pages * PageHeap::page_size;
    classes_.push_back({static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(pages),
                        static_cast<std::uint32_t>((bytes - offset) / size),
                        static_cast<std::uint32_t>(offset)});
}

// Small tables have short spans, so that classes of which little is used cost little.
void Arena::make_classes(std::uint64_t capacity) {
    const std::size_t small_span = capacity >= 16 * mib ? 64 * kib
                                   : capacity >= mib    ? 16 * kib
                                                        : 4 * kib;
    const std::size_t wide_span = capacity >= 128 * mib ? 512 * kib : 2 * small_span;
    const std::size_t fewest = capacity >= 128 * mib ? 16 : 4;
    const std::size_t offset = unit_ - 4;
    const std::size_t small_most = small_span / 32;
    std::size_t size = std::max<std::size_t>(32, unit_);
    for (; size <= small_most;
         size += size < 512 ? unit_ : std::max(unit_, std::bit_floor(size) / 16)) {
        add_class(size, small_span / PageHeap::page_size, offset);
    }
    // From here on sizes are what a span divides into, at most a sixteenth apart where it can be.
    const std::size_t last = classes_.back().size;
    std::size_t parts = (wide_span - offset) / (last + 1);
    while (parts >= fewest) {
        const std::size_t part = (wide_span - offset) / parts & ~(unit_ - 1);
        if (part > classes_.back().size) {
            add_class(part, wide_span / PageHeap::page_size, offset);
        }
        parts -= std::max<std::size_t>(1, parts / 16);
    }
    entry_classes_ = static_cast<std::uint8_t>(classes_.size());
    std::uint8_t at = 0;
    for (std::size_t units = 0; units < class_by_units_.size(); ++units) {
        while (at < entry_classes_ && classes_[at].size < units * 8) {
            ++at;
        }
        class_by_units_[units] = at < entry_classes_ ? at : large;
    }
    for (std::uint32_t lines = 2; lines <= most_index_lines; ++lines) {
        if (index_lines(lines) == lines) {
            class_by_lines_[lines] = static_cast<std::uint8_t>(classes_.size());
            const std::size_t span = std::max(small_span, std::bit_ceil(lines * line * 4));
            add_class(lines * line, span / PageHeap::page_size, 0);
        }
    }
}

std::uint8_t Arena::class_of(std::size_t bytes) const noexcept {
    if (bytes <= finely) [[likely]] {
        return class_by_units_[(bytes + 7) / 8];
    }
    const auto begin = classes_.begin(), end = begin + entry_classes_;
    const auto at = std::lower_bound(
        begin, end, bytes, [](const Class& c, std::size_t wanted) { return c.size < wanted; });
    return at == end ? large : static_cast<std::uint8_t>(at - begin);
}

std::uint32_t Arena::large_pages(std::size_t bytes) const noexcept {
    return static_cast<std::uint32_t>((bytes + unit_ - 4 + PageHeap::page_size - 1) /
                                      PageHeap::page_size);
}

std::uint64_t Arena::entry_bytes(std::size_t before, std::size_t after) const noexcept {
    const std::size_t bytes = block_size(before, after);
    const std::uint8_t kind = class_of(bytes);
    return kind == large ? std::uint64_t{large_pages(bytes)} * PageHeap::page_size
                         : classes_[kind].size;
}

std::uint32_t Arena::index_lines(std::uint32_t lines) noexcept {
    if (lines <= 16) {
        return std::max(lines, 2u);
    }
    const std::uint32_t step = std::bit_ceil(lines) / 16;
    return (lines + step - 1) / step * step;
}

void Arena::link(Stripe& stripe, std::uint32_t number, std::uint8_t kind) noexcept {
    PageHeap::Page& page = heap_.page(number);
    std::uint32_t& first = stripe.partial[kind];
    page.prev = none;
    page.next = first;
    if (first != none) {
        heap_.page(first).prev = number;
    }
    first = number;
}

void Arena::unlink(Stripe& stripe, std::uint32_t number, std::uint8_t kind) noexcept {
    const PageHeap::Page& page = heap_.page(number);
    if (page.prev != none) {
        heap_.page(page.prev).next = page.next;
    } else {
        stripe.partial[kind] = page.next;
    }
    if (page.next != none) {
        heap_.page(page.next).prev = page.prev;
    }
}

std::byte* Arena::take_block(Stripe& stripe, std::uint32_t number, std::uint8_t kind) noexcept {
    const Class& c = classes_[kind];
    const std::lock_guard lock(stripe.mutex);
    std::uint32_t span = stripe.partial[kind];
    if (span == none) {
        span = heap_.take(c.pages);
        if (span == none) {
            return nullptr;
        }
        PageHeap::Page& fresh = heap_.page(span);
        heap_.set_kind(span, kind);
        fresh.stripe = static_cast<std::uint8_t>(number);
        link(stripe, span, kind);
        ++stripe.spans[kind];
    }
    PageHeap::Page& page = heap_.page(span);
    std::byte* const first = heap_.address(span) + c.offset;
    std::byte* block = nullptr;
    if (page.free_list != none) {
        block = first + std::size_t{page.free_list} * c.size;
        ASAN_UNPOISON_MEMORY_REGION(block, c.size);
        std::memcpy(&page.free_list, block, sizeof page.free_list);
    } else {
        block = first + std::size_t{page.fresh++} * c.size;
        ASAN_UNPOISON_MEMORY_REGION(block, c.size);
    }
    ++stripe.used[kind];
    if (++page.used == c.blocks) {
        unlink(stripe, span, kind);
    }
    return block;
}

std::uint32_t Arena::take_entry(std::uint32_t stripe, std::size_t before,
                                std::size_t after) noexcept {
    const std::size_t bytes = block_size(before, after);
    const std::uint8_t kind = class_of(bytes);
    std::byte* block = nullptr;
    if (kind == large) [[unlikely]] {
        const std::uint32_t run = base_ == nullptr ? none : heap_.take(large_pages(bytes));
        if (run == none) {
            return 0;
        }
        heap_.set_kind(run, large);
        block = heap_.address(run) + unit_ - 4;
        ASAN_UNPOISON_MEMORY_REGION(block, bytes);
    } else {
        const std::uint32_t number = stripe & stripe_mask_;
        block = base_ == nullptr ? nullptr : take_block(all_[number], number, kind);
        if (block == nullptr) {
            return 0;
        }
    }
    return ref_of(block + 4 + up(before - 4));
}

std::byte* Arena::block_of(const std::byte* inside, std::uint32_t span,
                           const Class& c) const noexcept {
    std::byte* const first = heap_.address(span) + c.offset;
    return first + std::size_t{static_cast<std::uint32_t>(inside - first) / c.size} * c.size;
}

std::uint32_t Arena::fit(std::uint32_t ref, std::size_t before, std::size_t after) const noexcept {
    const std::byte* const inside = at(ref);
    const std::uint8_t kind = class_of(block_size(before, after));
    if (kind == large || kind != heap_.kind_of(inside)) {
        return 0;
    }
    const std::uint32_t span = heap_.first_of(inside);
    if (sparse(heap_.page(span)).load(std::memory_order_relaxed) != 0) {
        return 0;
    }
    return ref_of(block_of(inside, span, classes_[kind]) + 4 + up(before - 4));
}

std::uint32_t Arena::take_index(std::uint32_t stripe, std::uint32_t lines) noexcept {
    const std::uint32_t number = stripe & stripe_mask_;
    std::byte* block =
        base_ == nullptr ? nullptr : take_block(all_[number], number, class_by_lines_[lines]);
    return block == nullptr ? 0 : ref_of(block);
}

void Arena::give(std::uint32_t ref) noexcept {
    std::byte* const inside = at(ref);
    const std::uint32_t span = heap_.first_of(inside);
    const std::uint8_t kind = heap_.kind_of(inside);
    PageHeap::Page& page = heap_.page(span);
    if (kind == large) {
        ASAN_POISON_MEMORY_REGION(heap_.address(span), page.length * PageHeap::page_size);
        heap_.give(span);
        return;
    }
    const Class& c = classes_[kind];
    Stripe& stripe = all_[page.stripe];
    const std::lock_guard lock(stripe.mutex);
    std::byte* const block = block_of(inside, span, c);
    const auto number =
        static_cast<std::uint32_t>(block - heap_.address(span) - c.offset) / c.size;
    std::memcpy(block, &page.free_list, sizeof page.free_list);
    ASAN_POISON_MEMORY_REGION(block, c.size);
    page.free_list = number;
    --stripe.used[kind];
    const bool was_full = page.used == c.blocks;
    if (--page.used == 0) {
        if (!was_full && page.sparse == 0) {
            unlink(stripe, span, kind);
        }
        if (page.sparse != 0) {
            std::erase(stripe.marked, span);
        }
        --stripe.spans[kind];
        ASAN_UNPOISON_MEMORY_REGION(heap_.address(span), c.pages * PageHeap::page_size);
        heap_.give(span);
    } else if (was_full && page.sparse == 0) {
        link(stripe, span, kind);
    }
}

// ---- evacuation

std::size_t Arena::mark_sparse(std::uint32_t number) {
    constexpr std::size_t most_spans = 1024;
    Stripe& stripe = all_[number];
    const std::lock_guard lock(stripe.mutex);
    for (std::uint8_t kind = 0; kind < entry_classes_; ++kind) {
        const Class& c = classes_[kind];
        const std::uint64_t room = std::uint64_t{stripe.spans[kind]} * c.blocks;
        const std::uint64_t idle = room - stripe.used[kind];
        if (stripe.spans[kind] < 4 || idle * 8 < room) {
            continue;
        }
        // Where a quarter is free, it pays to move three blocks for one.
        const std::uint32_t full_enough = idle * 4 < room ? c.blocks / 2 : c.blocks / 4 * 3;
        for (std::uint32_t at = stripe.partial[kind];
             at != none && stripe.marked.size() < most_spans;) {
            PageHeap::Page& page = heap_.page(at);
            const std::uint32_t next = page.next;
            if (page.used < full_enough) {
                stripe.marked.push_back(at);
                unlink(stripe, at, kind);
                sparse(page).store(1, std::memory_order_relaxed);
            }
            at = next;
        }
    }
    return stripe.marked.size();
}

bool Arena::is_sparse(std::uint32_t ref) const noexcept {
    return sparse(heap_.page(heap_.first_of(at(ref)))).load(std::memory_order_relaxed) != 0;
}

void Arena::unmark() noexcept {
    for (std::uint32_t i = 0; i <= stripe_mask_; ++i) {
        Stripe& stripe = all_[i];
        const std::lock_guard lock(stripe.mutex);
        for (const std::uint32_t span : stripe.marked) {
            sparse(heap_.page(span)).store(0, std::memory_order_relaxed);
            link(stripe, span, heap_.kind_of(heap_.address(span)));
        }
        stripe.marked.clear();
    }
}

std::uint64_t Arena::idle_bytes() const noexcept {
    std::uint64_t idle = 0;
    for (std::uint32_t i = 0; i <= stripe_mask_; ++i) {
        const std::lock_guard lock(all_[i].mutex);
        for (std::size_t kind = 0; kind < classes_.size(); ++kind) {
            const Class& c = classes_[kind];
            idle += (std::uint64_t{all_[i].spans[kind]} * c.blocks - all_[i].used[kind]) * c.size;
        }
    }
    return idle;
}

}  // namespace larder::store_memory
