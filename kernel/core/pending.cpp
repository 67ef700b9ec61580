// kernel/core/pending.cpp -- slots with a generation, and one word that decides who completes.
//
// A slot's word is its generation and three bits. `open`: the operation waits to be completed;
// whoever clears the bit has won and owns the completion. `emptied`: the winner is through with the
// slot; `armed`: take() is, which a timer may outrun. Whoever is the second to be through puts the
// slot back.
//
// A number is 40 bits of generation, 8 of pool, 16 of slot.
#include "kernel/core/pending.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

namespace larder {
namespace {

constexpr std::uint64_t open = 1, armed = 2, emptied = 4, one_generation = 8;
constexpr unsigned slot_bits = 16, pool_bits = 8;
constexpr std::uint64_t generation_mask = (std::uint64_t{1} << (64 - slot_bits - pool_bits)) - 1;
constexpr std::size_t chunk_size = 256, chunks = PendingPool::capacity / chunk_size;
constexpr std::size_t max_pools = std::size_t{1} << pool_bits;
static_assert(PendingPool::capacity == std::size_t{1} << slot_bits);
static_assert(sizeof(void*) == sizeof(std::uint64_t));

struct Slot {
    std::atomic<std::uint64_t> word{one_generation};
    Completion then;          // the winner's
    std::uint64_t timer = 0;  // set before `armed`; 0: none
};

using Number = std::uint64_t;

std::uint64_t generation_of(std::uint64_t word) noexcept {
    return (word / one_generation) & generation_mask;
}

void release(larder_value& value) noexcept {
    if (value.release != nullptr) value.release(&value);
}

}  // namespace

struct PendingPool::Pool {
    explicit Pool(std::size_t index) : number(index) {}

    Slot* slot_of(Number ctx) noexcept {
        const std::size_t index = ctx & (capacity - 1);
        Slot* const chunk = chunk_of[index / chunk_size].load(std::memory_order_acquire);
        return chunk != nullptr ? chunk + index % chunk_size : nullptr;
    }

    // A free slot; false: there is none.
    bool take_slot(std::size_t& index) {
        const std::lock_guard lock(mutex);
        if (free.empty() && !grow()) return false;
        index = free.back();
        free.pop_back();
        ++taken;
        return true;
    }

    void give_back(std::size_t index) {
        const std::lock_guard lock(mutex);
        free.push_back(static_cast<std::uint16_t>(index));
        if (--taken == 0 && closing) all_free.notify_all();
    }

    // Completes the operation unless somebody has. `timer`: by its own, which needs no cancelling.
    bool complete(Number ctx, bool timer, larder_status status, larder_value value) {
        Slot* const slot = slot_of(ctx);
        const std::uint64_t generation = ctx >> (slot_bits + pool_bits);
        if (slot == nullptr) return false;
        std::uint64_t word = slot->word.load(std::memory_order_acquire);
        do {
            if (generation_of(word) != generation || (word & open) == 0) return false;
        } while (!slot->word.compare_exchange_weak(word, word & ~open, std::memory_order_acq_rel,
                                                   std::memory_order_acquire));
        const Completion then = std::exchange(slot->then, nullptr);
        if ((slot->word.fetch_or(emptied, std::memory_order_acq_rel) & armed) != 0)
            end(ctx, *slot, timer);
        then(status, value);
        return true;
    }

    // By the second of complete() and take(): nobody else touches the slot any more.
    void end(Number ctx, Slot& slot, bool timer_ran) {
        if (const std::uint64_t timer = std::exchange(slot.timer, 0); timer != 0 && !timer_ran)
            executor->cancel(timer);
        const std::uint64_t word = slot.word.load(std::memory_order_relaxed) & ~(armed | emptied);
        std::uint64_t next = word + one_generation;
        if (generation_of(next) == 0) next += one_generation;  // the number 0 is nobody's
        slot.word.store(next, std::memory_order_release);
        give_back(ctx & (capacity - 1));
    }

    // REQUIRES: mutex held. False: all there may be are taken.
    bool grow() {
        if (built == chunks) return false;
        free.reserve((built + 1) * chunk_size);  // so that giving back never allocates
        chunk_of[built].store(new Slot[chunk_size], std::memory_order_release);
        for (std::size_t i = chunk_size; i-- > 0;)
            free.push_back(static_cast<std::uint16_t>(built * chunk_size + i));
        ++built;
        return true;
    }

    const std::size_t number;
    Executor* executor = nullptr;  // set while the pool is in use
    std::array<std::atomic<Slot*>, chunks> chunk_of{};
    std::atomic<std::uint64_t> unexpected{0};
    mutable std::mutex mutex;
    std::condition_variable all_free;
    std::vector<std::uint16_t> free;  // guarded by mutex, as what follows
    std::size_t built = 0;            // chunks
    std::size_t taken = 0;            // slots
    bool closing = false;
};

namespace {

// All pools there ever were, by number.
constinit std::array<std::atomic<PendingPool::Pool*>, max_pools> pools{};
constinit std::mutex pools_mutex;
constinit std::array<bool, max_pools> in_use{};  // guarded by pools_mutex

PendingPool::Pool* open_pool(Executor& executor) {
    const std::lock_guard lock(pools_mutex);
    std::size_t number = 0;
    while (number < max_pools && in_use[number]) ++number;
    assert(number < max_pools);
    if (number == max_pools) return nullptr;
    PendingPool::Pool* pool = pools[number].load(std::memory_order_relaxed);
    if (pool == nullptr) {
        pool = new PendingPool::Pool(number);
        pools[number].store(pool, std::memory_order_release);
    }
    in_use[number] = true;
    pool->executor = &executor;
    pool->unexpected.store(0, std::memory_order_relaxed);
    pool->closing = false;
    return pool;
}

Number number_of(void* ctx) noexcept { return std::bit_cast<Number>(ctx); }

void LARDER_CALL done(void* ctx, larder_status status, larder_value* value) noexcept {
    larder_value taken = value != nullptr ? *value : larder_value{};
    PendingPool::Pool* const pool =
        pools[(number_of(ctx) >> slot_bits) & (max_pools - 1)].load(std::memory_order_acquire);
    // A plugin that answers "later" for the second time answers nothing.
    if (status == LARDER_PENDING) status = LARDER_E_INTERNAL;
    if (pool != nullptr && pool->complete(number_of(ctx), false, status, taken)) return;
    if (pool != nullptr) pool->unexpected.fetch_add(1, std::memory_order_relaxed);
    release(taken);
}

}  // namespace

PendingPool::PendingPool(Executor& executor) : pool_(open_pool(executor)) {}

PendingPool::~PendingPool() {
    if (pool_ == nullptr) return;
    for (std::size_t index = 0; index < capacity; ++index) {
        Slot* const slot = pool_->slot_of(index);
        if (slot == nullptr) break;
        const std::uint64_t word = slot->word.load(std::memory_order_acquire);
        if ((word & open) != 0)
            pool_->complete(generation_of(word) << (slot_bits + pool_bits) | index, false,
                            LARDER_E_CANCELLED, {});
    }
    {
        // A done that won is done with the executor when its slot is free.
        std::unique_lock lock(pool_->mutex);
        pool_->closing = true;
        pool_->all_free.wait(lock, [this] { return pool_->taken == 0; });
    }
    const std::lock_guard lock(pools_mutex);
    in_use[pool_->number] = false;
}

PendingPool::Ticket PendingPool::take(std::chrono::nanoseconds timeout, Completion then) {
    std::size_t index = 0;
    if (pool_ == nullptr || !pool_->take_slot(index)) return {};
    Slot& slot = *pool_->slot_of(index);
    const std::uint64_t word = slot.word.load(std::memory_order_relaxed);
    const Number ctx =
        generation_of(word) << (slot_bits + pool_bits) | pool_->number << slot_bits | index;
    slot.then = std::move(then);
    slot.word.store(word | open, std::memory_order_release);
    if (timeout.count() > 0)
        slot.timer = pool_->executor->after(
            timeout, [pool = pool_, ctx] { pool->complete(ctx, true, LARDER_E_TIMEOUT, {}); });
    if ((slot.word.fetch_or(armed, std::memory_order_acq_rel) & emptied) != 0)
        pool_->end(ctx, slot, true);
    return {done, std::bit_cast<void*>(ctx)};
}

void PendingPool::settle(void* ctx, larder_status status, larder_value value) {
    assert(status != LARDER_PENDING);
    if (pool_ == nullptr || !pool_->complete(number_of(ctx), false, status, value)) release(value);
}

std::uint64_t PendingPool::unexpected() const noexcept {
    return pool_ != nullptr ? pool_->unexpected.load(std::memory_order_relaxed) : 0;
}

std::size_t PendingPool::waiting() const noexcept {
    if (pool_ == nullptr) return 0;
    const std::lock_guard lock(pool_->mutex);
    return pool_->taken;
}

}  // namespace larder
