// plugins/store_lmdb/writer.cpp -- see writer.hpp.
#include "writer.hpp"

#include "failure.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace larder::store_lmdb {
namespace {

constexpr std::size_t most_together = 256;                       // changes of one transaction
constexpr std::uint64_t most_weight = std::uint64_t{8} << 20;    // and what they add
constexpr std::uint64_t disk_pause_ns = 30'000'000'000;          // until a full disk is tried again
constexpr int most_rounds = 4;                                   // of making room for one change
constexpr std::size_t longest_walk = 4096;                       // entries the hand spares before it takes any
constexpr std::uint64_t at_a_time = 64;                          // places looked at by one cursor

thread_local bool on_writers_thread = false;

bool expired(std::uint64_t until_ns, std::uint64_t now_ns) { return until_ns != 0 && now_ns >= until_ns; }

}  // namespace

Writer::Writer(plugin::Host host, Vault& vault, Sieve& sieve, Leases& leases, Bounds& bounds, Hooks hooks)
    : host_(host), vault_(vault), sieve_(sieve), leases_(leases), bounds_(bounds), hooks_(std::move(hooks)) {}

// ---- the line

void Writer::start() {
    const std::lock_guard lock(line_mutex_);
    if (open_) {
        return;
    }
    open_ = true;
    stopping_ = false;
    thread_ = std::thread([this] { live(); });
}

void Writer::stop() noexcept {
    {
        const std::lock_guard lock(line_mutex_);
        if (!open_) {
            return;
        }
        open_ = false;
        stopping_ = true;
        comes_.notify_all();
    }
    thread_.join();
}

bool Writer::push(Change change, larder_status& refusal) {
    const std::lock_guard lock(line_mutex_);
    if (!open_ || !vault_.is_open()) {
        refusal = LARDER_E_CLOSED;
        return false;
    }
    if (line_.size() >= bounds_.queue) {
        refusal = LARDER_E_BUSY;
        counts_.refused.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    line_.push_back(std::move(change));
    return true;
}

larder_status Writer::run(Change change, const larder_call& call) {
    larder_status refusal = LARDER_OK;
    const bool calls_back = call.done != nullptr;
    // Nobody would carry it out.
    if (!calls_back && on_writers_thread) {
        return LARDER_E_BUSY;
    }
    if (calls_back) {
        change->wait_for(call);
    }
    if (!push(change, refusal)) {
        return refusal;
    }
    if (calls_back) {
        comes_.notify_one();
        return LARDER_PENDING;
    }
    if (std::unique_lock writing(writing_, std::try_to_lock); writing) {
        while (!change->over()) {
            drain();
        }
        writing.unlock();
        // Who came meanwhile found a writer, and waits.
        const std::lock_guard lock(line_mutex_);
        if (!line_.empty() || !ended_.empty() || !work_.empty()) {
            comes_.notify_one();
        }
        return change->status;
    }
    comes_.notify_one();
    constexpr std::uint64_t long_enough_ns = 60'000'000'000;
    const std::uint64_t now = host_.mono_ns();
    return change->wait(call.deadline_ns == 0 ? long_enough_ns : call.deadline_ns - std::min(call.deadline_ns, now));
}

void Writer::post(Change change) {
    larder_status ignored = LARDER_OK;
    if (push(std::move(change), ignored)) {
        comes_.notify_one();
    }
}

void Writer::later(std::function<void()> work) {
    const std::lock_guard lock(line_mutex_);
    work_.push_back(std::move(work));
    comes_.notify_one();
}

void Writer::report(int code) noexcept {
    if (!damaged(code)) {
        return;
    }
    const std::lock_guard lock(line_mutex_);
    if (std::exchange(reported_, true)) {
        return;
    }
    work_.emplace_back([this, code] {
        hooks_.broken(text_of_failure(code));
        const std::lock_guard again(line_mutex_);
        reported_ = false;
    });
    comes_.notify_one();
}

void Writer::live() {
    on_writers_thread = true;
    for (;;) {
        std::vector<Change> ended;
        std::vector<std::function<void()>> work;
        bool stopping = false, waiting = false;
        {
            std::unique_lock lock(line_mutex_);
            comes_.wait(lock, [&] { return stopping_ || !line_.empty() || !ended_.empty() || !work_.empty(); });
            ended.swap(ended_);
            work.swap(work_);
            stopping = stopping_;
            waiting = !line_.empty();
        }
        for (const Change& change : ended) {
            change->call_back();
        }
        for (const auto& one : work) {
            one();
        }
        // With the lock, also to see what a caller that writes just now leaves behind.
        if (waiting || stopping) {
            const std::lock_guard writing(writing_);
            drain();
        }
        if (stopping) {
            const std::lock_guard lock(line_mutex_);
            if (line_.empty() && ended_.empty()) {
                return;
            }
        }
    }
}

// ---- carrying out. REQUIRES: writing_ is held

bool Writer::drain() {
    std::vector<Change> batch;
    {
        const std::lock_guard lock(line_mutex_);
        std::uint64_t weight = 0;
        std::size_t n = 0;
        while (n < line_.size() && n < most_together && weight < most_weight) {
            weight += line_[n++]->weight();
        }
        const auto end = line_.begin() + static_cast<std::ptrdiff_t>(n);
        batch.assign(std::move_iterator(line_.begin()), std::move_iterator(end));
        line_.erase(line_.begin(), end);
    }
    if (batch.empty()) {
        return false;
    }
    carry_out(batch);
    return true;
}

void Writer::carry_out(std::vector<Change>& batch) {
    gave_up_ = false;
    if (!vault_.is_open()) {
        for (const Change& change : batch) {
            change->status = LARDER_E_CLOSED;
        }
    } else if (attempt(batch) != MDB_SUCCESS) {
        for (const Change& change : batch) {
            alone(change);
        }
    }
    for (const Change& change : batch) {
        finish(change);
    }
}

void Writer::finish(const Change& change) {
    change->finish();
    if (change->calls_back()) {
        const std::lock_guard lock(line_mutex_);
        ended_.push_back(change);
        comes_.notify_one();
    }
}

int Writer::attempt(std::span<const Change> batch) {
    try {
        Effects effects;
        std::uint64_t coming = 0, entries = 0;
        for (const Change& change : batch) {
            coming += change->weight();
            entries += change->weight() != 0 ? 1 : 0;
        }
        Transaction txn(vault_.database());
        Work work{txn, leases_, sieve_, effects, host_.wall_ms(), host_.mono_ns()};
        make_room(work, coming, entries);
        for (const Change& change : batch) {
            change->status = change->apply(work);
        }
        txn.commit();
        after(effects, batch.size());
        return MDB_SUCCESS;
    } catch (const Failure& failure) {
        return failure.code == EIO && vault_.folder().crammed() ? ENOSPC : failure.code;
    } catch (const std::bad_alloc&) {
        return ENOMEM;
    }
}

void Writer::alone(const Change& change) {
    int code = attempt({&change, 1});
    for (int round = 0; no_room(code) && round < most_rounds && !gave_up_; ++round) {
        if (!make_room_by(code, change->weight(), round)) {
            break;
        }
        code = attempt({&change, 1});
    }
    if (code == MDB_SUCCESS) {
        return;
    }
    change->status = status_of(code);
    report(code);
    if (!no_room(code)) {
        counts_.failed.fetch_add(1, std::memory_order_relaxed);
        host_.log(LARDER_LOG_ERROR, {"lmdb ", vault_.options().name, ": a change failed: ", text_of_failure(code)});
        return;
    }
    counts_.refused.fetch_add(1, std::memory_order_relaxed);
    gave_up_ = true;
    say_cramped(code, "there is no room for a change, it is refused");
}

void Writer::say_cramped(int code, const char* what) {
    bool first = false;
    {
        const std::lock_guard lock(line_mutex_);
        first = std::exchange(cramped_, text_of_failure(code)).empty();
    }
    if (first) {
        host_.log(LARDER_LOG_WARN, {"lmdb ", vault_.options().name, ": ", what, ": ", text_of_failure(code)});
    }
}

void Writer::after(const Effects& effects, std::size_t changes) {
    const auto add = [](std::atomic<std::uint64_t>& to, std::uint64_t n) {
        if (n != 0) {
            to.fetch_add(n, std::memory_order_relaxed);
        }
    };
    add(counts_.commits, 1);
    add(counts_.changes, changes);
    add(counts_.evicted, effects.evicted);
    add(counts_.expired, effects.expired);
    if (!effects.lapsed.empty()) {
        later([this, records = effects.lapsed] { hooks_.lapsed(records); });
    }
}

// ---- room. REQUIRES: writing_ is held

std::uint64_t Writer::most_bytes() const {
    const std::uint64_t bound = bounds_.bytes.load(std::memory_order_relaxed);
    return disk_bytes_ == 0 ? bound : std::min(bound, disk_bytes_);
}

// From fifteen sixteenths of the bound on, what goes out is in proportion to what comes in, and more of it the
// nearer the bound is: pages come back only when all that stood in them is gone, so waiting for them would empty
// half of the file at once.
void Writer::make_room(Work& work, std::uint64_t coming, std::uint64_t entries) {
    if (disk_bytes_ != 0 && expired(disk_until_ns_, work.now_ns)) {
        disk_bytes_ = 0;
        const std::lock_guard lock(line_mutex_);
        cramped_.clear();
    }
    const Usage usage = work.txn.usage();
    const std::uint64_t most_entries = bounds_.entries.load(std::memory_order_relaxed);
    if (most_entries != 0 && usage.entries + entries > most_entries) {
        evict(work, 0, usage.entries + entries - most_entries);
    }
    const std::uint64_t most = most_bytes(), from = most - most / 16;
    if (usage.bytes > most) {  // it was lowered
        constexpr std::uint64_t gently = 64 << 10;
        const std::uint64_t step = (usage.bytes - most) / 16 + 1;
        evict(work, disk_bytes_ == 0 ? step : std::min(step, gently), 0);
    }
    if (coming == 0 || usage.bytes + coming <= from) {
        return;
    }
    constexpr std::uint64_t hardest = 4;
    const std::uint64_t over = std::min(usage.bytes + coming - from, most / 16);
    evict(work, coming + coming * hardest * over / std::max<std::uint64_t>(most / 16, 1), 0);
}

// What stood for these many bytes, and as many entries as told.
std::uint64_t Writer::evict(Work& work, std::uint64_t bytes, std::uint64_t entries) {
    std::uint64_t freed = 0, gone = 0;
    std::size_t spared = 0;
    bool round = false;
    while (freed < bytes || gone < entries) {
        std::vector<std::pair<std::string, std::uint64_t>> out;
        std::uint64_t looked = 0, sizes = 0;
        bool end = true;
        work.txn.each_place(sieve_.hand, [&](const Place& place) {
            if (looked == at_a_time || (freed + sizes >= bytes && gone + out.size() >= entries)) {
                end = false;
                return false;
            }
            ++looked;
            sieve_.hand = place.number + 1;
            const bool over = lapsed(place.row.deadline_ms, work.now_ms);
            if (!over && spared < longest_walk && sieve_.spare(place.number)) {
                ++spared;
                return true;
            }
            out.emplace_back(place.key, place.number);
            sizes += weight_of(place.key.size(), place.row.size);
            ++(over ? work.effects.expired : work.effects.evicted);
            return true;
        });
        for (const auto& [key, number] : out) {
            work.txn.erase(key, number);
        }
        freed += sizes;
        gone += out.size();
        if (end) {
            sieve_.hand = 0;
            if (std::exchange(round, looked == 0) && looked == 0) {
                break;  // there is nothing at all
            }
        }
    }
    return freed;
}

// In transactions of its own, as the one that had no room is gone; small ones, as they need room themselves.
bool Writer::make_room_by(int code, std::uint64_t coming, int round) {
    constexpr std::uint64_t least = std::uint64_t{256} << 10, at_once = 8;
    constexpr int most_steps = 64;
    // Twice, as a long value needs pages that stand together.
    const std::uint64_t enough = std::max(least, 2 * coming);
    try {
        // What was given up stays as long as somebody looks at it: a reader whose thread had to wait for a
        // processor in the middle of it holds all that was freed since.
        if (code == MDB_MAP_FULL && round == 0 && vault_.readers().outwait()) {
            settle_pages();
            return true;
        }
        if (no_disk(code)) {
            // What the file has on the disk is all there is for now.
            say_cramped(code, "the disk is full, new entries take the place of old ones");
            disk_bytes_ = std::max<std::uint64_t>(vault_.database().file_bytes() * 3 / 4, std::uint64_t{1} << 20);
            disk_until_ns_ = host_.mono_ns() + disk_pause_ns;
            Transaction txn(vault_.database());
            if (txn.give_reserve()) {
                txn.commit();
                settle_pages();
            }
        }
        for (int step = 0; step < most_steps; ++step) {
            if (!evict_some(enough / most_steps, at_once)) {
                return step != 0;
            }
        }
        settle_pages();
        return true;
    } catch (const Failure&) {
        return false;
    }
}

bool Writer::evict_some(std::uint64_t bytes, std::uint64_t entries) {
    Effects effects;
    Transaction txn(vault_.database());
    Work work{txn, leases_, sieve_, effects, host_.wall_ms(), host_.mono_ns()};
    if (txn.usage().entries == 0 || evict(work, bytes, entries) == 0) {
        return false;
    }
    txn.commit();
    after(effects, 0);
    return true;
}

// What a commit gives free is written over after the one behind it.
void Writer::settle_pages() {
    for (int turn = 0; turn < 2; ++turn) {
        Transaction txn(vault_.database());
        txn.stir();
        txn.commit();
    }
}

void Writer::mend() {
    const std::lock_guard writing(writing_);
    if (!vault_.is_open() || disk_bytes_ != 0) {
        return;
    }
    try {
        Transaction txn(vault_.database());
        txn.keep_reserve();
        txn.commit();
    } catch (const Failure& failure) {
        report(failure.code);
    }
}

std::string Writer::cramped() const {
    const std::lock_guard lock(line_mutex_);
    return cramped_;
}

}  // namespace larder::store_lmdb
