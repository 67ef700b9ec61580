// tests/sim/waiting.cpp -- the functions in whose place the linker puts these.
#include "tests/sim/waiting.hpp"

#include "tests/sim/scheduler.hpp"

#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <unistd.h>

using larder::sim::Scheduler;

// The names are the linker's.
extern "C" {

int __real_pthread_mutex_lock(pthread_mutex_t*);
int __real_pthread_mutex_trylock(pthread_mutex_t*);
int __real_pthread_mutex_unlock(pthread_mutex_t*);
int __real_pthread_cond_clockwait(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*);
void __real__ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE(std::condition_variable*, std::unique_lock<std::mutex>*);
void __real__ZNSt18condition_variable10notify_oneEv(std::condition_variable*);
void __real__ZNSt18condition_variable10notify_allEv(std::condition_variable*);
std::int64_t __real__ZNSt6chrono3_V212steady_clock3nowEv();

int __wrap_pthread_mutex_lock(pthread_mutex_t* mutex) {
    Scheduler* const scheduler = Scheduler::current();
    return scheduler != nullptr ? scheduler->lock(mutex) : __real_pthread_mutex_lock(mutex);
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t* mutex) {
    Scheduler* const scheduler = Scheduler::current();
    return scheduler != nullptr ? scheduler->try_lock(mutex) : __real_pthread_mutex_trylock(mutex);
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t* mutex) {
    Scheduler* const scheduler = Scheduler::current();
    return scheduler != nullptr ? scheduler->unlock(mutex) : __real_pthread_mutex_unlock(mutex);
}

// A condition variable begins with its pthread_cond_t, so both have one address.
int __wrap_pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock, const timespec* until) {
    Scheduler* const scheduler = Scheduler::current();
    if (scheduler == nullptr) return __real_pthread_cond_clockwait(condition, mutex, clock, until);
    const auto until_ns = static_cast<std::uint64_t>(until->tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(until->tv_nsec);
    return scheduler->wait(condition, mutex, until_ns) ? 0 : ETIMEDOUT;
}

void __wrap__ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE(std::condition_variable* condition,
                                                                       std::unique_lock<std::mutex>* lock) {
    Scheduler* const scheduler = Scheduler::current();
    if (scheduler == nullptr) {
        __real__ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE(condition, lock);
        return;
    }
    scheduler->wait(condition, lock->mutex()->native_handle(), UINT64_MAX);
}

void __wrap__ZNSt18condition_variable10notify_oneEv(std::condition_variable* condition) {
    if (Scheduler* const scheduler = Scheduler::current()) scheduler->wake(condition, false);
    else __real__ZNSt18condition_variable10notify_oneEv(condition);
}

void __wrap__ZNSt18condition_variable10notify_allEv(std::condition_variable* condition) {
    if (Scheduler* const scheduler = Scheduler::current()) scheduler->wake(condition, true);
    else __real__ZNSt18condition_variable10notify_allEv(condition);
}

std::int64_t __wrap__ZNSt6chrono3_V212steady_clock3nowEv() {
    const Scheduler* const scheduler = Scheduler::current();
    return scheduler != nullptr ? static_cast<std::int64_t>(scheduler->now_ns()) : __real__ZNSt6chrono3_V212steady_clock3nowEv();
}

}  // extern "C"

namespace larder::sim {

int real_try_lock(pthread_mutex_t* mutex) { return __real_pthread_mutex_trylock(mutex); }
int real_unlock(pthread_mutex_t* mutex) { return __real_pthread_mutex_unlock(mutex); }

void (*on_giving_up)(const std::string&) = nullptr;

void give_up_for_good(const std::string& what) {
    if (on_giving_up != nullptr) on_giving_up(what);
    else std::fprintf(stderr, "%s\n", what.c_str());
    std::fflush(nullptr);
    _exit(3);
}

}  // namespace larder::sim
