// plugins/redis_wire/looking.hpp -- whether to look for bytes once more, or to sleep until they come.
//
// To be woken costs as much as a round trip to a server on the same machine. So who waits looks a while
// first, but only as long as that finds something: each find makes it worth more, each time in vain less,
// and where it is worth nothing it is tried again now and then.
#pragma once

#include <algorithm>

namespace larder::redis_wire {

// One thread at a time.
class Looking {
  public:
    // looks: how often, some 0.3 us each; 0: never.
    explicit Looking(unsigned looks) noexcept : looks_(looks) {}

    // Nothing was there. False: sleep.
    bool again() noexcept {
        if (looked_ < looks_ && (looked_ != 0 || worth_ > 0 || slept_ >= sleeps_between_tries)) {
            slept_ = 0;
            ++looked_;
            return true;
        }
        if (looked_ != 0) {
            worth_ = std::max(worth_ - 1, 0);
        }
        looked_ = 0;
        ++slept_;
        return false;
    }
    // Something was.
    void found() noexcept {
        if (looked_ != 0) {
            worth_ = std::min(worth_ + 2, most_worth);
        }
        looked_ = 0;
    }

  private:
    static constexpr int most_worth = 16;
    static constexpr unsigned sleeps_between_tries = 32;
    unsigned looks_;
    unsigned looked_ = 0;
    unsigned slept_ = 0;  // times in a row without looking
    int worth_ = 0;
};

}  // namespace larder::redis_wire
