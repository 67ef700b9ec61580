// tests/sim/scheduler.hpp -- threads of the real core on virtual time, one at a time, in an order that a seed decides.
//
// The world is a queue of things to happen: an event runs on the world's own thread, a task is a thread of
// a pool that is let go on. Only one of them runs at a time. A task gives up the baton where it waits: for
// a mutex, a condition variable, the time. That is found out under the code, not in it: the linker puts
// waiting.cpp's functions in the place of pthread_mutex_lock and its like (ld --wrap), so that the core
// runs as it is. Real threads, and not fibers, because the core keeps thread-local state.
//
// A task that holds no lock may also be held up anywhere it takes one or reads the clock: what a scheduler
// of an operating system may do.
//
// What runs as an event must not wait: it stands for a thread of a store. If it has to, that is a finding.
#pragma once

#include "tests/sim/rng.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

namespace larder::sim {

struct Worker;  // a thread of the pool

// How often a task is held up, and for how long.
struct Pace {
    std::uint64_t hold_one_in = 24;           // of the points where it may be; 0: never
    std::uint64_t longest_hold_ns = 50'000'000;
};

class Scheduler {
  public:
    // Tasks may be given before run(). Of the thread that calls it, one at a time.
    Scheduler(std::uint64_t seed, const Pace& pace);
    ~Scheduler();
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;
    // The one whose baton this thread has; null: not simulated.
    static Scheduler* current() noexcept;

    std::uint64_t now_ns() const noexcept { return now_ns_; }
    Rng& rng() { return rng_; }

    // fn runs as an event. Returns an id for cancel(), never 0.
    std::uint64_t after(std::uint64_t delay_ns, std::function<void()> fn);
    bool cancel(std::uint64_t id);
    // fn runs as a task. It must not throw.
    void spawn(std::string name, std::uint64_t delay_ns, std::function<void()> fn);
    // Lets things happen until no task is left (events that are left stay) or `fail` was called. False:
    // it failed, or tasks are left that nothing will ever wake, or it does not end.
    bool run();
    // Something is wrong: run() ends soon. The first says what.
    void fail(std::string what);
    const std::string& failure() const { return failure_; }
    std::uint64_t steps() const { return steps_; }
    // A number that says what happened so far, in what order.
    std::uint64_t trace() const { return trace_; }
    void mark(std::uint64_t what) { trace_ = (trace_ ^ what) * 0x100000001B3ULL + (trace_ >> 47); }

    // ---- for tasks, and for what stands in for their waiting
    void sleep(std::uint64_t ns);
    // A task may be held up here.
    void pause();
    // Nobody is held up any more.
    void calm() { pace_.hold_one_in = 0; }
    const std::string& name() const;
    // For how long the task that runs has been held up since it began.
    std::uint64_t held_up_ns() const;
    int lock(void* mutex);
    int try_lock(void* mutex);
    int unlock(void* mutex);
    // Gives `mutex` back, waits for wake(what) or the time (UINT64_MAX: none), takes it again. False: time.
    bool wait(void* what, void* mutex, std::uint64_t until_ns);
    void wake(void* what, bool all);

    static constexpr std::uint64_t most_steps = 1'000'000;

  private:
    struct Item {
        std::uint64_t at_ns, tie, id;
        Worker* worker;  // null: an event
        std::uint64_t turn;  // of the worker's waiting
        bool operator<(const Item& o) const {  // the queue's top is the greatest
            return at_ns != o.at_ns ? at_ns > o.at_ns : tie != o.tie ? tie > o.tie : id > o.id;
        }
    };
    struct Event {
        std::uint64_t id;
        std::function<void()> fn;
    };
    void resume_at(Worker& worker, std::uint64_t at_ns);
    void give_up(Worker& worker);  // the baton goes to the world; returns when it is back
    void let_go(Worker& worker);
    bool block(Worker& worker, void* what, std::uint64_t until_ns);
    std::string waiting_tasks() const;

    Rng rng_;
    Pace pace_;
    std::uint64_t now_ns_ = 1'000'000'000'000;
    std::uint64_t next_id_ = 1, steps_ = 0, trace_ = 0xCBF29CE484222325ULL;
    std::priority_queue<Item> queue_;
    std::vector<Event> events_;   // what is in the queue and not cancelled; by id, sorted
    std::vector<Worker*> workers_;  // at work for this scheduler
    Worker* running_ = nullptr;
    std::string failure_;
};

}  // namespace larder::sim
