// kernel/embed/ref.cpp -- the stock of refs, and the functions hosts call on one.
#include "kernel/embed/ref.hpp"

#include <cstddef>
#include <memory>
#include <utility>

namespace larder::embed {
namespace {

// Of one thread. Without a destructor of its own, so that a hit finds it without asking whether it has been made, and
// what a thread releases while it ends finds a stock that is closed and not one that is gone. Small, as all that is
// thread-local here: a library that is loaded late shares a kilobyte or two of such room with all others.
struct Stock {
    static constexpr std::size_t most = 64;
    larder_ref* first = nullptr;
    std::size_t count = 0;
    bool closed = false;
};

constinit thread_local Stock stock;

struct Closing {
    ~Closing() {
        stock.closed = true;
        while (stock.first != nullptr) delete std::exchange(stock.first, stock.first->next);
    }
};

larder_ref* take() {
    if (stock.first == nullptr) [[unlikely]] {
        thread_local const Closing at_end;
        static_cast<void>(at_end);
        return new larder_ref;
    }
    --stock.count;
    larder_ref* const ref = std::exchange(stock.first, stock.first->next);
    ref->holders.store(1, std::memory_order_relaxed);
    return ref;
}

void put_back(larder_ref* ref) noexcept {
    if (stock.closed || stock.count == Stock::most) {
        delete ref;
        return;
    }
    ++stock.count;
    ref->next = std::exchange(stock.first, ref);
}

}  // namespace

larder_ref* make_ref(larder_value& value, std::int64_t ttl_ms) {
    larder_ref* const ref = take();
    ref->value = value;
    ref->ttl_ms = ttl_ms;
    value = {};
    return ref;
}

larder_ref* make_ref(std::string text) {
    auto owned = std::make_unique<std::string>(std::move(text));
    larder_value value{};
    value.data = owned->data();
    value.size = owned->size();
    value.release = [](larder_value* gone) noexcept { delete static_cast<std::string*>(gone->pin); };
    value.pin = owned.get();
    larder_ref* const ref = make_ref(value, -1);
    owned.release();
    return ref;
}

void HeldRef::reset(larder_ref* ref) noexcept {
    larder_ref_release(ref_);
    ref_ = ref;
}

HeldRef HeldRef::share() const noexcept { return HeldRef(larder_ref_retain(ref_)); }

}  // namespace larder::embed

const void* larder_ref_data(const larder_ref* ref, size_t* n) {
    if (n != nullptr) *n = ref == nullptr ? 0 : ref->value.size;
    return ref == nullptr || ref->value.data == nullptr ? "" : ref->value.data;
}

int64_t larder_ref_ttl_ms(const larder_ref* ref) { return ref == nullptr ? -1 : ref->ttl_ms; }

larder_ref* larder_ref_retain(larder_ref* ref) {
    if (ref != nullptr) ref->holders.fetch_add(1, std::memory_order_relaxed);
    return ref;
}

void larder_ref_release(larder_ref* ref) {
    if (ref == nullptr) return;
    if (ref->holders.load(std::memory_order_acquire) != 1 && ref->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (ref->value.release != nullptr) ref->value.release(&ref->value);
    ref->value = {};
    larder::embed::put_back(ref);
}
