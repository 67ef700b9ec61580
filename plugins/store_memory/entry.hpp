// plugins/store_memory/entry.hpp -- one entry: key, sizes, head and value in one block, nothing
// else.
//
//     [long sizes 8]  [key]  [sizes 4] | [head 24] [value]
//                                      ^ 8-aligned; what a reference points at
//
// The head is what store.h calls larder_head: the kernel's mark, the version, the deadline. Whoever
// puts a value that begins with one gets it shown; for others the table makes a head and shows what
// follows it. There is no link, no hash, no count and no namespace in an entry: rank stands in the
// index (line.hpp), namespaces have indexes of their own (space.hpp), and readers are counted by
// nobody (read_section.hpp, pins.hpp). A 16-byte key with a 100-byte value takes 144 bytes.
//
// The key ends where the sizes begin, so that a lookup, which knows how long its key is, compares
// without waiting for anything behind the head; sizes, head and the end of the key share a cache
// line or two neighbours.
//
// All but the head is written before the entry is published and never again. In the head the mark
// (the kernel) and the deadline (touch, under the lock) change as single atomic words.
#pragma once

#include <larder/plugin/store.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

namespace larder::store_memory {

class Entry {
  public:
    static constexpr std::size_t head_size = sizeof(larder_head);
    static constexpr std::uint64_t deadline_mask =
        (std::uint64_t{1} << LARDER_HEAD_DEADLINE_BITS) - 1;
    static constexpr std::size_t largest_key = std::numeric_limits<std::uint32_t>::max() - 64;
    static constexpr std::size_t largest_value = std::numeric_limits<std::uint32_t>::max() - 64;

    explicit Entry(std::byte* head) noexcept : head_(head) {}
    Entry() noexcept = default;
    explicit operator bool() const noexcept { return head_ != nullptr; }
    std::byte* head() const noexcept { return head_; }

    // Bytes before the head, and the whole block.
    static constexpr bool is_long(std::size_t key, std::size_t value) noexcept {
        return key >= long_key || value > value_mask;
    }
    static constexpr std::size_t before_head(std::size_t key, std::size_t value) noexcept {
        return key + 4 + (is_long(key, value) ? 8 : 0);
    }
    // `value` counts what follows the head.
    static constexpr std::size_t after(std::size_t value) noexcept { return head_size + value; }

    // Writes sizes, key, head and value around `head_`.
    void fill(const char* key, std::size_t key_size, const void* value, std::size_t value_size,
              bool headed, const std::uint64_t (&words)[3]) const noexcept {
        const bool l = is_long(key_size, value_size);
        const std::uint32_t sizes = (headed ? headed_bit : 0u) |
                                    static_cast<std::uint32_t>(l ? long_key : key_size) << 20 |
                                    static_cast<std::uint32_t>(l ? 0 : value_size);
        std::memcpy(head_ - 4, &sizes, 4);
        if (l) {
            const std::uint32_t both[2] = {static_cast<std::uint32_t>(key_size),
                                           static_cast<std::uint32_t>(value_size)};
            std::memcpy(head_ - 12, both, sizeof both);
        }
        if (key_size != 0) {
            std::memcpy(head_ - before_head(key_size, value_size), key, key_size);
        }
        for (std::size_t i = 0; i < 3; ++i) {
            word(i).store(words[i], std::memory_order_relaxed);
        }
        if (value_size != 0) {
            std::memcpy(head_ + head_size, value, value_size);
        }
    }

    bool headed() const noexcept { return (sizes() & headed_bit) != 0; }
    std::size_t key_size() const noexcept {
        const std::uint32_t all = sizes();
        return has_long(all) ? long_size(0) : (all >> 20 & long_key);
    }
    std::size_t value_size() const noexcept {
        const std::uint32_t all = sizes();
        return has_long(all) ? long_size(1) : (all & value_mask);
    }
    const char* key() const noexcept {
        const std::uint32_t all = sizes();
        return reinterpret_cast<const char*>(head_) - 4 -
               (has_long(all) ? 8 + long_size(0) : (all >> 20 & long_key));
    }
    // The comparison is always of the whole key.
    bool is(const char* data, std::size_t size) const noexcept {
        const std::uint32_t all = sizes();
        if ((all >> 20 & long_key) != size || size == long_key) [[unlikely]] {
            return has_long(all) && long_size(0) == size &&
                   std::memcmp(head_ - 12 - size, data, size) == 0;
        }
        const auto* mine = reinterpret_cast<const char*>(head_) - 4 - size;
        // Two words that may overlap, or four: most keys, without a call.
        if (size - 8 <= 8) [[likely]] {
            return (differ(mine, data) | differ(mine + size - 8, data + size - 8)) == 0;
        }
        if (size - 16 <= 16) {
            return (differ(mine, data) | differ(mine + 8, data + 8) |
                    differ(mine + size - 16, data + size - 16) |
                    differ(mine + size - 8, data + size - 8)) == 0;
        }
        return std::memcmp(mine, data, size) == 0;
    }

    // What get and visit show.
    larder_bytes shown() const noexcept {
        const std::uint32_t all = sizes();
        const std::size_t value = has_long(all) ? long_size(1) : (all & value_mask);
        return (all & headed_bit) != 0 ? larder_bytes{head_, head_size + value}
                                       : larder_bytes{head_ + head_size, value};
    }

    std::uint64_t version() const noexcept { return word(1).load(std::memory_order_relaxed); }
    // Milliseconds of the host's clock at which the entry ends; 0: never.
    std::uint64_t deadline_ms() const noexcept {
        return word(2).load(std::memory_order_relaxed) & deadline_mask;
    }
    // Keeps the upper bits, which are the kernel's. Under the lock of the shard.
    void set_deadline(std::uint64_t ms) const noexcept {
        const std::uint64_t kept = word(2).load(std::memory_order_relaxed) & ~deadline_mask;
        word(2).store(kept | ms, std::memory_order_relaxed);
    }

    std::atomic_ref<std::uint64_t> word(std::size_t i) const noexcept {
        return std::atomic_ref<std::uint64_t>(reinterpret_cast<std::uint64_t*>(head_)[i]);
    }

    // Makes `this` a copy of another of the same sizes, while the kernel stores marks into that
    // one: word by word.
    void copy_from(const Entry& other) const noexcept {
        const std::size_t key = other.key_size(), value = other.value_size();
        const std::size_t before = before_head(key, value);
        std::memcpy(head_ - before, other.head_ - before, before);
        const std::size_t words = after(value) / 8;
        for (std::size_t i = 0; i < words; ++i) {
            const std::uint64_t seen = other.word(i).load(std::memory_order_relaxed);
            std::memcpy(head_ + i * 8, &seen, 8);
        }
        std::memcpy(head_ + words * 8, other.head_ + words * 8, after(value) - words * 8);
    }

  private:
    static constexpr std::uint32_t headed_bit = 1u << 31;
    static constexpr std::uint32_t long_key = 0x7ff;
    static constexpr std::uint32_t value_mask = 0xfffff;

    std::uint32_t sizes() const noexcept {
        std::uint32_t all;
        std::memcpy(&all, head_ - 4, 4);
        return all;
    }
    static bool has_long(std::uint32_t all) noexcept { return (all >> 20 & long_key) == long_key; }
    std::size_t long_size(std::size_t i) const noexcept {
        std::uint32_t size;
        std::memcpy(&size, head_ - 12 + 4 * i, 4);
        return size;
    }
    static std::uint64_t differ(const char* a, const char* b) noexcept {
        std::uint64_t one, other;
        std::memcpy(&one, a, 8);
        std::memcpy(&other, b, 8);
        return one ^ other;
    }

    std::byte* head_ = nullptr;
};

}  // namespace larder::store_memory
