// kernel/embed/leases.hpp -- who loads a key in this process, and who waits for it.
//
// The first that misses a key gets its lease; the others stand in line behind it until the lease is filled or
// failed, or its time to answer is over. A lease that is filled is taken out of the book in two steps: while
// its value is being put, who comes stands apart, as only a new look can tell whether something dropped the
// entry after the value was put.
//
// A put of a key while its lease is out makes the lease void: its value is older than what was put, and is
// kept nowhere. Puts are many and leases few, so a put only marks its key's hash as being put; a lease that
// begins meanwhile is void from its beginning (so may be one of another key of that hash: it costs a load).
// A put and a fill that end while they are called take turns besides; of those that end later, above a shared
// store, that store lets only the newer one stand (kernel/core/authority.hpp).
//
// Here is bookkeeping alone: times come in, and whoever waits is an opaque object that is handed back.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace larder::embed {

class Get;  // gets.hpp
using Waiting = std::vector<std::shared_ptr<Get>>;

// Safe for any number of threads; nobody is called.
class LeaseBook {
  public:
    static constexpr std::uint64_t life_ns = 25'000'000'000;  // the cache remembers for 30 s what a miss was judged under
    static constexpr std::size_t most = 65'536;

    enum class Boarding : std::uint8_t { leads, waits, led, full, again };
    struct Boarded {
        Boarding end = Boarding::full;
        std::uint64_t patience_id = 0;  // of `waits`, for the first that waits: set a timer that calls over(it)
    };
    // `id`: of a lease that begins, never used before. get null: it will not wait, and is told `led` where another
    // leads. `seen`: what ended() said before the key was looked for; `again`: a value of this key was put since then,
    // or may have been, and has to be looked for once more.
    Boarded board(std::uint32_t ns, std::string_view key, std::uint64_t id, std::uint64_t now_ns, std::uint64_t seen, const std::shared_ptr<Get>& get);
    // How many leases have been filled. [hot]
    std::uint64_t ended() const noexcept { return ended_.load(std::memory_order_acquire); }

    struct Taken {
        bool found = false;
        bool void_ = false;  // its value is to be kept nowhere
        std::uint32_t ns = 0;
        std::string key;
        Waiting waiting;     // of fail and end_fill: they were there before
        Waiting late;        // of end_fill: they came while it was put
    };
    // What a lease is of, while it can be filled.
    struct Named {
        bool found = false;
        std::uint32_t ns = 0;
        std::string key;
    };
    Named named(std::uint64_t id) const;
    Taken begin_fill(std::uint64_t id, std::uint64_t now_ns);
    Taken end_fill(std::uint64_t id);  // also when it became void meanwhile
    Taken fail(std::uint64_t id, std::uint64_t now_ns);
    // It has had its time: who waits is handed back, and the next that comes leads. It can still be filled.
    Waiting over(std::uint64_t id);

    // Around a put. begin: the lease of that key is void, and who waited for it is handed back to look again
    // when the put is done.
    Waiting begin_put(std::uint32_t ns, std::string_view key);
    Waiting end_put(std::uint32_t ns, std::string_view key);

    // Held while a put or a fill of this key is begun.
    std::mutex& turn(std::uint32_t ns, std::string_view key);

    std::size_t size() const;

  private:
    struct Lease {
        std::uint32_t ns = 0;
        std::string key;
        std::uint64_t until_ns = 0;
        bool void_ = false, filling = false, timed = false;
        Waiting waiting, late;
    };
    static std::string name(std::uint32_t ns, std::string_view key);
    static std::size_t hash(std::uint32_t ns, std::string_view key);
    std::atomic<std::uint32_t>& putting(std::uint32_t ns, std::string_view key);
    Waiting make_void(const std::string& name);  // REQUIRES mutex_
    void forget_old(std::uint64_t now_ns);       // REQUIRES mutex_
    void leave(const Lease& lease, std::uint64_t id);  // REQUIRES mutex_

    std::array<std::atomic<std::uint32_t>, 1024> putting_{};
    std::array<std::mutex, 64> turns_;
    std::atomic<std::uint64_t> ended_{0};  // written under mutex_
    std::array<std::size_t, 256> last_ended_{};  // hashes of the last keys of ended_; guarded by mutex_
    std::atomic<std::size_t> out_{0};  // leases_.size(), for who may skip the mutex
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::uint64_t> by_key_;   // guarded by mutex_, as all below
    std::unordered_map<std::uint64_t, Lease> leases_;
    std::deque<std::pair<std::uint64_t, std::uint64_t>> ends_;  // until_ns, id: in the order in which they began
};

}  // namespace larder::embed
