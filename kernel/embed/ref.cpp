// kernel/embed/ref.cpp -- the stock of refs, and the functions hosts call on one.
#include "kernel/embed/ref.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace larder::embed {
namespace {

// Of one thread. Plain pointers, so that what a thread releases while it ends finds a stock that is closed
// and not one that is gone.
struct Stock {
    static constexpr std::size_t most = 64;
    std::array<larder_ref*, most> refs{};
    std::size_t count = 0;
    bool closed = false;
    ~Stock() {
        closed = true;
        while (count > 0) delete refs[--count];
    }
};

thread_local Stock stock;

larder_ref* take() {
    if (stock.count == 0) return new larder_ref;
    larder_ref* const ref = stock.refs[--stock.count];
    ref->holders.store(1, std::memory_order_relaxed);
    return ref;
}

void put_back(larder_ref* ref) noexcept {
    if (stock.closed || stock.count == Stock::most) {
        delete ref;
        return;
    }
    stock.refs[stock.count++] = ref;
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
