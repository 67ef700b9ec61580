// plugins/store_memory/limbo.cpp -- closing batches, sorting out what is pinned, freeing.
#include "limbo.hpp"

#include "thread_card.hpp"

#include <larder/plugin/read_section.hpp>

#include <algorithm>
#include <bit>
#include <new>

namespace larder::store_memory {
namespace {

// Some references, to be asked for one: open addressing, half full.
class RefSet {
  public:
    explicit RefSet(std::size_t most) : slots_(std::bit_ceil(2 * most)) {}
    void add(std::uint32_t ref) noexcept { *find(ref) = {ref, false}; }
    bool marked(std::uint32_t ref) noexcept { return find(ref)->marked; }
    void mark(std::uint32_t ref) noexcept {
        Slot* const slot = find(ref);
        slot->marked = slot->ref == ref;
    }

  private:
    struct Slot {
        std::uint32_t ref = 0;
        bool marked = false;
    };
    Slot* find(std::uint32_t ref) noexcept {
        std::size_t at = ref * std::size_t{0x9e3779b97f4a7c15};
        for (at = at >> 32 & (slots_.size() - 1); slots_[at].ref != 0 && slots_[at].ref != ref;) {
            at = (at + 1) & (slots_.size() - 1);
        }
        return &slots_[at];
    }
    std::vector<Slot> slots_;
};

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
    Item item;
    item.ref = ref;
    item.what = what;
    item.bytes = bytes;
    add(stripe, item);
}

void Limbo::retire(std::uint32_t stripe, void* object, void (*drop)(void*)) noexcept {
    Item item;
    item.object = object;
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

// Moves what is pinned behind the rest; where that begins. Each pin is looked at once, however many
// there are.
std::vector<Limbo::Item>::iterator Limbo::part_pinned(std::vector<Item>& items) const {
    struct Context {
        const Arena& arena;
        RefSet set;
    } context{arena_, RefSet(items.size() + 1)};
    for (const Item& item : items) {
        if (item.what == What::entry) {
            context.set.add(item.ref);
        }
    }
    each_pin(
        [](void* at, const std::byte* head) noexcept {
            auto& [arena, set] = *static_cast<Context*>(at);
            if (arena.holds(head)) {
                set.mark(arena.ref_of(head));
            }
        },
        &context);
    return std::partition(items.begin(), items.end(), [&](const Item& item) {
        return item.what != What::entry || !context.set.marked(item.ref);
    });
}

// REQUIRES: the stripe's `sorting` is held, its mutex is not.
void Limbo::sort_out(Stripe& stripe) noexcept {
    const std::uint64_t safe = plugin::safe_ticket();
    try {
        std::vector<Item> over;
        {
            const std::lock_guard lock(stripe.mutex);
            auto batch_over = stripe.closed.begin();
            for (; batch_over != stripe.closed.end() && batch_over->ticket < safe; ++batch_over) {
                over.insert(over.end(), batch_over->items.begin(), batch_over->items.end());
            }
            stripe.closed.erase(stripe.closed.begin(), batch_over);
        }
        if (over.empty()) {
            return;
        }
        const auto kept = part_pinned(over);
        if (kept != over.end()) {
            const std::lock_guard lock(pinned_mutex_);
            for (auto item = kept; item != over.end(); ++item) {
                pinned_.push_back(*item);
                pinned_bytes_.fetch_add(item->bytes, std::memory_order_relaxed);
            }
        }
        const std::lock_guard lock(stripe.mutex);
        stripe.ready.insert(stripe.ready.end(), over.begin(), kept);
    } catch (const std::bad_alloc&) {
        // What was not sorted out is lost to the table, which is better than lost to a reader.
    }
}

void Limbo::look_at_pinned(bool due) noexcept {
    const std::lock_guard lock(pinned_mutex_);
    // Many are not looked at for the sake of a few that came.
    if (pinned_.empty() || (!due && ++passed_over_ * batch < pinned_.size())) {
        return;
    }
    passed_over_ = 0;
    try {
        const auto kept = part_pinned(pinned_);
        for (auto item = pinned_.begin(); item != kept; ++item) {
            pinned_bytes_.fetch_sub(item->bytes, std::memory_order_relaxed);
            free(*item);
        }
        pinned_.erase(pinned_.begin(), kept);
    } catch (const std::bad_alloc&) {
        // Next time.
    }
}

std::uint32_t Limbo::take_ready(std::uint32_t number) noexcept {
    Stripe& stripe = stripes_[number & mask_];
    const std::lock_guard lock(stripe.mutex);
    if (stripe.ready.empty() || stripe.ready.back().what != What::entry) {
        return 0;
    }
    const std::uint32_t ref = stripe.ready.back().ref;
    stripe.ready.pop_back();
    stripe.in_use = true;
    return ref;
}

void Limbo::step(std::uint32_t number) noexcept {
    Stripe& stripe = stripes_[number & mask_];
    std::array<Item, most_freed> now;
    std::size_t count = 0;
    bool due = false;
    {
        const std::lock_guard lock(stripe.mutex);
        due = stripe.open.size() >= batch || stripe.open_bytes > slack_;
        // A batch is kept for the puts to come.
        const std::size_t enough = std::min(most_freed, 3 + stripe.ready.size() / batch);
        while (count < enough && (stripe.ready.size() > batch ||
                                  (!stripe.ready.empty() && stripe.ready.back().what != What::entry))) {
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
                look_at_pinned(false);
            }
        }
    }
}

bool Limbo::settle(std::size_t most) noexcept {
    std::size_t left = most;
    bool more = false;
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
        try {
            const std::lock_guard lock(stripe.mutex);
            const std::size_t kept = stripe.in_use && most != SIZE_MAX ? batch : 0;
            const std::size_t now = std::min(left, stripe.ready.size() - std::min(kept, stripe.ready.size()));
            ready.assign(stripe.ready.end() - static_cast<std::ptrdiff_t>(now), stripe.ready.end());
            stripe.ready.resize(stripe.ready.size() - now);
            more |= stripe.ready.size() > kept;
            stripe.in_use = false;
        } catch (const std::bad_alloc&) {
            // Puts take them.
        }
        left -= ready.size();
        for (const Item& item : ready) {
            free(item);
        }
    }
    look_at_pinned(true);
    return more;
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
