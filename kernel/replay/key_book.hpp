// kernel/replay/key_book.hpp -- what a stage remembers of each key it saw missing or filled.
//
// A table of 64-bit hashes of namespace and key, open addressing, 40 bytes a place. Two keys that share a
// hash (one pair in 2^64) share what is remembered, which spoils a reason of a miss and nothing else.
// Hits do not come here.
#pragma once

#include <cstdint>
#include <vector>

namespace larder::replay {

struct KeyNote {
    std::uint64_t hash = 0;       // 0: an empty place
    std::uint64_t filled_ms = 0;  // when, plus one; 0: never
    std::uint64_t until_ms = 0;   // its end by time; UINT64_MAX: none
    std::uint32_t size = 0, cost_us = 0;
    bool asked = false;           // by somebody, so it was not there from the start
    bool has_answer = false;      // the recorded load that follows was not needed here
};

class KeyBook {
  public:
    KeyBook() : places_(1u << 12) {}
    // The note of a hash, made if there is none; valid until the next call. [hot]
    KeyNote& at(std::uint64_t hash) {
        if (used_ * 2 >= places_.size()) grow();
        KeyNote& note = find(places_, hash == 0 ? 1 : hash);
        if (note.hash == 0) {
            note.hash = hash == 0 ? 1 : hash;
            ++used_;
        }
        return note;
    }
    std::size_t size() const { return used_; }

  private:
    static KeyNote& find(std::vector<KeyNote>& places, std::uint64_t hash) {
        const std::size_t mask = places.size() - 1;
        std::size_t i = (hash ^ (hash >> 32)) & mask;
        while (places[i].hash != 0 && places[i].hash != hash) i = (i + 1) & mask;
        return places[i];
    }
    void grow() {
        std::vector<KeyNote> more(places_.size() * 2);
        for (const KeyNote& note : places_)
            if (note.hash != 0) find(more, note.hash) = note;
        places_.swap(more);
    }
    std::vector<KeyNote> places_;  // a power of two
    std::size_t used_ = 0;
};

}  // namespace larder::replay
