// kernel/core/event_log.cpp -- two rings under a mutex each.
#include "kernel/core/event_log.hpp"

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace larder {
namespace {

constexpr std::size_t copied_at_once = 64;  // events, so that the lock is held for a short time

// The front of `text`, whole UTF-8 characters.
void cut(std::string& text) {
    if (text.size() <= max_event_text) return;
    std::size_t end = max_event_text;
    while (end > max_event_text - 4 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    text.resize(end);
    text.shrink_to_fit();
}

}  // namespace

struct EventLog::Ring {
    explicit Ring(std::size_t wanted) : capacity(std::max<std::size_t>(wanted, 1)) {}

    // Where event `number` is, or will be.
    std::size_t place(std::uint64_t number) const { return (number - 1) % capacity; }
    std::uint64_t first() const { return last - std::min<std::uint64_t>(last, capacity) + 1; }

    const std::size_t capacity;
    mutable std::mutex mutex;
    std::vector<Event> events;  // guarded by mutex, as what follows
    std::uint64_t last = 0;     // number
};

EventLog::EventLog(std::size_t capacity) : ring_(std::make_unique<Ring>(capacity)) {}
EventLog::~EventLog() = default;

void EventLog::add(std::uint64_t at_ms, int severity, std::string_view type, std::string text) {
    Event event{0, at_ms, severity, std::string(type), std::move(text)};
    cut(event.type);
    cut(event.text);
    const std::lock_guard lock(ring_->mutex);
    event.number = ring_->last + 1;
    const std::size_t place = ring_->place(event.number);
    if (place == ring_->events.size())
        ring_->events.push_back(std::move(event));
    else
        std::swap(ring_->events[place], event);  // the old one is freed behind the lock
    ++ring_->last;
}

std::uint64_t EventLog::each(std::uint64_t after,
                             const std::function<void(const Event&)>& fn) const {
    const std::uint64_t end = last();
    std::vector<Event> copied;
    while (after < end) {
        copied.clear();
        {
            const std::lock_guard lock(ring_->mutex);
            std::uint64_t number = std::max(after + 1, ring_->first());
            for (; number <= end && copied.size() < copied_at_once; ++number)
                copied.push_back(ring_->events[ring_->place(number)]);
        }
        if (copied.empty()) break;  // they all went while fn ran
        for (const Event& event : copied) fn(event);
        after = copied.back().number;
    }
    return after;
}

std::uint64_t EventLog::last() const {
    const std::lock_guard lock(ring_->mutex);
    return ring_->last;
}

struct DropLog::Ring {
    explicit Ring(std::size_t wanted) : capacity(std::max<std::size_t>(wanted, 1)) {}

    const Removal& at(std::uint64_t number) const { return removals[(number - 1) % capacity]; }

    const std::size_t capacity;
    mutable std::mutex mutex;
    std::vector<Removal> removals;                      // guarded by mutex, as what follows
    std::uint64_t last = 0;                             // number
    std::unordered_map<ScopeId, std::uint64_t> latest;  // number of each scope's last change
};

DropLog::DropLog(std::size_t capacity) : ring_(std::make_unique<Ring>(capacity)) {}
DropLog::~DropLog() = default;

void DropLog::add(Removal removal) {
    cut(removal.what);
    cut(removal.cause);
    const std::lock_guard lock(ring_->mutex);
    const std::uint64_t number = ring_->last + 1;
    const ScopeId scope = removal.scope;
    if (ring_->removals.size() < ring_->capacity) {
        ring_->removals.push_back(std::move(removal));
    } else {
        Removal& oldest = ring_->removals[(number - 1) % ring_->capacity];
        const auto found = ring_->latest.find(oldest.scope);
        if (found != ring_->latest.end() && found->second == number - ring_->capacity)
            ring_->latest.erase(found);
        std::swap(oldest, removal);
    }
    ring_->latest[scope] = number;
    ring_->last = number;
}

std::optional<Removal> DropLog::find(const ScopeId* scopes, std::size_t n) const {
    const std::lock_guard lock(ring_->mutex);
    std::uint64_t latest = 0;
    for (std::size_t i = 0; i < n; ++i)
        if (const auto found = ring_->latest.find(scopes[i]); found != ring_->latest.end())
            latest = std::max(latest, found->second);
    if (latest == 0) return std::nullopt;
    return ring_->at(latest);
}

std::vector<Removal> DropLog::last(std::size_t n) const {
    const std::lock_guard lock(ring_->mutex);
    std::vector<Removal> newest;
    n = std::min(n, ring_->removals.size());
    newest.reserve(n);
    for (std::uint64_t number = ring_->last; newest.size() < n; --number)
        newest.push_back(ring_->at(number));
    return newest;
}

}  // namespace larder
