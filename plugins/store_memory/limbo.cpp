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

// REQUIRES: the stripe's `sorting` is held, its mutex is not.
void Limbo::sort_out(Stripe& stripe) noexcept {
    const std::uint64_t safe = plugin::safe_ticket();
    try {
        std::vector<Batch> over;
        {
            const std::lock_guard lock(stripe.mutex);
            const auto first_kept = std::find_if(stripe.closed.begin(), stripe.closed.end(),
                                                 [safe](const Batch& b) { return b.ticket >= safe; });
            over.assign(std::make_move_iterator(stripe.closed.begin()),
                        std::make_move_iterator(first_kept));
            stripe.closed.erase(stripe.closed.begin(), first_kept);
        }
        if (over.empty()) {
            return;
        }
        const auto pins = sorted_pins(arena_);
        for (Batch& batch_over : over) {
            const auto kept = std::partition(
                batch_over.items.begin(), batch_over.items.end(), [&](const Item& item) {
                    return item.what != What::entry || !is_pinned(pins, arena_.at(item.ref));
                });
            if (kept != batch_over.items.end()) {
                const std::lock_guard lock(pinned_mutex_);
                for (auto item = kept; item != batch_over.items.end(); ++item) {
                    pinned_.push_back(*item);
                    pinned_bytes_.fetch_add(item->bytes, std::memory_order_relaxed);
                }
                batch_over.items.erase(kept, batch_over.items.end());
            }
            const std::lock_guard lock(stripe.mutex);
            stripe.ready.insert(stripe.ready.end(), batch_over.items.begin(),
                                batch_over.items.end());
        }
    } catch (const std::bad_alloc&) {
        // What was not sorted out is lost to the table, which is better than lost to a reader.
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
    bool due = false;
    {
        const std::lock_guard lock(stripe.mutex);
        due = stripe.open.size() >= batch || stripe.open_bytes > slack_;
        const std::size_t enough = std::min(most_freed, 3 + stripe.ready.size() / batch);
        while (count < enough && !stripe.ready.empty()) {
            now[count++] = stripe.ready.back();
            stripe.ready.pop_back();
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        free(now[i]);
    }
    if (due) [[unlikely]] {
        const std::unique_lock sorting(stripe.sorting, std::try_to_lock);
        if (sorting) {
            try {
                const std::lock_guard lock(stripe.mutex);
                close(stripe);
            } catch (const std::bad_alloc&) {
                // The batch stays open.
            }
            sort_out(stripe);
            if (pinned_bytes() != 0) {
                look_at_pinned();
            }
        }
    }
}

void Limbo::settle() noexcept {
    for (std::uint32_t i = 0; i <= mask_; ++i) {
        Stripe& stripe = stripes_[i];
        const std::lock_guard sorting(stripe.sorting);
        try {
            const std::lock_guard lock(stripe.mutex);
            close(stripe);
        } catch (const std::bad_alloc&) {
            // Next time.
        }
        sort_out(stripe);
        std::vector<Item> ready;
        {
            const std::lock_guard lock(stripe.mutex);
            ready.swap(stripe.ready);
        }
        for (const Item& item : ready) {
            free(item);
        }
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
