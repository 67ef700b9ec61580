// plugins/store_lmdb/writer.hpp -- the line of changes, and who carries them out.
//
// LMDB has one writer at a time, and a commit costs the same for one change as for a hundred. So changes stand in
// line, and whoever is the writer takes all that has gathered into one transaction. A caller that waits becomes the
// writer itself when nobody is (no hop to another thread and back); the store's own thread carries out what callers
// do not wait for, and calls them back: their `done` never runs on a thread that came with a lock of the kernel.
//
// A transaction that fails is as if it had never begun. What it held is then done one by one, so that a change fails
// for its own reasons only. Without room (the map is full, the disk is) some of what is least worth keeping goes and
// the change is tried again; then it is refused, and nothing else is. LMDB writes what a removal changes beside what
// was there, too; so some pages are kept in reserve, and given to that end when the disk is full.
#pragma once

#include "operations.hpp"
#include "vault.hpp"

#include <larder/plugin/host.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace larder::store_lmdb {

// Since the store was made.
struct WriteCounts {
    std::atomic<std::uint64_t> commits{0}, changes{0}, refused{0}, failed{0};
    std::atomic<std::uint64_t> evicted{0}, expired{0};
};

class Writer {
  public:
    struct Bounds {
        std::atomic<std::uint64_t> bytes{0}, entries{0};  // entries 0: as many as fit
        std::size_t queue = 10'000;                       // changes that wait at most
    };
    struct Hooks {  // on the store's thread
        std::function<void(std::span<const std::string> records)> lapsed;
        // The file can no longer be used.
        std::function<void(const std::string& why)> broken;
    };
    Writer(plugin::Host host, Vault& vault, Sieve& sieve, Leases& leases, Bounds& bounds, Hooks hooks);
    ~Writer() { stop(); }

    void start();
    // What stands in line is carried out first. Idempotent.
    void stop() noexcept;

    // OK and the like when nobody is called back; BUSY when the line is full, CLOSED when there is no file.
    larder_status run(Change change, const larder_call& call);
    // Nobody waits; dropped when the line is full.
    void post(Change change);
    // Soon, on the store's thread, while somebody else may write. Nothing that throws.
    void later(std::function<void()> work);
    // Calls work() while nobody writes.
    template <class Work>
    void between_changes(Work&& work) {
        const std::lock_guard lock(writing_);
        work();
    }
    // Puts the reserve back that a full disk took, or that a new file has not got yet. On the store's thread.
    void mend();
    // A reader found the file damaged.
    void report(int code) noexcept;

    const WriteCounts& counts() const noexcept { return counts_; }
    // Why there is less room than the capacity, or was a while ago; empty: there is all of it.
    std::string cramped() const;

  private:
    void live();
    bool push(Change change, larder_status& refusal);
    bool drain();
    void carry_out(std::vector<Change>& batch);
    int attempt(std::span<const Change> batch);
    void alone(const Change& change);
    bool make_room_by(int code, std::uint64_t coming, int round);
    bool evict_some(std::uint64_t bytes, std::uint64_t entries);
    void settle_pages();
    void say_cramped(int code, const char* what);
    void make_room(Work& work, std::uint64_t coming, std::uint64_t entries);
    std::uint64_t evict(Work& work, std::uint64_t bytes, std::uint64_t entries);
    void after(const Effects& effects, std::size_t changes);
    void finish(const Change& change);
    std::uint64_t most_bytes() const;

    plugin::Host host_;
    Vault& vault_;
    Sieve& sieve_;
    Leases& leases_;
    Bounds& bounds_;
    const Hooks hooks_;
    WriteCounts counts_;

    std::mutex writing_;  // whoever has it is the writer; guards the next two
    std::uint64_t disk_bytes_ = 0;     // the file when the disk was full; 0: it is not
    std::uint64_t disk_until_ns_ = 0;
    bool gave_up_ = false;  // of this batch

    mutable std::mutex line_mutex_;  // guards what follows; taken last
    std::condition_variable comes_;
    std::vector<Change> line_;
    std::vector<Change> ended_;  // whose callers are to be called back
    std::vector<std::function<void()>> work_;
    std::string cramped_;
    bool open_ = false, stopping_ = false, reported_ = false;
    std::thread thread_;
};

}  // namespace larder::store_lmdb
