// tests/sim/scheduler.cpp -- the queue, the baton, and the pool of threads it goes round in.
#include "tests/sim/scheduler.hpp"

#include "kernel/core/durations.hpp"
#include "tests/sim/waiting.hpp"

#include <algorithm>
#include <pthread.h>
#include <semaphore.h>
#include <thread>
#include <utility>

extern "C" char __data_start, _end;  // the linker's: where static storage begins and ends

namespace larder::sim {

// Threads are kept from one world to the next: making one costs more than a short world. They are never
// joined, as a world that failed may leave some of them waiting for ever.
struct Worker {
    sem_t go;
    std::function<void()> fn;
    std::string name;
    Scheduler* scheduler = nullptr;
    void* waits_for = nullptr;
    bool woken = false;
    bool done = true;
    std::uint64_t turn = 0;
    unsigned held = 0;  // locks
    std::uint64_t held_up_ns = 0;
};

namespace {

thread_local Scheduler* this_scheduler = nullptr;
thread_local Worker* this_worker = nullptr;

// A lock of the process and not of a world: taken when a thread does something for the first time, say, which
// a seed must not know of.
bool is_global(const void* mutex) {
    const auto* const at = static_cast<const char*>(mutex);
    return at >= &__data_start && at < &_end;
}

sem_t world;  // posted when the baton comes back
std::vector<Worker*> idle;

void wait_for(sem_t& semaphore) {
    while (sem_wait(&semaphore) != 0) {
    }
}

void work(Worker* worker) {
    this_worker = worker;
    for (;;) {
        wait_for(worker->go);
        this_scheduler = worker->scheduler;
        detail::sample_anew();
        worker->fn();
        worker->fn = nullptr;
        this_scheduler = nullptr;
        worker->done = true;
        sem_post(&world);
    }
}

Worker& idle_worker() {
    if (idle.empty()) {
        auto* const worker = new Worker;
        sem_init(&worker->go, 0, 0);
        std::thread(work, worker).detach();
        idle.push_back(worker);
    }
    Worker& worker = *idle.back();
    idle.pop_back();
    return worker;
}

}  // namespace

Scheduler* Scheduler::current() noexcept { return this_scheduler; }

Scheduler::Scheduler(std::uint64_t seed, const Pace& pace) : rng_(seed), pace_(pace) {
    static const bool ready = sem_init(&world, 0, 0) == 0;
    static_cast<void>(ready);
    this_scheduler = this;
}

Scheduler::~Scheduler() { this_scheduler = nullptr; }

std::uint64_t Scheduler::after(std::uint64_t delay_ns, std::function<void()> fn) {
    const std::uint64_t id = next_id_++;
    queue_.push({now_ns_ + delay_ns, rng_.next(), id, nullptr, 0});
    events_.push_back({id, std::move(fn)});
    return id;
}

bool Scheduler::cancel(std::uint64_t id) {
    const auto it = std::lower_bound(events_.begin(), events_.end(), id,
                                     [](const Event& event, std::uint64_t wanted) { return event.id < wanted; });
    if (it == events_.end() || it->id != id) return false;
    const std::function<void()> gone = std::move(it->fn);
    events_.erase(it);
    return true;
}

void Scheduler::spawn(std::string name, std::uint64_t delay_ns, std::function<void()> fn) {
    Worker& worker = idle_worker();
    worker.fn = std::move(fn);
    worker.name = std::move(name);
    worker.scheduler = this;
    worker.waits_for = nullptr;
    worker.done = false;
    worker.held = 0;
    worker.held_up_ns = 0;
    workers_.push_back(&worker);
    resume_at(worker, now_ns_ + delay_ns);
}

void Scheduler::resume_at(Worker& worker, std::uint64_t at_ns) {
    queue_.push({at_ns, rng_.next(), next_id_++, &worker, worker.turn});
}

void Scheduler::let_go(Worker& worker) {
    running_ = &worker;
    ++worker.turn;
    sem_post(&worker.go);
    wait_for(world);
    running_ = nullptr;
    if (!worker.done) return;
    workers_.erase(std::find(workers_.begin(), workers_.end(), &worker));
    idle.push_back(&worker);
}

void Scheduler::give_up(Worker& worker) {
    sem_post(&world);
    wait_for(worker.go);
}

bool Scheduler::run() {
    const std::uint64_t last = steps_ + most_steps;
    while (failure_.empty() && !workers_.empty()) {
        if (queue_.empty()) {
            fail("nothing will ever wake these: " + waiting_tasks());
            break;
        }
        if (++steps_ > last) {
            fail("it does not end: " + waiting_tasks());
            break;
        }
        const Item item = queue_.top();
        queue_.pop();
        now_ns_ = std::max(now_ns_, item.at_ns);
        if (item.worker != nullptr) {
            if (item.turn != item.worker->turn || item.worker->done) continue;  // woken before
            mark(now_ns_ ^ item.id);
            let_go(*item.worker);
            continue;
        }
        const auto it = std::lower_bound(events_.begin(), events_.end(), item.id,
                                         [](const Event& event, std::uint64_t id) { return event.id < id; });
        if (it == events_.end() || it->id != item.id) continue;
        const std::function<void()> fn = std::move(it->fn);
        events_.erase(it);
        mark(now_ns_ ^ item.id);
        fn();
    }
    return failure_.empty();
}

void Scheduler::fail(std::string what) {
    if (failure_.empty()) failure_ = std::move(what);
}

std::string Scheduler::waiting_tasks() const {
    std::string text;
    for (const Worker* worker : workers_)
        text += (text.empty() ? "" : ", ") + worker->name + (worker->waits_for != nullptr ? " (waits)" : "");
    return text;
}

const std::string& Scheduler::name() const {
    static const std::string none = "the world";
    return running_ != nullptr ? running_->name : none;
}

void Scheduler::sleep(std::uint64_t ns) {
    if (running_ == nullptr) return;
    Worker& worker = *running_;
    resume_at(worker, now_ns_ + ns);
    give_up(worker);
}

void Scheduler::pause() {
    if (running_ == nullptr || running_->held != 0 || pace_.hold_one_in == 0 || !rng_.one_in(pace_.hold_one_in)) return;
    const std::uint64_t kind = rng_.below(100);
    const std::uint64_t most = kind < 70 ? 200'000 : kind < 97 ? 5'000'000 : pace_.longest_hold_ns;
    const std::uint64_t hold = rng_.below(std::min(most, pace_.longest_hold_ns) + 1);
    running_->held_up_ns += hold;
    sleep(hold);
}

std::uint64_t Scheduler::held_up_ns() const { return running_ != nullptr ? running_->held_up_ns : 0; }

// Waits until somebody wakes who waits for `what`. False: the time came first.
bool Scheduler::block(Worker& worker, void* what, std::uint64_t until_ns) {
    worker.waits_for = what;
    worker.woken = false;
    if (until_ns != UINT64_MAX) resume_at(worker, std::max(until_ns, now_ns_));
    give_up(worker);
    worker.waits_for = nullptr;
    return worker.woken;
}

void Scheduler::wake(void* what, bool all) {
    std::vector<Worker*> sleepers;
    for (Worker* worker : workers_)
        if (worker->waits_for == what && !worker->woken) sleepers.push_back(worker);
    if (sleepers.empty()) return;
    if (!all) sleepers = {sleepers[rng_.below(sleepers.size())]};
    for (Worker* worker : sleepers) {
        worker->woken = true;
        // Its timer, if it has one, is of this turn too: whichever comes first counts, and then turn moves.
        resume_at(*worker, now_ns_ + (rng_.one_in(32) ? rng_.below(2'000'000) : rng_.below(30'000)));
    }
}

int Scheduler::lock(void* mutex) {
    auto* const real = static_cast<pthread_mutex_t*>(mutex);
    if (!is_global(mutex)) pause();
    while (real_try_lock(real) != 0) {
        if (running_ == nullptr) {
            // The holder would have to run for this to go on: in life, a store's thread that waits for a
            // lock whose holder waits for that thread.
            give_up_for_good("a call from a store had to wait for a lock that somebody holds who waits: " + waiting_tasks());
        }
        block(*running_, mutex, UINT64_MAX);
    }
    if (running_ != nullptr) ++running_->held;
    return 0;
}

int Scheduler::try_lock(void* mutex) {
    const int refused = real_try_lock(static_cast<pthread_mutex_t*>(mutex));
    if (refused == 0 && running_ != nullptr) ++running_->held;
    return refused;
}

int Scheduler::unlock(void* mutex) {
    const int error = real_unlock(static_cast<pthread_mutex_t*>(mutex));
    if (running_ != nullptr && running_->held > 0) --running_->held;
    wake(mutex, true);
    return error;
}

bool Scheduler::wait(void* what, void* mutex, std::uint64_t until_ns) {
    if (running_ == nullptr) give_up_for_good("a call from a store had to wait for a condition: " + waiting_tasks());
    Worker& worker = *running_;
    // Given back and asleep in one step, as far as others can see.
    unlock(mutex);
    const bool woken = block(worker, what, until_ns);
    while (real_try_lock(static_cast<pthread_mutex_t*>(mutex)) != 0) block(worker, mutex, UINT64_MAX);
    ++worker.held;
    return woken;
}

}  // namespace larder::sim
