// kernel/embed/gets.cpp -- get and read; see gets.hpp.
#include "kernel/embed/gets.hpp"

#include <cstring>
#include <utility>

namespace larder::embed {
namespace {

// Never given twice in this process, and no gateway's.
std::uint64_t fresh_id() noexcept {
    static std::atomic<std::uint64_t> blocks{0};
    constexpr std::uint64_t size = 1u << 16;
    thread_local std::uint64_t next = 0, end = 0;
    if (next == end) [[unlikely]] {
        next = (1ull << 63) + blocks.fetch_add(1, std::memory_order_relaxed) * size + 1;
        end = next + size - 1;
    }
    return next++;
}

std::uint64_t patience_of(const larder_kernel& k, const SpaceFacts& facts) { return facts.patience_ns != 0 ? facts.patience_ns : k.deadline_ns; }

}  // namespace

void Get::begin(larder_kernel* k, std::uint32_t ns, std::string_view key, const larder_loop* loop, std::uint64_t user, bool may_lead) {
    kernel_ = k;
    ns_ = ns;
    key_ = key;
    if (loop != nullptr) queue_ = loop->queue;
    else if (queue_ != nullptr) queue_.reset();
    user_ = user;
    ticket_ = until_ns_ = 0;
    turns_ = 0;
    may_lead_ = may_lead;
    is_ended_ = known_ = false;
}

Outcome Get::run() { return look(); }

Outcome Get::look() {
    const bool leased = may_lead_ && !kernel_->facts_of(ns_).sourced;
    id_ = fresh_id();
    seen_ = kernel_->leases.ended();
    prepare(leased ? LARDER_GET_FENCE | LARDER_GET_STALE : 0, id_, queue_ != nullptr);
    item_ = {};
    item_.ns = ns_;
    item_.key = bytes(key_);
    const larder_status status = kernel_->cache().get_many(&item_, 1, &call_);
    if (status == LARDER_PENDING) {
        if (ticket_ == 0) ticket_ = queue_->begin(user_);
        known_ = true;
        const bool heard = ticket_ != 0;
        if (went_away()) return {heard ? LARDER_R_WAIT : refuse(LARDER_R_BUSY, "more is under way on this loop than it holds"), {}, 0};
    } else if (status < 0) {
        return {result_of(status), {}, 0};
    }
    return judge(true);
}

Outcome Get::judge(bool first) {
    if (item_.status == LARDER_OK && (item_.found & (LARDER_FOUND_STALE | LARDER_FOUND_ABSENT)) == 0) [[likely]]
        return {LARDER_R_HIT, HeldRef(make_ref(item_.value, item_.ttl_ms)), 0};
    HeldRef held;
    if (item_.value.release != nullptr) held.reset(make_ref(item_.value, item_.ttl_ms));
    if (item_.status == LARDER_E_INVALID) {
        char why[512] = {};
        larder_errbuf buffer{why, sizeof why, 0};
        if (kernel_->cache().check_key(ns_, key_, &buffer) != LARDER_OK && buffer.len != 0) return {refuse(LARDER_R_INVALID, std::string(why, buffer.len)), {}, 0};
        return {refuse(LARDER_R_INVALID, "the policy has no such namespace, or it has no entries of its own"), {}, 0};
    }
    if (item_.status < 0) return {result_of(item_.status), {}, 0};
    const bool changed = kernel_->refresh_facts();
    const SpaceFacts facts = kernel_->facts_of(ns_);
    // Asked for as the namespace was before the policy changed.
    if (changed && first && may_lead_ && facts.sourced != ((call_.flags & LARDER_GET_FENCE) == 0)) return look();
    if (item_.status == LARDER_OK && (item_.found & LARDER_FOUND_ABSENT) != 0) return {LARDER_R_ABSENT, {}, 0};
    if (item_.status == LARDER_MISS) {
        if (!may_lead_) return {LARDER_R_NONE, {}, 0};
        if (facts.sourced) return {LARDER_R_ABSENT, {}, 0};  // its source has none
        return miss();
    }
    if (facts.sourced) return {LARDER_R_STALE, std::move(held), 0};  // it is made anew behind
    const std::uint64_t stale_for = static_cast<std::uint64_t>(item_.ttl_ms < 0 ? -item_.ttl_ms : 0) * 1'000'000;
    if (stale_for >= facts.revalidating_ns) return miss();
    const LeaseBook::Boarded boarded = kernel_->leases.board(ns_, key_, id_, kernel_->now_ns(), seen_, nullptr);
    return {LARDER_R_STALE, std::move(held), boarded.end == LeaseBook::Boarding::leads ? id_ : 0};
}

Outcome Get::miss() {
    const SpaceFacts facts = kernel_->facts_of(ns_);
    const std::uint64_t now = kernel_->now_ns(), patience = patience_of(*kernel_, facts);
    if (until_ns_ == 0) until_ns_ = now + 2 * patience;
    else if (now >= until_ns_) return {LARDER_R_PASS, {}, 0};
    const bool new_ticket = queue_ != nullptr && ticket_ == 0;
    if (new_ticket && (ticket_ = queue_->begin(user_)) == 0) return {refuse(LARDER_R_BUSY, "more is under way on this loop than it holds"), {}, 0};
    {
        const std::lock_guard lock(mutex_);
        is_ended_ = false;
    }
    known_ = true;
    const LeaseBook::Boarded boarded = kernel_->leases.board(ns_, key_, id_, now, seen_, std::static_pointer_cast<Get>(shared_from_this()));
    if (boarded.end == LeaseBook::Boarding::waits) {
        if (boarded.patience_id != 0)
            kernel_->after(patience, [k = kernel_, id = boarded.patience_id] { wake(k, k->leases.over(id)); });
        return queue_ != nullptr ? Outcome{LARDER_R_WAIT, {}, 0} : wait_here();
    }
    if (new_ticket) {
        queue_->forget(ticket_);
        ticket_ = 0;
    }
    if (boarded.end == LeaseBook::Boarding::again && ++turns_ < 4) return look();
    if (boarded.end != LeaseBook::Boarding::leads) return {LARDER_R_PASS, {}, 0};
    return {LARDER_R_LEASE, {}, id_};
}

Outcome Get::wait_here() {
    if (kernel_->executor != nullptr) {  // nothing runs unless somebody moves the time, and that may be this thread
        kernel_->run_due();
        const std::lock_guard lock(mutex_);
        if (!is_ended_) outcome_ = {LARDER_R_PASS, {}, 0};
        is_ended_ = true;
    } else {
        std::unique_lock lock(mutex_);
        const std::uint64_t now = kernel_->now_ns();
        if (!ended_.wait_for(lock, std::chrono::nanoseconds(until_ns_ > now ? until_ns_ - now : 0), [this] { return is_ended_; })) {
            is_ended_ = true;  // whoever comes late finds nobody
            return {LARDER_R_PASS, {}, 0};
        }
    }
    if (outcome_.result == LARDER_R_WAIT) return look();
    return std::move(outcome_);
}

void Get::end(Outcome outcome) noexcept {
    if (queue_ != nullptr) return deliver(kernel_, *queue_, ticket_, std::move(outcome));
    {
        const std::lock_guard lock(mutex_);
        if (is_ended_) return;
        is_ended_ = true;
        outcome_ = std::move(outcome);
    }
    ended_.notify_one();
}

void Get::again() noexcept {
    if (queue_ == nullptr) return end({LARDER_R_WAIT, {}, 0});
    Outcome outcome;
    try {
        outcome = look();
    } catch (const std::exception&) {
        outcome = {LARDER_R_PASS, {}, 0};
    }
    if (outcome.result != LARDER_R_WAIT) end(std::move(outcome));
}

void Get::land() noexcept {
    Outcome outcome;
    try {
        outcome = judge(true);
    } catch (const std::exception&) {
        outcome = {LARDER_R_PASS, {}, 0};
    }
    if (outcome.result != LARDER_R_WAIT) end(std::move(outcome));
}

void wake(larder_kernel* k, Waiting waiting) {
    for (const std::shared_ptr<Get>& one : waiting)
        if (!k->post([one] { one->again(); })) one->end({LARDER_R_PASS, {}, 0});
}

}  // namespace larder::embed

using namespace larder;
using embed::guarded;
using embed::refuse;

namespace {

// The one of this thread, for as long as nobody else has come to know it.
embed::Get& spare_get() {
    thread_local std::shared_ptr<embed::Get> spare;
    if (spare == nullptr || spare->known()) [[unlikely]] spare = std::make_shared<embed::Get>();
    return *spare;
}

}  // namespace

larder_result larder_kernel_get(larder_kernel* k, int32_t space, const char* key, size_t n, larder_loop* loop, uint64_t user, larder_ref** ref, uint64_t* lease) {
    return guarded(k, [&]() -> larder_result {
        if (ref == nullptr || lease == nullptr) return refuse(LARDER_R_INVALID, "ref and lease are where a get writes: neither may be NULL");
        embed::Get& get = spare_get();
        get.begin(k, static_cast<std::uint32_t>(space), embed::text(key, n), loop, user, true);
        embed::Outcome outcome = get.run();
        if (outcome.result == LARDER_R_WAIT) return LARDER_R_WAIT;
        *ref = outcome.ref.give();
        *lease = outcome.lease;
        return outcome.result;
    });
}

int64_t larder_kernel_read(larder_kernel* k, int32_t space, const char* key, size_t n, void* buf, size_t cap, uint64_t* lease) {
    std::int64_t length = -1;
    const larder_result result = guarded(k, [&]() -> larder_result {
        static const std::shared_ptr<embed::LoopQueue> nobody = [] {
            auto queue = std::make_shared<embed::LoopQueue>();
            return queue;
        }();
        const larder_loop unheard{k, nobody};
        embed::Get& get = spare_get();
        get.begin(k, static_cast<std::uint32_t>(space), embed::text(key, n), &unheard, 0, lease != nullptr);
        embed::Outcome outcome = get.run();
        if (outcome.result == LARDER_R_WAIT) nobody->cancel(0);
        if (outcome.result == LARDER_R_STALE) {
            if (outcome.lease == 0) return LARDER_R_WAIT;
            outcome.result = LARDER_R_LEASE;
        }
        if (outcome.lease != 0) *lease = outcome.lease;
        if (outcome.result != LARDER_R_HIT) return outcome.result;
        std::size_t size = 0;
        const void* const data = larder_ref_data(outcome.ref.get(), &size);
        if (size <= cap && size > 0) std::memcpy(buf, data, size);
        length = static_cast<std::int64_t>(size);
        return LARDER_R_HIT;
    });
    if (result == LARDER_R_HIT) return length;
    return result > 0 ? -16 - result : result;
}
