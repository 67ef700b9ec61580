// plugins/store_memory/linear_index.hpp -- a hash index that grows and shrinks one bucket at a
// time.
//
// Linear hashing (W. Litwin, VLDB 1980): with n buckets, the low bits of a hash name the bucket,
// and bucket n is made by splitting the one that its number has without the top bit. So no
// operation ever pays for the whole table, and there is no moment at which two tables must be
// searched.
//
// A walk over the index stays right while it grows and shrinks: buckets are intervals of the hash
// with its bits reversed, splitting halves an interval and merging joins two, and the walk's
// position is a point on that line (the idea of Redis' dictScan, P. Noordhuis). What lies before
// the position has been visited, however the intervals were cut meanwhile.
//
// Safe for one thread at a time. Chains are intrusive; the index owns its buckets, not the entries.
#pragma once

#include "entry.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace larder::store_memory {

class LinearIndex {
  public:
    using HashOf = std::uint64_t (*)(const void* ctx, const Entry& entry);

    // `hash_of` is asked when a bucket is split; it must give what insert was given.
    LinearIndex(HashOf hash_of, const void* ctx) noexcept : hash_of_(hash_of), ctx_(ctx) {}

    std::size_t size() const noexcept { return size_; }
    std::size_t buckets() const noexcept { return buckets_; }

    // The chain in which an entry of this hash is, if it is here.
    Entry* chain(std::uint64_t hash) const noexcept {
        return buckets_ == 0 ? nullptr : slot(number_of(hash));
    }

    // False: there is no memory for a first bucket, and nothing changed. Without memory for one
    // more bucket, chains grow instead.
    bool insert(Entry* entry, std::uint64_t hash) noexcept;
    // REQUIRES: `entry` was inserted with `hash`.
    void erase(Entry* entry, std::uint64_t hash) noexcept;
    void replace(Entry* entry, Entry* by, std::uint64_t hash) noexcept;

    // Position of a walk: 0 to begin, `done` at the end. Only the lowest `bits` bits of hashes
    // count, so that positions fit into as many bits; REQUIRES: 32 <= bits < 64.
    static constexpr std::uint64_t done = ~std::uint64_t{0};

    // Calls f(Entry&) for each entry of the bucket at `position`, until f returns false, and
    // returns the position behind that bucket.
    template <class F>
    std::uint64_t walk_bucket(std::uint64_t position, unsigned bits, F&& f) const {
        if (buckets_ == 0) {
            return done;
        }
        const std::size_t number = number_at(position, bits);
        for (Entry* e = slot(number); e != nullptr; e = e->next) {
            if (!f(*e)) {
                break;
            }
        }
        return behind(position, bits, number);
    }

  private:
    static constexpr std::size_t segment_size = 512;
    static constexpr std::size_t fewest_buckets = 64;
    using Segment = std::array<Entry*, segment_size>;

    Entry*& slot(std::size_t number) const noexcept {
        return (*segments_[number / segment_size])[number % segment_size];
    }
    // The bucket of a hash: as many low bits as there are buckets, one less where that bucket has
    // not been split off yet.
    std::size_t number_of(std::uint64_t hash) const noexcept {
        const std::size_t number = hash & mask_;
        return number < buckets_ ? number : number & (mask_ >> 1);
    }
    // How many low bits of the hash all entries of a bucket share.
    unsigned depth_of(std::size_t number) const noexcept;
    std::size_t number_at(std::uint64_t position, unsigned bits) const noexcept;
    std::uint64_t behind(std::uint64_t position, unsigned bits, std::size_t number) const noexcept;

    bool begin() noexcept;
    void split() noexcept;
    void merge() noexcept;

    HashOf hash_of_;
    const void* ctx_;
    std::size_t size_ = 0;
    std::size_t buckets_ = 0;  // 0, or at least fewest_buckets.
    std::size_t mask_ = 0;     // The least 2^k - 1 that is not below buckets_ - 1.
    std::vector<std::unique_ptr<Segment>> segments_;
};

}  // namespace larder::store_memory
