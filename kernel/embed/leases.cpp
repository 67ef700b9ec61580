// kernel/embed/leases.cpp -- see leases.hpp.
#include "kernel/embed/leases.hpp"

#include <functional>
#include <utility>

namespace larder::embed {
namespace {

void append(Waiting& to, Waiting& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    from.clear();
}

}  // namespace

std::string LeaseBook::name(std::uint32_t ns, std::string_view key) {
    std::string out(reinterpret_cast<const char*>(&ns), sizeof ns);
    return out += key;
}

std::size_t LeaseBook::hash(std::uint32_t ns, std::string_view key) { return std::hash<std::string_view>{}(key) ^ (ns * 0x9e3779b9u); }

std::atomic<std::uint32_t>& LeaseBook::putting(std::uint32_t ns, std::string_view key) {
    return putting_[hash(ns, key) % putting_.size()];
}

std::mutex& LeaseBook::turn(std::uint32_t ns, std::string_view key) { return turns_[hash(ns, key) % turns_.size()]; }

void LeaseBook::leave(const Lease& lease, std::uint64_t id) {
    const auto found = by_key_.find(name(lease.ns, lease.key));
    if (found != by_key_.end() && found->second == id) by_key_.erase(found);
}

void LeaseBook::forget_old(std::uint64_t now_ns) {
    while (!ends_.empty() && ends_.front().first <= now_ns) {
        const auto old = leases_.find(ends_.front().second);
        // Who still waits has been handed back by the timer long ago; a fill under way ends by itself.
        if (old != leases_.end() && !old->second.filling) {
            leave(old->second, old->first);
            leases_.erase(old);
        }
        ends_.pop_front();
    }
    out_.store(leases_.size(), std::memory_order_seq_cst);
}

LeaseBook::Boarded LeaseBook::board(std::uint32_t ns, std::string_view key, std::uint64_t id, std::uint64_t now_ns, std::uint64_t seen,
                                    const std::shared_ptr<Get>& get) {
    const std::lock_guard lock(mutex_);
    forget_old(now_ns);
    std::string named = name(ns, key);
    if (const auto found = by_key_.find(named); found != by_key_.end()) {
        Lease& lease = leases_.at(found->second);
        if (get == nullptr) return {Boarding::led, 0};
        (lease.filling ? lease.late : lease.waiting).push_back(get);
        return {Boarding::waits, std::exchange(lease.timed, true) ? 0 : found->second};
    }
    if (leases_.size() >= most) return {Boarding::full, 0};
    const std::uint64_t ended = ended_.load(std::memory_order_relaxed);
    if (ended - seen > last_ended_.size()) return {Boarding::again, 0};
    for (; seen != ended; ++seen)
        if (last_ended_[seen % last_ended_.size()] == hash(ns, key)) return {Boarding::again, 0};
    Lease& lease = leases_[id];
    lease.ns = ns;
    lease.key = key;
    lease.until_ns = now_ns + life_ns;
    by_key_.emplace(std::move(named), id);
    ends_.emplace_back(lease.until_ns, id);
    out_.store(leases_.size(), std::memory_order_seq_cst);
    // Either this sees the put that is under way, or that put sees this lease.
    if (putting(ns, key).load(std::memory_order_seq_cst) != 0) lease.void_ = true;
    return {Boarding::leads, 0};
}

LeaseBook::Named LeaseBook::named(std::uint64_t id) const {
    const std::lock_guard lock(mutex_);
    const auto found = leases_.find(id);
    return found == leases_.end() ? Named{} : Named{true, found->second.ns, found->second.key};
}

LeaseBook::Taken LeaseBook::begin_fill(std::uint64_t id, std::uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    forget_old(now_ns);
    Taken out;
    const auto found = leases_.find(id);
    if (found == leases_.end() || found->second.filling) return out;
    found->second.filling = true;
    out.found = true;
    out.void_ = found->second.void_;
    out.ns = found->second.ns;
    out.key = found->second.key;
    return out;
}

LeaseBook::Taken LeaseBook::end_fill(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    Taken out;
    const auto found = leases_.find(id);
    if (found == leases_.end()) return out;
    out.found = true;
    out.void_ = found->second.void_;
    out.waiting = std::move(found->second.waiting);
    out.late = std::move(found->second.late);
    const std::uint64_t ended = ended_.load(std::memory_order_relaxed);
    last_ended_[ended % last_ended_.size()] = hash(found->second.ns, found->second.key);
    ended_.store(ended + 1, std::memory_order_release);
    leave(found->second, id);
    leases_.erase(found);
    out_.store(leases_.size(), std::memory_order_seq_cst);
    return out;
}

LeaseBook::Taken LeaseBook::fail(std::uint64_t id, std::uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    forget_old(now_ns);
    Taken out;
    const auto found = leases_.find(id);
    if (found == leases_.end() || found->second.filling) return out;
    out.found = true;
    out.ns = found->second.ns;
    out.key = found->second.key;
    out.waiting = std::move(found->second.waiting);
    leave(found->second, id);
    leases_.erase(found);
    out_.store(leases_.size(), std::memory_order_seq_cst);
    return out;
}

Waiting LeaseBook::over(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    const auto found = leases_.find(id);
    if (found == leases_.end() || found->second.filling) return {};
    found->second.timed = false;
    leave(found->second, id);
    return std::move(found->second.waiting);
}

Waiting LeaseBook::make_void(const std::string& named) {
    const auto found = by_key_.find(named);
    if (found == by_key_.end()) return {};
    Lease& lease = leases_.at(found->second);
    lease.void_ = true;
    Waiting out = std::move(lease.waiting);
    lease.waiting.clear();
    append(out, lease.late);
    // While it is being filled it stays where those who come find it.
    if (!lease.filling) by_key_.erase(found);
    return out;
}

Waiting LeaseBook::begin_put(std::uint32_t ns, std::string_view key) {
    putting(ns, key).fetch_add(1, std::memory_order_seq_cst);
    if (out_.load(std::memory_order_seq_cst) == 0) return {};
    const std::lock_guard lock(mutex_);
    return make_void(name(ns, key));
}

Waiting LeaseBook::end_put(std::uint32_t ns, std::string_view key) {
    Waiting out;
    if (out_.load(std::memory_order_seq_cst) != 0) {
        const std::lock_guard lock(mutex_);
        out = make_void(name(ns, key));
    }
    putting(ns, key).fetch_sub(1, std::memory_order_seq_cst);
    return out;
}

std::size_t LeaseBook::size() const { return out_.load(std::memory_order_seq_cst); }

}  // namespace larder::embed
