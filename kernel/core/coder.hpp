// kernel/core/coder.hpp -- a codec as one namespace uses it: at a level, with a dictionary, or as its instance says.
//
// What is compressed says in its envelope which codec made it and with which dictionary; a level is no part of
// it. A dictionary is known by what it holds (the low half of its XXH3), so two nodes that train at the same time
// give two numbers, never one number for two dictionaries.
#pragma once

#include "kernel/core/cache.hpp"
#include "kernel/core/counters.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace larder {

struct Dictionary {
    Dictionary(std::uint16_t of, std::string content) : codec(of), id(id_of(content)), bytes(std::move(content)) {}
    // Never 0.
    static std::uint32_t id_of(std::string_view content) noexcept;
    const std::uint16_t codec;
    const std::uint32_t id;
    const std::string bytes;
};

// What one way of compressing did in a namespace; outlives the coders.
struct CoderCounts {
    enum Count : std::size_t {
        values, raw, stored,  // that got smaller
        not_smaller,
        tried, kept,          // bytes of all that was tried, and what is stored for them
        timed, timed_ns,      // bytes in, of those that were timed
        reads, read_timed, read_timed_ns  // bytes out
    };
    Counters counters;
    std::uint64_t sum(Count what) const noexcept { return counters.sum(what); }
    void add(Count what, std::uint64_t by = 1) noexcept { counters.add(what, by); }
};

// Safe for any number of threads.
class Coder {
  public:
    struct Wish {
        std::optional<int> level;
        std::shared_ptr<const Dictionary> dictionary;
        bool reads = false;  // decompresses only
    };
    // Null: the codec has no such level, knows no settings, or does not take the dictionary. [worker]
    static std::shared_ptr<const Coder> make(const CodecHandle& handle, const Wish& wish, std::shared_ptr<CoderCounts> counts);
    ~Coder();
    Coder(const Coder&) = delete;
    Coder& operator=(const Coder&) = delete;

    const std::string& name() const noexcept { return handle_.name; }  // of [codec.NAME]
    std::uint16_t codec() const noexcept { return static_cast<std::uint16_t>(handle_.table->codec_id); }
    std::optional<int> level() const noexcept { return wish_.level; }
    const std::shared_ptr<const Dictionary>& dictionary() const noexcept { return wish_.dictionary; }
    std::uint32_t dictionary_id() const noexcept { return wish_.dictionary == nullptr ? 0 : wish_.dictionary->id; }
    // Whether it is what make() would make of these.
    bool is(const CodecHandle& handle, const std::optional<int>& level, const std::shared_ptr<const Dictionary>& dictionary, bool reads) const noexcept {
        return handle_.self == handle.self && handle_.table == handle.table && handle_.name == handle.name && wish_.level == level &&
               wish_.dictionary == dictionary && wish_.reads == reads;
    }
    // "zstd", "zstd-3", "zstd-3 with a dictionary".
    std::string shown() const;

    // Empty: it did not get smaller, counting what the envelope needs to say so. Else in `room`, until that is used
    // again.
    std::string_view compress(std::string_view value, std::string& room) const;
    bool decompress(std::string_view payload, char* out, std::size_t size) const;
    CoderCounts* counts() const noexcept { return counts_.get(); }

    // Since it was asked for the last time.
    bool take_used() const noexcept { return used_.exchange(false, std::memory_order_relaxed); }

  private:
    Coder(const CodecHandle& handle, Wish wish, void* opened, std::shared_ptr<CoderCounts> counts)
        : handle_(handle), wish_(std::move(wish)), opened_(opened), counts_(std::move(counts)) {}
    void use() const noexcept {
        if (wish_.dictionary != nullptr && !used_.load(std::memory_order_relaxed)) used_.store(true, std::memory_order_relaxed);
    }
    const CodecHandle handle_;  // keeps the instance
    const Wish wish_;
    void* const opened_;  // null: the instance's own way
    const std::shared_ptr<CoderCounts> counts_;
    mutable std::atomic<bool> used_{false};
};

}  // namespace larder
