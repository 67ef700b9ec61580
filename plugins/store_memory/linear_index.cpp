// plugins/store_memory/linear_index.cpp -- splitting, merging and walking the buckets.
#include "linear_index.hpp"

#include <bit>
#include <new>

namespace larder::store_memory {
namespace {

std::uint64_t reversed(std::uint64_t v) noexcept {
    v = ((v >> 1) & 0x5555555555555555u) | ((v & 0x5555555555555555u) << 1);
    v = ((v >> 2) & 0x3333333333333333u) | ((v & 0x3333333333333333u) << 2);
    v = ((v >> 4) & 0x0f0f0f0f0f0f0f0fu) | ((v & 0x0f0f0f0f0f0f0f0fu) << 4);
    return __builtin_bswap64(v);
}

}  // namespace

bool LinearIndex::insert(Entry* entry, std::uint64_t hash) noexcept {
    if (buckets_ == 0 && !begin()) {
        return false;
    }
    Entry*& first = slot(number_of(hash));
    entry->next = first;
    first = entry;
    ++size_;
    if (size_ > buckets_) {
        split();
    }
    return true;
}

void LinearIndex::erase(Entry* entry, std::uint64_t hash) noexcept {
    Entry** link = &slot(number_of(hash));
    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    --size_;
    if (size_ * 2 < buckets_ && buckets_ > fewest_buckets) {
        merge();
    }
}

void LinearIndex::replace(Entry* entry, Entry* by, std::uint64_t hash) noexcept {
    Entry** link = &slot(number_of(hash));
    while (*link != entry) {
        link = &(*link)->next;
    }
    by->next = entry->next;
    *link = by;
}

bool LinearIndex::begin() noexcept {
    try {
        segments_.push_back(std::make_unique<Segment>());
    } catch (const std::bad_alloc&) {
        return false;
    }
    segments_.front()->fill(nullptr);
    buckets_ = fewest_buckets;
    mask_ = fewest_buckets - 1;
    return true;
}

void LinearIndex::split() noexcept {
    if (buckets_ % segment_size == 0 && buckets_ / segment_size == segments_.size()) {
        try {
            segments_.push_back(std::make_unique<Segment>());
        } catch (const std::bad_alloc&) {
            return;
        }
    }
    const std::size_t fresh = buckets_++;
    if (fresh > mask_) {
        mask_ = mask_ * 2 + 1;
    }
    Entry** link = &slot(fresh & (mask_ >> 1));
    Entry*& moved = slot(fresh);
    moved = nullptr;
    while (Entry* e = *link) {
        if ((hash_of_(ctx_, *e) & mask_) == fresh) {
            *link = e->next;
            e->next = moved;
            moved = e;
        } else {
            link = &e->next;
        }
    }
}

void LinearIndex::merge() noexcept {
    const std::size_t last = buckets_ - 1;
    Entry** link = &slot(last & (mask_ >> 1));
    while (*link != nullptr) {
        link = &(*link)->next;
    }
    *link = slot(last);
    slot(last) = nullptr;
    --buckets_;
    if (buckets_ == mask_ / 2 + 1) {
        mask_ /= 2;
    }
    if (buckets_ % segment_size == 0) {
        segments_.pop_back();
    }
}

unsigned LinearIndex::depth_of(std::size_t number) const noexcept {
    const unsigned all = static_cast<unsigned>(std::popcount(mask_));
    const std::size_t top = mask_ ^ (mask_ >> 1);
    const bool split_already = (number | top) < buckets_;
    return split_already ? all : all - 1;
}

std::size_t LinearIndex::number_at(std::uint64_t position, unsigned bits) const noexcept {
    return number_of(reversed(position << (64 - bits)));
}

std::uint64_t LinearIndex::behind(std::uint64_t position, unsigned bits,
                                  std::size_t number) const noexcept {
    const unsigned depth = depth_of(number);
    const std::uint64_t interval = position >> (bits - depth);
    return interval + 1 == std::uint64_t{1} << depth ? done : (interval + 1) << (bits - depth);
}

}  // namespace larder::store_memory
