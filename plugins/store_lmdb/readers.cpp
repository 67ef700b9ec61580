// plugins/store_lmdb/readers.cpp -- see readers.hpp.
#include "readers.hpp"

#include "failure.hpp"

#include <thread>

namespace larder::store_lmdb {
namespace {

std::atomic<std::size_t> next_place{0};

std::size_t place_of_thread() noexcept {
    thread_local const std::size_t place = next_place.fetch_add(1, std::memory_order_relaxed);
    return place;
}

}  // namespace

Readers::Look::Look(Slot& slot) : slot_(slot), txn_(slot.txn) {
    if (txn_ == nullptr) {
        return;
    }
    if (const int code = ::mdb_txn_renew(txn_); code != MDB_SUCCESS) {
        slot_.taken.store(false, std::memory_order_release);
        throw Failure{code};
    }
}

Readers::Look::~Look() {
    if (txn_ != nullptr) {
        ::mdb_txn_reset(txn_);
    }
    slot_.taken.store(false, std::memory_order_release);
}

Readers::Slot& Readers::take() noexcept {
    for (std::size_t at = place_of_thread();; ++at) {
        Slot& slot = slots_[at % slots_.size()];
        if (!slot.taken.exchange(true, std::memory_order_acquire)) {
            return slot;
        }
        if ((at & 15) == 15) {
            std::this_thread::yield();
        }
    }
}

void Readers::take(Slot& slot) noexcept {
    while (slot.taken.exchange(true, std::memory_order_acquire)) {
        std::this_thread::yield();
    }
}

bool Readers::outwait() noexcept {
    constexpr int patience = 20'000;
    int turns = 0;
    for (Slot& slot : slots_) {
        while (slot.taken.exchange(true, std::memory_order_acquire)) {
            if (++turns == patience) {
                return false;
            }
            std::this_thread::yield();
        }
        slot.taken.store(false, std::memory_order_release);
    }
    return true;
}

Readers::Pause::Pause(Readers& all) noexcept : readers(all) {
    for (Slot& slot : readers.slots_) {
        take(slot);
    }
}

Readers::Pause::~Pause() {
    for (Slot& slot : readers.slots_) {
        slot.taken.store(false, std::memory_order_release);
    }
}

void Readers::open(MDB_env* env) {
    try {
        for (Slot& slot : slots_) {
            take(slot);
            const int code = ::mdb_txn_begin(env, nullptr, MDB_RDONLY, &slot.txn);
            if (code == MDB_SUCCESS) {
                ::mdb_txn_reset(slot.txn);
            }
            slot.taken.store(false, std::memory_order_release);
            must(code);
        }
    } catch (...) {
        close();
        throw;
    }
}

void Readers::close() noexcept {
    for (Slot& slot : slots_) {
        take(slot);
        if (slot.txn != nullptr) {
            ::mdb_txn_abort(slot.txn);
            slot.txn = nullptr;
        }
        slot.taken.store(false, std::memory_order_release);
    }
}

}  // namespace larder::store_lmdb
