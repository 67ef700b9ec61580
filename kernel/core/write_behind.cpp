// kernel/core/write_behind.cpp -- see write_behind.hpp.
#include "kernel/core/write_behind.hpp"

#include <algorithm>

namespace larder {
namespace {

// A journal shorter than this is not worth writing anew.
constexpr std::uint64_t small_file = 1u << 20;

std::uint64_t ns_of(Ms time) { return static_cast<std::uint64_t>(std::max<Ms::rep>(time.count(), 0)) * 1'000'000; }

}  // namespace

std::shared_ptr<WriteBehind> WriteBehind::open(const WriteBehindOptions& options, Parts parts, std::vector<std::string>& said, std::string& problem) {
    const std::shared_ptr<WriteBehind> made(new WriteBehind(options, std::move(parts)));
    const std::uint64_t now = made->parts_.clock->mono_ns(), wall = made->parts_.clock->wall_ms();
    Journal::Opened left;
    made->journal_ = Journal::open(options.file, wall, left, problem);
    if (made->journal_ == nullptr) return nullptr;
    said = std::move(left.said);
    for (const JournalWrite& write : left.writes) {
        Write one;
        one.number = write.number;
        one.at_ms = write.at_ms;
        one.at_ns = now - std::min(now, ns_of(Ms(wall > write.at_ms ? wall - write.at_ms : 0)));
        if (!write.remove) one.value = std::make_shared<const std::string>(write.value);
        made->put(made->queue_of(write.space), write.key, std::move(one), now);
    }
    if (!left.writes.empty()) said.push_back(options.file + ": " + std::to_string(made->waiting_) + " writes of before are brought to their sources");
    return made;
}

void WriteBehind::start() {
    const std::lock_guard lock(mutex_);
    started_ = true;
    for (auto& [name, queue] : queues_) wake(queue);
}

void WriteBehind::stop(std::uint64_t deadline_ns) {
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    for (auto& [name, queue] : queues_) {
        if (queue.timer != 0) parts_.executor->cancel(queue.timer);
        queue.timer = 0;
    }
    room_.notify_all();
    const std::uint64_t now = parts_.clock->mono_ns();
    idle_.wait_for(lock, std::chrono::nanoseconds(deadline_ns > now ? deadline_ns - now : 0), [&] { return busy_ == 0; });
    if (busy_ != 0) return;
    for (auto& [name, queue] : queues_)
        while (started_ && parts_.clock->mono_ns() < deadline_ns && send_some(lock, queue, true)) {
        }
}

WriteBehind::Queue& WriteBehind::queue_of(std::string_view space) {
    auto it = queues_.find(space);
    if (it == queues_.end()) it = queues_.try_emplace(std::string(space)).first;
    it->second.space = it->first;
    return it->second;
}

WriteBehind::Entry* WriteBehind::find(std::string_view space, std::string_view key) const {
    const auto queue = queues_.find(space);
    if (queue == queues_.end()) return nullptr;
    const auto it = queue->second.entries.find(key);
    return it == queue->second.entries.end() ? nullptr : it->second.get();
}

// One that takes the place of another needs no more room than it is larger.
bool WriteBehind::fits(std::string_view space, std::string_view key, std::size_t weight) const {
    const Entry* entry = find(space, key);
    const std::size_t replaced = entry != nullptr && entry->next ? entry->weight(*entry->next) : 0;
    if (waiting_ == 0) return true;
    return (replaced != 0 || waiting_ < options_.writes) && bytes_ + weight <= options_.bytes + replaced;
}

void WriteBehind::forget(const Entry& entry, const Write& write) {
    --waiting_;
    bytes_ -= entry.weight(write);
    ages_.erase(ages_.find(write.at_ns));
}

void WriteBehind::put(Queue& queue, std::string_view key, Write write, std::uint64_t due_ns) {
    auto it = queue.entries.find(key);
    if (it == queue.entries.end()) {
        auto made = std::make_unique<Entry>();
        made->key = key;
        made->queue = &queue;
        const std::string_view name = made->key;
        it = queue.entries.emplace(name, std::move(made)).first;
    }
    Entry& entry = *it->second;
    if (entry.next) {
        // The key waits as long as the first of them does.
        Write& old = *entry.next;
        forget(entry, old);
        ++covered_;
        write.covers = std::move(old.covers);
        write.covers.push_back(old.number);
        write.at_ms = old.at_ms;
        write.at_ns = old.at_ns;
        due_ns = entry.due_ns;
    }
    ++waiting_;
    bytes_ += entry.weight(write);
    ages_.insert(write.at_ns);
    const bool stands = entry.next.has_value();
    entry.next = std::move(write);
    if (entry.flying) entry.due_ns = due_ns;  // it stands in line when that one is back
    else if (!stands) enqueue(entry, due_ns);
}

void WriteBehind::enqueue(Entry& entry, std::uint64_t due_ns) {
    entry.due_ns = due_ns;
    entry.queue->due.emplace(due_ns, &entry);
}

std::uint64_t WriteBehind::add(std::string_view space, std::string_view key, std::string_view value, bool remove, Ms delay, std::uint64_t deadline_ns) {
    auto kept = remove ? nullptr : std::make_shared<const std::string>(value);
    const std::size_t weight = key.size() + value.size();
    std::unique_lock lock(mutex_);
    if (!fits(space, key, weight)) {
        const std::uint64_t now = parts_.clock->mono_ns();
        const std::chrono::nanoseconds left(deadline_ns > now && waiters_ < options_.waiters ? deadline_ns - now : 0);
        ++waiters_;
        const bool room = room_.wait_for(lock, left, [&] { return stopping_ || fits(space, key, weight); });
        --waiters_;
        if (!room) {
            ++turned_away_;
            return 0;
        }
    }
    if (stopping_ || (journal_->broken() && !rewrite())) return 0;
    Write write;
    write.at_ms = parts_.clock->wall_ms();
    write.at_ns = parts_.clock->mono_ns();
    write.value = std::move(kept);
    write.number = journal_->add({0, write.at_ms, remove, space, key, value});
    const std::uint64_t number = write.number, due = write.at_ns + ns_of(delay);
    Queue& queue = queue_of(space);
    put(queue, key, std::move(write), due);
    wake(queue);
    return number;
}

// Sees to it that the queue's first write is sent when it is due. REQUIRES the mutex.
void WriteBehind::wake(Queue& queue) {
    if (!started_ || stopping_ || queue.pumping || queue.due.empty()) return;
    const std::uint64_t now = parts_.clock->mono_ns();
    std::uint64_t at = std::max(queue.due.begin()->first, queue.not_before_ns);
    if (at <= now) {
        if (parts_.executor->post(true, [self = shared_from_this(), &queue] { self->pump(queue); })) {
            queue.pumping = true;
            ++busy_;
            return;
        }
        at = now + ns_of(options_.retry_least);  // too much to do
    }
    if (queue.timer != 0) {
        if (queue.timer_ns <= at) return;
        parts_.executor->cancel(queue.timer);
    }
    queue.timer_ns = at;
    queue.timer = parts_.executor->after(std::chrono::nanoseconds(at - now), [self = shared_from_this(), &queue] {
        const std::lock_guard lock(self->mutex_);
        queue.timer = 0;
        self->wake(queue);
    });
}

void WriteBehind::pump(Queue& queue) {
    std::unique_lock lock(mutex_);
    if (!stopping_) send_some(lock, queue, false);
    queue.pumping = false;
    --busy_;
    idle_.notify_all();
    wake(queue);
}

// Sends a batch of what is due, or of everything. False: there was nothing, or nothing of it arrived.
bool WriteBehind::send_some(std::unique_lock<std::mutex>& lock, Queue& queue, bool all) {
    const std::uint64_t now = parts_.clock->mono_ns();
    std::vector<Entry*> sent;
    std::vector<SourceWrite> writes;
    while (!queue.due.empty() && sent.size() < options_.batch && (all || queue.due.begin()->first <= now)) {
        Entry& entry = *queue.due.begin()->second;
        queue.due.erase(queue.due.begin());
        entry.flying = std::move(entry.next);
        entry.next.reset();
        sent.push_back(&entry);
        const Write& write = *entry.flying;
        writes.push_back({entry.key, write.value ? std::string_view(*write.value) : std::string_view(), write.value == nullptr, LARDER_E_CLOSED});
    }
    if (sent.empty()) return false;
    const std::uint64_t sent_before = sent_;
    lock.unlock();
    parts_.send(queue.space, writes);
    lock.lock();
    settle(queue, sent, writes);
    // Without those that are done it may be short again.
    const std::uint64_t size = journal_->bytes();
    if (size > small_file && size / 2 > bytes_) rewrite();
    room_.notify_all();
    lock.unlock();
    journal_->write_out();
    lock.lock();
    return sent_ != sent_before;
}

void WriteBehind::settle(Queue& queue, std::span<Entry* const> sent, std::span<const SourceWrite> outcome) {
    const std::uint64_t now = parts_.clock->mono_ns();
    const auto arrived = [](const SourceWrite& write) { return write.status >= 0; };
    const bool none = std::none_of(outcome.begin(), outcome.end(), arrived);
    if (none) queue.not_before_ns = now + longer(queue.pause_ns);
    else queue.pause_ns = queue.not_before_ns = 0;
    std::vector<std::uint64_t> numbers;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        Entry& entry = *sent[i];
        Write& write = *entry.flying;
        if (arrived(outcome[i])) {
            ++sent_;
            numbers.push_back(write.number);
            numbers.insert(numbers.end(), write.covers.begin(), write.covers.end());
            forget(entry, write);
            entry.flying.reset();
            entry.pause_ns = 0;
            if (entry.next) enqueue(entry, entry.due_ns);
            else queue.entries.erase(std::string_view(entry.key));
            continue;
        }
        ++retries_;
        const std::uint64_t again = none ? now : now + longer(entry.pause_ns);
        if (entry.next) {
            // Whether it arrived or not: the newer one says what holds.
            ++covered_;
            entry.next->covers.insert(entry.next->covers.end(), write.covers.begin(), write.covers.end());
            entry.next->covers.push_back(write.number);
            forget(entry, write);
            if (write.at_ns < entry.next->at_ns) {
                ages_.erase(ages_.find(entry.next->at_ns));
                ages_.insert(write.at_ns);
                entry.next->at_ns = write.at_ns;
                entry.next->at_ms = write.at_ms;
            }
        } else {
            entry.next = std::move(write);
        }
        entry.flying.reset();
        enqueue(entry, again);
    }
    if (!numbers.empty()) journal_->done(numbers);
}

// The pause after another failure, half of it by chance: sources that come back are not asked by all at once.
std::uint64_t WriteBehind::longer(std::uint64_t& pause_ns) const {
    pause_ns = std::clamp(pause_ns * 2, ns_of(options_.retry_least), ns_of(options_.retry_most));
    return pause_ns / 2 + parts_.random->next() % (pause_ns / 2 + 1);
}

// What is here is all that the journal has to have.
bool WriteBehind::rewrite() {
    std::vector<JournalWrite> all;
    const auto keep = [&](const Queue& queue, const Entry& entry, const std::optional<Write>& write) {
        if (!write) return;
        all.push_back({write->number, write->at_ms, write->value == nullptr, queue.space, entry.key,
                       write->value ? std::string_view(*write->value) : std::string_view()});
    };
    for (const auto& [name, queue] : queues_)
        for (const auto& [key, entry] : queue.entries) {
            keep(queue, *entry, entry->flying);
            keep(queue, *entry, entry->next);
        }
    return journal_->rewrite(all);
}

std::optional<WriteBehind::Newest> WriteBehind::newest(std::string_view space, std::string_view key) const {
    const std::lock_guard lock(mutex_);
    const Entry* entry = find(space, key);
    if (entry == nullptr) return std::nullopt;
    const Write& write = entry->next ? *entry->next : *entry->flying;
    if (write.value == nullptr) return Newest{true, {}};
    return Newest{false, *write.value};
}

WriteBehindFigures WriteBehind::figures() const {
    const std::lock_guard lock(mutex_);
    WriteBehindFigures out;
    out.waiting = waiting_;
    out.bytes = bytes_;
    const std::uint64_t now = parts_.clock->mono_ns();
    if (!ages_.empty()) out.oldest_ms = (now - std::min(now, *ages_.begin())) / 1'000'000;
    out.journal_bytes = journal_->bytes();
    out.sent = sent_;
    out.covered = covered_;
    out.retries = retries_;
    out.turned_away = turned_away_;
    return out;
}

}  // namespace larder
