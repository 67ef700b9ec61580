// plugins/store_memory/limbo.cpp -- closing batches, sorting out what is pinned, freeing.
#include "limbo.hpp"

#include "thread_card.hpp"

#include <larder/plugin/read_section.hpp>

#include <algorithm>
#include <new>

namespace larder::store_memory {
namespace {

bool is_pinned(const std::vector<const std::byte*>& pins, const std::byte* head) noexcept {
    return std::binary_search(pins.begin(), pins.end(), head);
}

std::vector<const std::byte*> sorted_pins(const Arena& arena) {
    std::vector<const std::byte*> pins;
    collect_pins(pins);
    std::erase_if(pins, [&](const std::byte* head) { return !arena.holds(head); });
    std::sort(pins.begin(), pins.end());
    return pins;
}

}  // namespace

Limbo::Limbo(Arena& arena, std::uint64_t slack_bytes)
    : arena_(arena),
      slack_(slack_bytes / arena.stripes()),
      stripes_(std::make_unique<Stripe[]>(arena.stripes())),
      mask_(arena.stripes() - 1) {}

Limbo::~Limbo() {
    settle();
    for (const Item& item : pinned_) {
        free(item);
    }
}

void Limbo::free(const Item& item) noexcept {
    if (item.object != nullptr) {
        item.drop(item.object);
    } else {
        arena_.give(item.ref);
    }
}

void Limbo::retire(std::uint32_t stripe, std::uint32_t ref, std::uint64_t bytes,
                   What what) noexcept {
    Item item{nullptr, {}, ref, what};
    item.bytes = bytes;
    add(stripe, item);
}

void Limbo::retire(std::uint32_t stripe, void* object, void (*drop)(void*)) noexcept {
    Item item{object, {}, 0, What::index};
    item.drop = drop;
    add(stripe, item);
}

void Limbo::add(std::uint32_t number, const Item& item) noexcept {
    Stripe& stripe = stripes_[number & mask_];
    const std::lock_guard lock(stripe.mutex);
    try {
        stripe.open.push_back(item);
        stripe.open_bytes += item.object == nullptr ? item.bytes : 0;
    } catch (const std::bad_alloc&) {
        // No memory to remember it: wait for its readers, and leave it be if it is pinned.
        const std::uint64_t ticket = plugin::retire_ticket();
        while (plugin::safe_ticket() <= ticket) {
        }
        if (item.object != nullptr || item.what == What::index) {
            free(item);
        }
    }
}

// REQUIRES: the stripe's mutex is held.
void Limbo::close(Stripe& stripe) {
    if (stripe.open.empty()) {
        return;
    }
    stripe.closed.emplace_back();
    stripe.closed.back().items.swap(stripe.open);
    stripe.open_bytes = 0;
    stripe.closed.back().ticket = plugin::retire_ticket();
}

void Limbo::sort_out(Stripe& stripe) noexcept {
    if (stripe.closed.empty()) {
        return;
    }
    const std::uint64_t safe = plugin::safe_ticket();
    if (stripe.closed.front().ticket >= safe) {
        return;
    }
    try {
        const auto pins = sorted_pins(arena_);
        std::size_t done = 0;
        for (; done < stripe.closed.size() && stripe.closed[done].ticket < safe; ++done) {
            std::vector<Item>& items = stripe.closed[done].items;
            while (!items.empty()) {
                const Item item = items.back();
                if (item.what == What::entry && is_pinned(pins, arena_.at(item.ref))) {
                    const std::lock_guard lock(pinned_mutex_);
                    pinned_.push_back(item);
                    pinned_bytes_.fetch_add(item.bytes, std::memory_order_relaxed);
                } else {
                    stripe.ready.push_back(item);
                }
                items.pop_back();
            }
            if (stripe.open.capacity() == 0) {
                stripe.open.swap(items);
            }
        }
        stripe.closed.erase(stripe.closed.begin(),
                            stripe.closed.begin() + static_cast<std::ptrdiff_t>(done));
    } catch (const std::bad_alloc&) {
        // What is not sorted out yet stays in its batch.
    }
}

void Limbo::look_at_pinned() noexcept {
    const std::lock_guard lock(pinned_mutex_);
    if (pinned_.empty()) {
        return;
    }
    try {
        const auto pins = sorted_pins(arena_);
        std::erase_if(pinned_, [&](const Item& item) {
            if (is_pinned(pins, arena_.at(item.ref))) {
                return false;
            }
            pinned_bytes_.fetch_sub(item.bytes, std::memory_order_relaxed);
            free(item);
            return true;
        });
    } catch (const std::bad_alloc&) {
        // Next time.
    }
}

void Limbo::step(std::uint32_t number) noexcept {
    Stripe& stripe = stripes_[number & mask_];
    std::array<Item, most_freed> now;
    std::size_t count = 0;
    {
        const std::lock_guard lock(stripe.mutex);
        if (stripe.open.size() >= batch || stripe.open_bytes > slack_) [[unlikely]] {
            try {
                close(stripe);
                sort_out(stripe);
            } catch (const std::bad_alloc&) {
                // The batch stays open.
            }
            if (pinned_bytes() != 0) {
                look_at_pinned();
            }
        }
        const std::size_t enough = std::min(most_freed, 3 + stripe.ready.size() / batch);
        while (count < enough && !stripe.ready.empty()) {
            now[count++] = stripe.ready.back();
            stripe.ready.pop_back();
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        free(now[i]);
    }
}

void Limbo::settle() noexcept {
    for (std::uint32_t i = 0; i <= mask_; ++i) {
        Stripe& stripe = stripes_[i];
        const std::lock_guard lock(stripe.mutex);
        try {
            close(stripe);
            sort_out(stripe);
        } catch (const std::bad_alloc&) {
            // Next time.
        }
        for (const Item& item : stripe.ready) {
            free(item);
        }
        stripe.ready.clear();
    }
    look_at_pinned();
}

std::uint64_t Limbo::waiting() const noexcept {
    std::uint64_t count = 0;
    for (std::uint32_t i = 0; i <= mask_; ++i) {
        const std::lock_guard lock(stripes_[i].mutex);
        count += stripes_[i].open.size() + stripes_[i].ready.size();
        for (const Batch& b : stripes_[i].closed) {
            count += b.items.size();
        }
    }
    return count;
}

}  // namespace larder::store_memory
